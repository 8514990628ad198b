"""The plan's section for one metric that Prometheus counts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from interlock.core.rollout.setting import InvalidSetting
from interlock.plugins.meters.counting import ARMS, edge_value
from interlock.plugins.meters.matching import Labels, read_labels
from interlock.plugins.meters.reading import Section
from interlock.ports.meter import Arm, Counted

__all__ = ["ARMS", "PromQuery", "read_queries"]

_KEYS = ("query", "canary", "control", "shard", "absent")
_NAME = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PromQuery:
    """One metric: a selector, the labels of each arm, and by which label series are shards."""

    metric: str
    query: str
    labels: Mapping[Arm, Labels]
    shard: str
    edges: Mapping[str, float]
    absent_is_zero: bool

    @property
    def family(self) -> str:
        """The name of the series, empty where the selector has none in front."""
        found = _NAME.match(self.query)
        return found[1] if found else ""

    def owns(self, arm: Arm, labels: Mapping[str, str]) -> bool:
        """Whether something with these labels is of this arm; a label that it lacks says no."""
        wanted = self.labels[arm]
        return bool(wanted.names) and all(name in labels for name in wanted.names) and wanted.fit(labels)


def read_queries(meter: Section, metrics: Sequence[Counted]) -> tuple[PromQuery, ...]:
    """The sections of all metrics, with what the meter's own says for all of them.

    Raises:
        InvalidSetting: unknown keys, no query, or arms that nothing tells apart.
    """
    general = {arm: read_labels(meter, arm) for arm in ARMS}
    shard = meter.text("shard", "instance")
    return tuple(_read(counted, general, shard) for counted in metrics)


def _read(counted: Counted, general: Mapping[Arm, Labels], shard: str) -> PromQuery:
    path = ("metrics", counted.name)
    section = Section(values=counted.query, what=f"metric `{counted.name}` of meter `prometheus`", path=path)
    section.only(*_KEYS)
    section.choice("absent", ("zero", "missing"), "missing")
    labels = {arm: read_labels(section, arm) if arm in counted.query else general[arm] for arm in ARMS}
    if labels["canary"] == labels["control"]:
        raise InvalidSetting(
            f"expected labels that tell canary from control for metric `{counted.name}`, got the same for both",
            code="arms-alike",
            hint='such as canary: {version: "2"} and control: {version: "1"}',
            path=path,
        )
    return PromQuery(
        metric=counted.name,
        query=section.text("query").strip(),
        labels=labels,
        shard=section.text("shard", shard),
        edges={edge: edge_value(section, edge) for edge in counted.edges},
        absent_is_zero=section.values.get("absent") == "zero",
    )
