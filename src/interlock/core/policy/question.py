"""What a decision is asked: one change, one environment, one moment, and all that is known about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from interlock.core.approval.model import Rejected, Tally
from interlock.core.change.catalog import Catalog
from interlock.core.change.change import Change
from interlock.core.change.settings import Settings
from interlock.core.evidence.model import Evidence
from interlock.core.facts.model import Description
from interlock.core.review.answered import Asked

Actor = Literal["person", "pipeline", "agent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A valid exception or break-glass: ``rule`` is the lifted rule, ``*`` for all that may be lifted.

    ``people`` are those who granted it; ``audit`` says that a follow-up audit must be opened.
    """

    id: str
    kind: Literal["exception", "break-glass"]
    rule: str
    change: str
    people: tuple[str, ...]
    statements: tuple[str, ...] = ()
    reason: str
    expires_at: datetime
    audit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An exception or break-glass on record that lifts nothing yet: ``needed`` people take part, ``people`` have.

    ``role`` is the rank that one of them must hold. ``may_sign`` are those whose signature would count and who are
    there. ``expires_at`` is when the first signature ends, None where none counts. ``void`` are those that do not.
    """

    kind: Literal["exception", "break-glass"]
    rule: str
    people: tuple[str, ...]
    needed: int
    role: str | None = None
    reason: str = ""
    expires_at: datetime | None = None
    may_sign: tuple[str, ...] = ()
    void: tuple[Rejected, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionInput:
    """One question: may this change enter this environment now?

    ``offered_digest`` is what was read again at the gate, None where nothing was. ``conflicts`` are ids of other
    open changes on the same services, ``concerns`` a reviewer's, with their answers. ``settings``
    and ``catalog`` are those of the rules in force, ``rehearsals`` their plans by service and environment.
    """

    change: Change
    description: Description
    tally: Tally
    evidence: tuple[Evidence, ...]
    environment: str
    settings: Settings
    catalog: Catalog
    now: datetime
    actor: Actor = "person"
    actor_name: str = ""
    grants: tuple[Grant, ...] = ()
    conflicts: tuple[str, ...] = ()
    offered_digest: str | None = None
    concerns: tuple[Asked, ...] = ()
    rehearsals: tuple[tuple[str, str], ...] = ()
