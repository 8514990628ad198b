"""A rehearsal plan: how going back is tried for one service, somewhere that is not production.

Rules:
1. A plan is a rule, ``rehearsals/<name>.yaml``: what is probed, and what must come back, cannot be edited by the
   change that is rehearsed.
2. A rehearsal without a probe shows nothing, so there is at least one, of the plan or of its driver: one that
   makes a place of its own brings the probe that looks at it. Who brings what is known where it is put on stage.
3. It never names an environment that ``interlock.yaml`` calls production.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from interlock.core.change.canonical import Json
from interlock.core.rehearsal.members import MemberPlan
from interlock.core.rollout.plan import Keys, PluginPlan, StepPlan

PROBE_SECONDS = 30.0
"""The most that one look of one probe takes."""

OWN_STEPS = 3_600.0
"""The most that a driver takes which is told no steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePlan:
    """One look at the state: ``kind`` is the plug-in that takes it, ``settings`` are that plug-in's."""

    name: str
    kind: str
    settings: Mapping[str, Json]
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalPlan:
    """The whole file. ``objective`` is in seconds, None for ``thresholds.rollback_seconds`` of the rules.

    ``driver`` is who applies and rolls back, by ``apply`` and ``rollback`` where it is told the steps. A set has
    ``members`` instead, who go back in the order of ``back``. ``passed_on`` are variables of the runner that its
    steps and its probes' programs get. ``lines`` say where each key stands; ``digest`` is
    of the file's bytes.
    """

    path: str
    service: str
    environment: str
    driver: PluginPlan
    probes: tuple[ProbePlan, ...]
    apply: tuple[StepPlan, ...] = ()
    rollback: tuple[StepPlan, ...] = ()
    objective: float | None = None
    members: tuple[MemberPlan, ...] = ()
    back: tuple[str, ...] = ()
    passed_on: tuple[str, ...] = ()
    digest: str = ""
    lines: Mapping[Keys, int] = field(default_factory=dict, repr=False, compare=False)

    def line_of(self, keys: Keys) -> int:
        """Where a key stands in the file, or the nearest above it that is written; 1 where none is."""
        return next((self.lines[keys[:end]] for end in range(len(keys), 0, -1) if keys[:end] in self.lines), 1)


def longest(plan: RehearsalPlan) -> float:
    """The most seconds that a rehearsal by this plan can take.

    Each step with its verification, there, back, and back once more; each probe four times; a minute for the rest.
    A driver that is told no steps takes its own, ``OWN_STEPS`` at most.
    """
    drivers = plan.members or (plan,)
    there = sum(2 * step.timeout for each in drivers for step in each.apply)
    back = sum(2 * step.timeout for each in drivers for step in each.rollback)
    own = OWN_STEPS * sum(not each.apply and not each.rollback for each in drivers)
    return there + 2 * back + own + 4 * PROBE_SECONDS * len(plan.probes) + 60.0
