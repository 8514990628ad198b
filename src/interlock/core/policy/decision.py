"""What policy answers: one value for people, pipelines and agents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from interlock.core.change.canonical import Json

Mode = Literal["observe", "enforce"]


class Outcome(StrEnum):
    """Allow: go. Needs: something can still be shown. Deny: not like this."""

    ALLOW = "allow"
    NEEDS = "needs"
    DENY = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One rule that fired. ``facts`` are the context values it read; ``lifted_by`` names an exception."""

    id: str
    text: str
    remedy: str
    layer: str
    mode: Mode
    outcome: Outcome
    facts: dict[str, Json]
    lifted_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Obligation:
    """What this change needs in all, and whether it has been shown."""

    id: str
    text: str
    remedy: str
    met: bool
    mode: Mode
    progress: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """``reasons`` are the enforced rules that fired, ``observed`` those that would have.

    ``bundle_digest`` names rules and layers, ``input_digest`` the facts judged; after ``expires`` decide again.
    The outcome is allow exactly when ``reasons`` is empty: a rule lifted by an exception stands in ``observed``,
    with ``lifted_by``. ``marks`` say what is special: ``fast-lane``, ``one-person``, ``lifted:GRANT``, and
    ``first-stage`` for a change that may go because a canary was promised.
    """

    outcome: Outcome
    reasons: tuple[Reason, ...]
    observed: tuple[Reason, ...]
    obligations: tuple[Obligation, ...]
    layers: tuple[tuple[str, str], ...]
    bundle_digest: str
    input_digest: str
    decided_at: datetime
    expires: datetime
    marks: tuple[str, ...] = ()
