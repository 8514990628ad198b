"""A rollout plan: how one service goes out in one environment. ``rollouts/<name>.yaml``, part of the rules.

Rules:
1. A plan is a rule: what splits traffic, what counts, how wide a stage is and how much a PASS must rule out cannot
   be edited by the change that is to go out.
2. Stages rise strictly, each above 0 % and at most 100 %. Each has a bake, a margin (the regression that must be
   ruled out before the next) and a limit, after which the rollout holds and asks a person. At 100 % there is
   nothing to compare with, so that stage is under the backstop alone.
3. Steps are argument lists, never a shell's line. Each has a way to verify it: what nobody looked at is a hope.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from interlock.core.change.canonical import Json

Keys = tuple[str | int, ...]
"""The keys and list positions that lead to a value, such as ``("meters", 0, "metrics")``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePlan:
    """``percent`` of traffic; ``bake`` and ``limit`` in seconds; ``margin`` a fraction (0.5: half the orders).

    At 100 % the margin is 1: nothing has to be ruled out.
    """

    percent: float
    bake: float
    margin: float
    limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPlan:
    """One act of the apply, promote or rollback set; ``run`` and ``verify`` are programs with their arguments."""

    name: str
    kind: Literal["artefact", "configuration", "flags", "other"]
    run: tuple[str, ...]
    verify: tuple[str, ...]
    timeout: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginPlan:
    """A router, a meter or a notifier by its name, with its own settings. ``line`` is where it stands."""

    kind: str
    settings: Mapping[str, Json]
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterPlan:
    """A meter, and which metric it counts by which query."""

    plugin: PluginPlan
    metrics: Mapping[str, Mapping[str, Json]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The whole file. Seconds throughout; ``judge`` are the judge's settings, bucket edges as the text they are.

    ``baseline`` is how long the control alone is watched before traffic moves, to learn how far it scatters by
    itself; 0 is not at all. ``in_flight`` is how long most requests take until what they lead to is counted, None
    where the plan does not say (see ``under_way``).

    ``untrusted`` says what becomes of traffic while nothing can be believed: it stays (``hold``) or goes back.
    ``keep`` is how long after completion the previous version stays one command away. ``digest`` is of the file's
    bytes, and ``lines`` say where each key stands in it.
    """

    path: str
    service: str
    environment: str
    router: PluginPlan
    meters: tuple[MeterPlan, ...]
    judge: Mapping[str, Json]
    stages: tuple[StagePlan, ...]
    tick: float = 1.0
    untrusted: Literal["hold", "return"] = "hold"
    apply: tuple[StepPlan, ...] = ()
    promote: tuple[StepPlan, ...] = ()
    rollback: tuple[StepPlan, ...] = ()
    keep: float = 86_400.0
    baseline: float = 600.0
    in_flight: float | None = None
    notify: tuple[PluginPlan, ...] = ()
    digest: str = ""
    lines: Mapping[Keys, int] = field(default_factory=dict, repr=False, compare=False)

    @property
    def under_way(self) -> float:
        """Seconds after a change of weight in which the canary was assigned what nobody can have counted yet.

        What the plan says; else the slowest bucket edge of a latency, which is near the 99th percentile; else a
        tick. Less than a tenth of a tick is nothing: it biases one tick by less than chance does.
        """
        found = self.in_flight if self.in_flight is not None else self._slowest_edge()
        return 0.0 if found < self.tick / 10 else found

    def _slowest_edge(self) -> float:
        metrics = self.judge.get("metrics")
        written = metrics.values() if isinstance(metrics, Mapping) else ()
        lists = [each.get("edges") for each in written if isinstance(each, Mapping)]
        edges = [float(str(edge)) for edges in lists if isinstance(edges, list | tuple) for edge in edges]
        return max(edges, default=self.tick)

    def line_of(self, keys: Keys) -> int:
        """Where a key stands in the file, or the nearest above it that is written; 1 where none is."""
        return next((self.lines[keys[:end]] for end in range(len(keys), 0, -1) if keys[:end] in self.lines), 1)
