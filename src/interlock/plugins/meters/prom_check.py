"""What a query to Prometheus must bring before any traffic moves: counters of both arms, with every edge."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.core.change.errors import Unavailable
from interlock.core.rollout.setting import InvalidSetting
from interlock.plugins.meters.exposition import counts
from interlock.plugins.meters.prom_counts import amounts, bounds, newest
from interlock.plugins.meters.prom_query import ARMS, PromQuery
from interlock.plugins.meters.promql import PLUGIN, Api, Raw, Target, selector


def check_query(api: Api, query: PromQuery, span: float, deadline: float) -> None:
    """Look at one metric.

    Raises:
        InvalidSetting: ``series-missing``, ``series-old``, ``series-type``, ``edge-missing``, ``label-unknown``.
        Rejected: Prometheus refuses the query.
        Unavailable, BadReply.
    """
    every = api.raw(query.query, span, deadline=deadline)
    if not every:
        older = api.raw(query.query, 3600.0, deadline=deadline)
        if older:
            raise _wrong(query, "series-old", f"samples of the last {span:g} s", "older ones only", "query")
        raise _wrong(query, "series-missing", f"series of `{query.query}`", "nothing", "query")
    _check_type(api, query, every, deadline)
    if any(query.shard not in raw.labels for raw in every):
        known = ", ".join(sorted(every[0].labels))
        raise _wrong(query, "label-unknown", f"the label `{query.shard}` on each series", known, "shard")
    for arm in reversed(ARMS):
        raws = api.raw(selector(query.query, query.labels[arm]), span, deadline=deadline)
        if not raws and not (query.absent_is_zero and _up(api, query, arm, span, deadline)):
            targets = [each for each in api.targets(deadline=deadline) if query.owns(arm, each.labels)]
            if down := [each for each in targets if not each.up]:
                raise _down(query, arm, down)
            names = query.labels[arm].names
            shown = sorted({", ".join(f'{name}="{raw.labels.get(name, "")}"' for name in names) for raw in every})
            raise _wrong(query, "label-mismatch", f"series of the {arm}", "; ".join(shown)[:200], arm)
        if raws and query.edges and not amounts(raws, query):
            known = ", ".join(f"{each:g}" for each in sorted(bounds(raws))) or "none"
            raise _wrong(query, "edge-missing", f"buckets up to {', '.join(query.edges)} s", known, "query")


def _down(query: PromQuery, arm: str, down: Sequence[Target]) -> Unavailable:
    places = ", ".join(f"{each.url}{': connection refused' * each.refused}" for each in down)
    return Unavailable(
        f"expected series of the {arm} for metric `{query.metric}`, but Prometheus does not reach its targets: "
        f"{places[:300]}",
        code="meter-unreachable",
        hint="start it, or look at Prometheus' page of targets",
        plugin=PLUGIN,
    )


def _up(api: Api, query: PromQuery, arm: str, span: float, deadline: float) -> bool:
    labels = query.labels["canary" if arm == "canary" else "control"]
    return any(newest(raw) for raw in api.raw(selector("up", labels), span, deadline=deadline))


def _check_type(api: Api, query: PromQuery, every: list[Raw], deadline: float) -> None:
    native = any(raw.natives for raw in every)
    if query.edges and not native and not any("le" in raw.labels for raw in every):
        raise _wrong(query, "series-type", "a histogram's buckets", "series without `le`", "query")
    if not query.edges and native:
        raise _wrong(query, "series-type", "a counter", "a native histogram", "query")
    stem = query.family
    for end in ("_bucket", "_count", "_sum"):
        stem = stem.removesuffix(end)
    kind = api.kind(query.family, deadline=deadline) or api.kind(stem, deadline=deadline)
    if not query.edges and kind is not None and not counts(kind, query.family):
        raise _wrong(query, "series-type", f"a counter at `{query.family}`", f"a {kind}", "query")


def _wrong(query: PromQuery, code: str, expected: str, got: str, key: str) -> InvalidSetting:
    hints = {
        "series-missing": "look for it in Prometheus' own page",
        "series-old": "set `interval` to how often Prometheus scrapes it, or look whether its targets are up",
        "series-type": "name one that only grows",
        "label-unknown": "name the label that tells shards apart as `shard`",
        "label-mismatch": "correct them, or say `absent: zero` where series appear with their first event",
        "edge-missing": "name bounds that the histogram has",
    }
    return InvalidSetting(
        f"expected {expected} for metric `{query.metric}`, got {got}",
        code=code,
        hint=hints[code],
        path=("metrics", query.metric, key),
    )
