"""What a bundle is made of: policies with their annotations, in layers.

Rules:
1. A forbid says what it is (``@id``), how hard it is (``@outcome``), why it fired (``@reason``) and what to do
   (``@remedy``). A permit says ``@id`` only. An annotation nobody knows is a spelling mistake and is refused.
2. ``{fact}`` in a reason or remedy is replaced by that fact's value; a name that is no fact is refused.
3. A layer's forbid also says from when, until when and where it holds; a rule of the base holds always.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from interlock.core.change.catalog import Place, Role
from interlock.core.policy.decision import Mode, Outcome
from interlock.core.policy.facts import NOTHING
from interlock.core.policy.scope import Scope

Liftable = Literal["exception", "never"]

PROTECTED: Liftable = "never"
"""A rule that protects the road itself: no exception, no break-glass and no observing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quorum:
    """How many people lift a rule, and the rank that one of them must have at least."""

    people: int
    role: Role | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From ``start`` on, before ``end``."""

    start: datetime
    end: datetime

    def holds(self, now: datetime) -> bool:
        """Whether ``now`` lies inside."""
        return self.start <= now < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One Cedar policy. ``reads`` names the facts in its conditions.

    ``source`` is its text, ``est`` Cedar's own JSON of it.
    """

    id: str
    effect: Literal["permit", "forbid"]
    layer: str
    place: Place
    reads: tuple[str, ...]
    source: str
    est: dict[str, object]
    outcome: Outcome = Outcome.DENY
    reason: str = ""
    remedy: str = ""
    mode: Mode | None = None
    liftable: Liftable = "exception"
    quorum: Quorum | None = None
    progress: tuple[str, str] | None = None
    span: Span | None = None
    scope: Scope = ()

    @property
    def protected(self) -> bool:
        """Whether it is always enforced and never lifted."""
        return self.liftable == PROTECTED

    @property
    def conditions(self) -> list[dict[str, object]]:
        """Cedar's JSON of the ``when`` and ``unless`` clauses, in order."""
        found = self.est.get("conditions")
        return found if isinstance(found, list) else []

    @property
    def reads_shown(self) -> bool:
        """Whether approvals or evidence can change what it says."""
        return any(name in NOTHING for name in self.reads)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One set of rules by the name of its folder or file, with the digest over its content."""

    name: str
    digest: str
    spans: tuple[Span, ...] = ()

    def holds(self, now: datetime) -> bool:
        """The base always does; an overlay while any of its rules does."""
        return not self.spans or any(span.holds(now) for span in self.spans)
