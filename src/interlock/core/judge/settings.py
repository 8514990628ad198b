"""What the judge is told once: metrics, weights, α, grids, φ and the limits of trust. Part of every record.

Rules:
1. Every number has a range, and what is outside is refused with the key that is wrong, before any traffic
   moves.
2. Half of the weight is on the business metrics, shared; the other half is shared by the rest. Where only one
   of both is there, it has all. Weights that are written stand, and must be complete and sum to 1.
3. A metric without a φ table has no history: it cannot pass, and only a catastrophe stops it.
4. Two settings with one digest judge alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from interlock.core.change.canonical import digest, plain
from interlock.core.judge.phi import PhiTable
from interlock.core.judge.tick import MetricKind

MARGINS = (0.90, 0.50, 0.25, 0.10)
"""What the first stages must rule out by default; later ones as the last."""
DOMAIN = "interlock.dev/judge-settings/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Rate ratios θ that evidence is gathered for, and how they share it; equally where no weights are given."""

    thetas: tuple[float, ...]
    weights: tuple[float, ...] = ()

    def shares(self) -> tuple[float, ...]:
        """The weight of each θ."""
        return self.weights or (1.0 / len(self.thetas),) * len(self.thetas)


DROPS = Grid(
    thetas=(0.01, 0.1, 0.25, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98),
    weights=(0.42, 0.08, 0.06, 0.19, 0.07, 0.05, 0.08, 0.03, 0.02),
)
RISES = Grid(
    thetas=(1.05, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0),
    weights=(0.02, 0.04, 0.04, 0.06, 0.08, 0.26, 0.06, 0.04, 0.4),
)
SLOWER = Grid(
    thetas=(1.02, 1.05, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0),
    weights=(0.02, 0.05, 0.11, 0.18, 0.24, 0.2, 0.08, 0.05, 0.04, 0.03),
)
"""Large effects have more weight than small ones, which take long anyway: a little more costs them least. Errors
hardly ever happen until they do, by tens of times; a latency that is a little worse moves many requests by a half.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSettings:
    """One metric. ``business`` metrics share half of the weight; None is: if it is a good one.

    ``edges`` make it a latency: events slower than each edge (seconds, as written), which count from ``warm_up``
    seconds on. ``floor`` is the rate of bad events per request below which nobody cares: a rise is told relative
    to the control's rate or to this, whichever is higher.
    """

    kind: MetricKind
    business: bool | None = None
    edges: tuple[str, ...] = ()
    warm_up: float = 0.0
    weight: float | None = None
    floor: float = 0.001

    @property
    def earns(self) -> bool:
        """Whether it is a business metric."""
        return self.kind == "good" if self.business is None else self.business


@dataclass(frozen=True, slots=True, kw_only=True)
class BackstopSettings:
    """The second test: all of ``metric`` against a forecast. Up to ``tolerance`` fewer (0.15: 15 %) is no harm."""

    metric: str
    alpha: float = 0.001
    tolerance: float = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustSettings:
    """When nothing is believed any more.

    The sample-ratio test refutes the share at ``share_alpha``; more than ``most_discarded`` of the last ``window``
    ticks do not count; none counts for ``silent`` seconds; shards scatter ``drift`` times as wide as φ says.
    """

    share_alpha: float = 0.001
    window: int = 20
    most_discarded: int = 10
    silent: float = 30.0
    drift: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSettings:
    """All of it. ``planned_minutes`` is the rollout's planned length, ``tick_seconds`` how often a tick is due.

    Late onsets are looked for every ``starts_every`` seconds. ``drops``, ``rises`` and ``slower`` are the effect
    sizes that evidence is gathered for, as the canary's rate over the control's: of good events, of bad ones, and
    of those above a latency's edges.
    """

    metrics: Mapping[str, MetricSettings]
    alpha: float = 0.01
    pass_alpha: float = 0.01
    phi: Mapping[str, PhiTable] = field(default_factory=dict)
    drops: Grid = DROPS
    rises: Grid = RISES
    slower: Grid = SLOWER
    planned_minutes: float = 90.0
    starts_every: float = 60.0
    tick_seconds: float = 5.0
    trust: TrustSettings = field(default_factory=TrustSettings)
    backstop: BackstopSettings | None = None

    @property
    def digest(self) -> str:
        """``sha256:…`` over all of it."""
        return digest(DOMAIN, plain(self))


def weights(metrics: Mapping[str, MetricSettings]) -> dict[str, float]:
    """How much of the evidence each metric may bring; they sum to 1."""
    if any(one.weight is not None for one in metrics.values()):
        return {name: one.weight or 0.0 for name, one in metrics.items()}
    earning = [name for name, one in metrics.items() if one.earns]
    groups = [group for group in (earning, [name for name in metrics if name not in earning]) if group]
    return {name: 1.0 / len(groups) / len(group) for group in groups for name in group}
