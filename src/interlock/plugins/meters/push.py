"""Counts that services push to interlock, where it cannot reach them: ``POST /v1/services/{service}/counts``.

Settings: ``service``. Each metric: ``name``, what it is called in pushes, where that is not the plan's name.

Rules:
1. The newest push of each source counts. Its samples keep the moments that the source gave them: what is late is
   old, and a source that is silent grows stale.
2. Where two sources tell of the same shard the newer sample counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from interlock.core.change.errors import Unavailable
from interlock.core.rollout.samples import usable
from interlock.core.rollout.setting import InvalidSetting
from interlock.plugins.meters.counting import ARMS, edge_value
from interlock.plugins.meters.reading import Section
from interlock.ports.counts import PushedCounts
from interlock.ports.meter import Arm, Counted, Sample


class PushMeter:
    """See the rules above; the contract is in ``ports.meter``. ``counts`` is where pushes are kept."""

    takes_counts: ClassVar[bool] = True

    def __init__(
        self, settings: Mapping[str, object], metrics: Sequence[Counted], counts: PushedCounts | None = None
    ) -> None:
        section = Section(values=settings, what="meter `push`")
        section.only("service")
        self._service = section.text("service")
        self._counts = counts
        self._metrics: dict[str, Counted] = {}
        for counted in metrics:
            path = ("metrics", counted.name)
            inner = Section(values=counted.query, what=f"metric `{counted.name}` of meter `push`", path=path)
            inner.only("name")
            for edge in counted.edges:
                edge_value(inner, edge)
            name = inner.text("name", counted.name)
            if name in self._metrics:
                raise inner.refuse("name", "a name that no other metric has", name)
            self._metrics[name] = counted

    def check(self) -> None:
        """See ``ports.meter``: each metric of each arm was pushed, with every edge."""
        found = self._newest()
        for name, counted in self._metrics.items():
            for arm in reversed(ARMS):
                samples = [sample for sample in found if (sample.metric, sample.arm) == (name, arm)]
                if not samples and arm == "canary":
                    # It may have to be started first, as one that is not reached.
                    raise Unavailable(
                        f"expected counts of `{name}` of the canary pushed for `{self._service}`, got none yet",
                        code="meter-unreachable",
                        hint="start what pushes them: docs/how-to/meters.md shows how",
                        plugin="push",
                    )
                if not samples:
                    raise self._missing("series-missing", f"counts of `{name}` of the {arm}", "none", counted)
                if not any(usable(sample, counted.edges) for sample in samples):
                    shown = ", ".join(sorted(samples[0].above)) or "none"
                    raise self._missing(
                        "edge-missing", f"counts above {', '.join(counted.edges)} s", shown, counted
                    )

    def read(self) -> Sequence[Sample]:
        """See ``ports.meter``."""
        newest: dict[tuple[str, Arm, str], Sample] = {}
        for sample in self._newest():
            counted = self._metrics.get(sample.metric)
            if counted is None or usable(sample, counted.edges) is None:
                continue
            key = (counted.name, sample.arm, sample.shard)
            if key not in newest or newest[key].at < sample.at:
                newest[key] = replace(sample, metric=counted.name)
        return [newest[key] for key in sorted(newest)]

    def close(self) -> None:
        """See ``ports.meter``; nothing is held."""

    def _newest(self) -> list[Sample]:
        if self._counts is None:
            raise Unavailable(
                "expected a server that pushes arrive at, got none",
                code="meter-unreachable",
                hint="run the rollout by interlock serve",
                plugin="push",
            )
        return [sample for pushed in self._counts.newest(self._service) for sample in pushed.samples]

    def _missing(self, code: str, expected: str, got: str, counted: Counted) -> InvalidSetting:
        return InvalidSetting(
            f"expected {expected} pushed for `{self._service}`, got {got}",
            code=code,
            hint="push them first: docs/how-to/meters.md shows how",
            path=("metrics", counted.name),
        )
