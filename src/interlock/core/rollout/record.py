"""What is kept of a rollout: where it stands, what it was let do, what it saw, and every effect on the outside.

Rules:
1. ``state`` says who moves next: a worker (``starting``, ``running``, ``returning``), a person (``held``), or
   nobody any more. A rollout that ended is taken up again only to be brought back (see ``transition``).
2. ``granted`` is the widest share of traffic it may have now: the first stage by its ticket, each wider one by a
   PASS or by a person's signed widening, of which ``widenings`` tells. ``weight`` is what the data plane was last
   *seen* to serve.
3. Nothing outside is touched without an ``Effect`` that says so before and another word after. An effect whose
   outcome nobody heard stays ``intended``; whoever takes over repeats it with the same key.
4. What was counted is kept in ``Observation``s: blobs of ticks in order without a gap, from which every verdict is
   computed again.
5. ``phase`` is the one thing that is being done now. Whoever takes over reads it and does it again: every act of a
   phase may be repeated.
6. Bake and limit are counted in seconds that were judged (``baked``) and worked (``spent``), never between two
   times of day: while nobody watched, nothing baked, and a clock that jumps ends no stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from interlock.core.approval.model import Presence
from interlock.core.judge.verdict import Standing


class RolloutState(StrEnum):
    """Where a rollout stands."""

    STARTING = "starting"
    RUNNING = "running"
    HELD = "held"
    RETURNING = "returning"
    COMPLETED = "completed"
    RETURNED = "returned"
    FAILED = "failed"
    """Traffic or the rollback set could not be brought back or verified: a person is needed."""


ENDED = frozenset({RolloutState.COMPLETED, RolloutState.RETURNED, RolloutState.FAILED})

Phase = Literal["apply", "calibrate", "weigh", "watch", "promote", "retire", "withdraw", "settle", "undo", "over"]
"""What is being done: put the version up, measure the control alone, set a weight and see it served, judge, make
the version the usual one, take the canary out; and on the way back set the weight to 0, void the ticket, undo.
"""

Hold = Literal["", "paused", "no-pass", "untrusted", "promote-failed", "frozen"]
"""Why it is held: a person said so, a stage cannot pass in its time, nothing can be believed, a step failed, a
freeze began."""

Cause = Literal["harm", "untrusted", "abort", "rollback", "no-pass", "apply-failed", "lost-weight", "ticket-void"]
"""Why traffic goes back: the judge's STOP, distrust, a person, ``interlock rollback``, a stage that cannot pass in
its time, a version that could not be put up, traffic that somebody else took away, a ticket that was voided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """What a rollout cost. What is told of it is as in the judge's ``Stopped``; ``lost`` counts events.

    ``estimate`` is None where there is none, ``canary`` and ``expected`` in records from before they were kept.
    ``seconds`` are from the canary's first request to the weight read back as 0.
    """

    metric: str
    estimate: float | None
    at_least: float
    log_e: float
    lost: float
    seconds: float | None = None
    canary: int | None = None
    expected: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedWidening:
    """Who answered for what was not ruled out, with what, when it went one stage further without a PASS.

    ``stage`` is where it went, as people count (``2 of 4``, or ``promotion``), ``percent`` how wide; ``statement``
    is the id of what was signed.
    """

    stage: str
    percent: str
    by: str
    statement: str
    fingerprint: str
    presence: Presence
    not_ruled_out: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutRecord:
    """One rollout of one change of one service. ``stage`` counts from 0; percents are of the service's traffic.

    ``plan`` is the digest of the plan's bytes, kept as a blob, ``plan_path`` where it stood. ``step`` is how far
    the apply, promote or rollback steps are. ``previous`` is the digest of the change that was there before,
    where it is known; ``base`` the commit at which this one begins. ``ruled_out`` is what the last PASS excluded,
    by metric; ``log_e``, ``verdict`` and ``told`` are how the judge stood when it was last written down; ``told``
    does not outlive its stage.

    ``wanted`` is what the data plane is to serve, ``served`` what it was last confirmed to. ``extended`` is what a
    person added to the stage's limit, in seconds. ``calibration`` is the blob with the noise that was measured
    before traffic moved; ``exposed_at`` when the canary had its first request; ``alone`` that it went on under the
    backstop alone, without a control. ``bake_until`` says when the bake is over if nothing comes between.
    ``effects`` counts them.
    """

    id: str
    service: str
    environment: str
    change: str
    digest: str
    ticket: str
    plan: str
    rules: str
    started_by: str
    started_at: datetime
    plan_path: str = ""
    state: RolloutState = RolloutState.STARTING
    phase: Phase = "apply"
    hold: Hold = ""
    stage: int = 0
    step: int = 0
    granted: float = 0.0
    wanted: float = 0.0
    served: float = 0.0
    weight: float = 0.0
    baked: float = 0.0
    spent: float = 0.0
    extended: float = 0.0
    alone: bool = False
    calibration: str | None = None
    exposed_at: datetime | None = None
    stage_since: datetime | None = None
    bake_until: datetime | None = None
    held_since: datetime | None = None
    ended_at: datetime | None = None
    cause: Cause | None = None
    why: str = ""
    harm: Harm | None = None
    ruled_out: Mapping[str, float] = field(default_factory=dict)
    widenings: tuple[SignedWidening, ...] = ()
    previous: str | None = None
    base: str = ""
    kept_until: datetime | None = None
    log_e: float = 0.0
    verdict: str = ""
    told: str = ""
    ticks: int = 0
    observations: int = 0
    effects: int = 0
    version: int = 1

    @property
    def ended(self) -> bool:
        """Whether nobody moves it any more."""
        return self.state in ENDED


EffectState = Literal["intended", "done", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One act on the outside. ``key`` is the idempotency key, ``token`` the fencing token it was intended under.

    ``kind`` is ``weight`` (``target`` is the percent) or ``step`` (``target`` is its set and name, such as
    ``apply/restart``). ``said`` is what came back, in one line.
    """

    id: str
    rollout: str
    number: int
    kind: Literal["weight", "step"]
    target: str
    key: str
    token: int
    state: EffectState = "intended"
    intended_at: datetime
    ended_at: datetime | None = None
    said: str = ""
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A run of recorded ticks, as JSON lines in a blob (see ``core.judge.record``). ``number`` counts from 0.

    ``log_e``, ``verdict`` and ``standing`` are the judge's after the last of them.
    """

    id: str
    rollout: str
    number: int
    blob: str
    first_t: float
    last_t: float
    ticks: int
    log_e: float
    verdict: str
    standing: Standing | None = None
