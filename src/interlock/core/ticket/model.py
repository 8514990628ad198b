"""The ticket: a signed, short-lived permission that can be verified without asking anybody.

Rules:
1. A ticket names everything it permits: the change's digest, the artefacts, one environment, the services, at
   most how much weight, until when. What it does not name it does not permit.
2. It carries its own proof: the decision, the signed approvals whole, and the ledger entry of its own issue
   with an inclusion proof. The server's signature alone convinces nobody who pinned people's keys.
3. ``terms_digest`` covers all of it but the proof; the ledger entry names that digest, so proof and terms
   cannot be exchanged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from interlock.core.approval.model import SignedStatement
from interlock.core.change.canonical import Json, digest, plain
from interlock.core.policy.decision import Decision

PREDICATE = "https://interlock.dev/predicates/ticket/v1"
STATEMENT = "https://in-toto.io/Statement/v1"
MAX_LIFE = timedelta(minutes=15)
MAX_TICKET = 1024 * 1024
"""Bytes. A decision with hundreds of reasons and twenty approvals is about 200 KiB."""

ENTRY_KIND = "ticket.issued"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inclusion:
    """One entry of the ledger with all that proves it offline.

    ``leaf`` is the entry's canonical JSON, ``proof`` the siblings up to the root as base64, deepest first, and
    ``checkpoint`` the signed note that states the root.
    """

    index: int
    leaf: str
    proof: tuple[str, ...]
    checkpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """``max_weight`` is percent of traffic, above 0 up to 100; ``rollout`` is None where none is run.

    ``issuer`` is the id of the server's key, ``authors`` the people who may not have approved; ``delegations`` are
    what approvals on somebody's behalf rest on; ``inclusion`` is None until its issue is in the ledger.
    """

    version: Literal[1] = 1
    id: str
    change: str
    digest: str
    artefacts: tuple[str, ...]
    environment: str
    rollout: str | None = None
    max_weight: float
    services: tuple[str, ...]
    authors: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime
    rules_digest: str
    decision: Decision
    approvals: tuple[SignedStatement, ...]
    delegations: tuple[SignedStatement, ...] = ()
    one_person: bool = False
    break_glass: bool = False
    issuer: str
    inclusion: Inclusion | None = None

    @property
    def terms_digest(self) -> str:
        """The digest over everything but the proof."""
        return digest("interlock.dev/ticket/v1", replace(self, inclusion=None))

    def statement(self) -> dict[str, Json]:
        """The ticket as an in-toto Statement: subjects are the change and every artefact."""
        subjects: list[Json] = [_subject(self.change, self.digest)]
        subjects += [_subject(f"artefact-{place}", found) for place, found in enumerate(self.artefacts, 1)]
        return {"_type": STATEMENT, "subject": subjects, "predicateType": PREDICATE, "predicate": plain(self)}


def _subject(name: str, found: str) -> dict[str, Json]:
    return {"name": name, "digest": {"sha256": found.removeprefix("sha256:")}}
