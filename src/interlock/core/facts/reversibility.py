"""Whether going back restores what was there.

Rules:
1. What lies in git as text comes back from git. A plan's deletes and replaces do not come back by themselves:
   each is a loss, of stored state or not. ``forget`` takes a resource out of the plan's state and leaves it
   running: no loss.
2. A Kubernetes object that configuration deletes is a loss when its kind holds state.
3. Unknown, never guessed: a plan that is partial or runs a provider's actions, files that migrate a database,
   binaries that nobody can read, a submodule that moved, a change about which nothing was read.
4. One loss makes the change irreversible, whatever else is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from interlock.core.change.parts import ConfigurationFile, FileChange, Part, ResourceChange, TerraformPlan
from interlock.core.facts.kubernetes import kind_of_document, removed_documents
from interlock.core.facts.model import Loss, Reversibility, Source
from interlock.core.facts.ordered import MAX_SOURCES, configuration_of, files_of, plans_of, resources_of
from interlock.core.facts.stateful import STATEFUL_KINDS, STATEFUL_TYPES

_MIGRATION = re.compile(
    r"(?:.*/)?(?:migrations?|migrate|alembic/versions|db/changelog|liquibase|flyway)/.*\.(?:sql|py|rb|js|ts|xml|ya?ml|php|go|ex|exs)"
    r"|.*\.sql|(?:.*/)?[VRU]\d[\w.]*__[^/]*\.(?:sql|java)",
    re.IGNORECASE,
)


def reversibility_of(parts: Sequence[Part]) -> Reversibility:
    """Losses first, then what nobody can tell."""
    losses = [_of_resource(plan, resource) for plan, resource in resources_of(parts) if _is_loss(resource)]
    losses += [loss for file in configuration_of(parts) for loss in _of_configuration(file)]
    unknowns = [source for plan in plans_of(parts) for source in _unsaid(plan)]
    unknowns += [source for file in files_of(parts) for source in _unknown(file)]
    kind: Literal["reversible", "irreversible", "unknown"]
    kind = "irreversible" if losses else "unknown" if unknowns else "reversible"
    return Reversibility(kind=kind, losses=tuple(losses), unknowns=tuple(unknowns))


def is_migration(path: str) -> bool:
    """Whether a file looks like one that alters a database's schema or content."""
    return _MIGRATION.fullmatch(path) is not None


def _is_loss(resource: ResourceChange) -> bool:
    return resource.replaces or "delete" in resource.actions


def _of_resource(plan: TerraformPlan, resource: ResourceChange) -> Loss:
    reason = resource.reason or ""
    if resource.replace_paths:
        reason = f"forced by {', '.join(resource.replace_paths[:5])}"
    what = f"{resource.address} (deposed {resource.deposed})" if resource.deposed else resource.address
    return Loss(
        what=what,
        action="replace" if resource.replaces else "destroy",
        stateful=resource.type in STATEFUL_TYPES,
        source=Source(where=f"{plan.path}#{resource.address}", text=reason),
    )


def _of_configuration(file: ConfigurationFile) -> Iterator[Loss]:
    for document, line in removed_documents(file):
        if kind_of_document(document) in STATEFUL_KINDS:
            source = Source(where=file.path, line=line, text="deleted from the configuration")
            yield Loss(what=document, action="irreversible-kind", stateful=True, source=source)


def _unsaid(plan: TerraformPlan) -> Iterator[Source]:
    """What a plan does not tell about itself; one that ended in an error, whoever read it, tells too little."""
    if plan.errored and not plan.incomplete:
        yield Source(where=plan.path, text="the plan ended in an error")
    for gap in plan.incomplete:
        yield Source(where=plan.path, text=f"plan incomplete: {gap}")
    for action in plan.invokes[:MAX_SOURCES]:
        yield Source(where=plan.path, text=f"runs {action}: what a provider's action does is not in the plan")


def _unknown(file: FileChange) -> Iterator[Source]:
    if is_migration(file.path):
        yield Source(where=file.path, text="a database migration: what it does to stored rows is not read")
    elif file.binary:
        yield Source(where=file.path, text="a binary that nobody can read")
    elif file.submodule:
        yield Source(where=file.path, text="another repository's commit, not part of this change")
