"""Everything deterministic analysis says about a submission: one module for each fact, put together here.

Rules:
1. Pure: the same submission, catalog and settings give the same description, byte for byte, in whatever order
   the parts, files and validations were read.
2. A fact never fails on what a change contains: what cannot be read is said to be unknown, or listed as a
   problem, and policy treats both as reasons for caution.
3. Nothing written inside a change (a message, a note, a document) can relax a fact; text only ever adds.
"""

from __future__ import annotations

from dataclasses import replace

from interlock.core.change.catalog import Catalog
from interlock.core.change.change import Submission
from interlock.core.change.settings import Settings
from interlock.core.facts.artefacts import artefacts_of
from interlock.core.facts.authors import authors_of
from interlock.core.facts.blast import blast_of
from interlock.core.facts.checked import checked_of
from interlock.core.facts.documentation import documentation_of
from interlock.core.facts.listed_first import tests_before
from interlock.core.facts.model import Description
from interlock.core.facts.ordered import ordered_parts
from interlock.core.facts.provenance import provenance_of
from interlock.core.facts.reversibility import reversibility_of
from interlock.core.facts.size import size_of

__all__ = ["describe"]


def describe(submission: Submission, *, catalog: Catalog, settings: Settings) -> Description:
    """The description of ``submission``.

    Raises:
        InvalidInput: ``change-empty`` or ``change-part-twice``, as for the change's digest.
    """
    parts = ordered_parts(submission.parts)
    documentation = documentation_of(parts, settings)
    documentation = replace(documentation, tests_before=tests_before(parts, documentation, catalog))
    return Description(
        digest=submission.digest,
        catalog_digest=catalog.digest,
        authors=authors_of(parts),
        provenance=provenance_of(parts, documentation, catalog),
        blast=blast_of(parts, catalog=catalog, settings=settings),
        reversibility=reversibility_of(parts),
        documentation=documentation,
        size=size_of(parts),
        artefacts=artefacts_of(parts),
        checked=checked_of(parts, submission.validations, settings),
    )
