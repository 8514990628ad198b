"""Counts from a Prometheus that scrapes the services already.

Settings: ``url``; ``interval`` (15 s), how often Prometheus scrapes them; ``timeout`` (1.5 s); ``shard`` (the
label ``instance``); ``canary`` and ``control``, labels that tell the arms apart; ``started``, a selector of when
each shard began; ``refused`` (``gone`` or ``missing``); ``auth`` and ``ca`` as in ``access``. Each metric:
``query``, a selector of counters, or of a classic (``…_bucket``) or native histogram where the metric has edges;
``canary``, ``control`` and ``shard`` instead of the meter's; ``absent: zero``.

Rules:
1. Raw cumulative samples are asked for, each with the moment of its scrape; a target that Prometheus did not reach
   keeps its old moment, and is absent when nothing is left within two and a half intervals.
2. Series of one shard are added up at the newest moment that all of them have reached.
3. Where a shard lags, Prometheus is asked why: a target whose connection is refused is gone and counts nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime

from interlock.core.change.errors import PluginError, Rejected
from interlock.core.rollout.setting import InvalidSetting
from interlock.plugins.meters.access import read_access, read_url
from interlock.plugins.meters.fetch import Endpoint
from interlock.plugins.meters.prom_check import check_query
from interlock.plugins.meters.prom_counts import Amount, amounts, histories, newest
from interlock.plugins.meters.prom_query import ARMS, PromQuery, read_queries
from interlock.plugins.meters.promql import PLUGIN, Api, Raw, selector
from interlock.plugins.meters.reading import Section
from interlock.ports.meter import GONE, Arm, Counted, History, Sample

KEYS = ("url", "interval", "timeout", "shard", "canary", "control", "started", "refused", "auth", "ca")
_MOST_STEPS = 10_000
_HISTORY_SECONDS = 10.0


class PrometheusMeter:
    """See the rules above; the contract is in ``ports.meter``."""

    def __init__(self, settings: Mapping[str, object], metrics: Sequence[Counted]) -> None:
        section = Section(values=settings, what="meter `prometheus`")
        section.only(*KEYS)
        url = read_url(section, "url", section.text("url"))
        self.interval = section.number("interval", 15.0, least=0.1, most=300.0)
        self._timeout = section.number("timeout", 1.5, least=0.1, most=2.0)
        self._started = section.text("started", "")
        self._refused_is_gone = section.choice("refused", ("gone", "missing"), "gone") == "gone"
        self._queries = read_queries(section, metrics)
        self._api = Api(Endpoint(url, read_access(section), plugin=PLUGIN))
        self._seen: dict[tuple[str, Arm], set[str]] = {}
        self._refused: dict[Arm, list[str]] = {}
        self._turn = threading.Lock()

    def check(self) -> None:
        """See ``ports.meter``. A query that Prometheus refuses is repeated with Prometheus' own words."""
        deadline = time.monotonic() + self._timeout
        for query in self._queries:
            try:
                check_query(self._api, query, self._span, deadline)
            except Rejected as error:
                raise InvalidSetting(
                    error.message, code=error.code, hint=error.hint, path=("metrics", query.metric, "query")
                ) from error

    def read(self) -> Sequence[Sample]:
        """See ``ports.meter``."""
        deadline = time.monotonic() + self._timeout
        samples: list[Sample] = []
        faults: list[PluginError] = []
        for query in self._queries:
            for arm in ARMS:
                try:
                    samples += self._samples(query, arm, deadline)
                except PluginError as error:
                    faults.append(error)
        self._refused = {}
        if faults and not samples:
            raise faults[0]
        return self._with_gone(samples, deadline) if self._refused_is_gone else samples

    def refused(self, arm: Arm) -> Sequence[str]:
        """See ``ports.meter.Refusing``: the addresses that Prometheus scrapes."""
        return self._refused.get(arm, [])

    def history(self, seconds: float, step: float) -> Sequence[History]:
        """See ``ports.meter.Remembering``: the control's past, from range queries."""
        if not 0 < step <= seconds or seconds / step > _MOST_STEPS:
            raise InvalidSetting(
                f"expected at most {_MOST_STEPS} steps of history, got `{seconds:g}` s in steps of `{step:g}` s",
                code="history-range",
                hint="ask for less, or in wider steps",
            )
        deadline = time.monotonic() + _HISTORY_SECONDS
        end = self._api.now(deadline=deadline)
        found: list[History] = []
        for query in self._queries:
            wanted = selector(query.query, query.labels["control"])
            raws = self._api.ranged(wanted, end - seconds, end, step, deadline=deadline)
            found += histories(raws, query, start=end - seconds, step=step, steps=round(seconds / step))
        return found

    def close(self) -> None:
        """See ``ports.meter``."""
        self._api.endpoint.abort()
        self._api.endpoint.close()

    @property
    def _span(self) -> float:
        return 2.5 * self.interval

    def _samples(self, query: PromQuery, arm: Arm, deadline: float) -> list[Sample]:
        raws = self._api.raw(selector(query.query, query.labels[arm]), self._span, deadline=deadline)
        found = amounts(raws, query)
        if query.absent_is_zero:
            for raw in self._api.raw(selector("up", query.labels[arm]), self._span, deadline=deadline):
                shard, at = raw.labels.get(query.shard, ""), newest(raw)
                if at is not None and raw.points[-1][1] == 1.0 and shard not in found:
                    found[shard] = Amount(value=0.0, at=at, above=dict.fromkeys(query.edges, 0.0))
        lives = self._lives(query, arm, deadline)
        with self._turn:
            self._seen.setdefault((query.metric, arm), set()).update(found)
        return [
            Sample(
                metric=query.metric,
                arm=arm,
                shard=shard,
                value=amount.value,
                at=amount.at,
                above=amount.above,
                since=lives.get(shard, ""),
            )
            for shard, amount in sorted(found.items())
        ]

    def _lives(self, query: PromQuery, arm: Arm, deadline: float) -> dict[str, str]:
        if not self._started:
            return {}
        raws: list[Raw] = self._api.raw(selector(self._started, query.labels[arm]), self._span, deadline=deadline)
        return {raw.labels.get(query.shard, ""): repr(raw.points[-1][1]) for raw in raws if raw.points}

    def _with_gone(self, samples: list[Sample], deadline: float) -> list[Sample]:
        """Samples with those of shards where nobody listens any more in the place of their last ones."""
        latest = max((sample.at for sample in samples), default=0.0)
        late = {(s.metric, s.arm, s.shard) for s in samples if latest - s.at > 1.4 * self.interval}
        there = {(sample.metric, sample.arm, sample.shard) for sample in samples}
        with self._turn:
            seen = {key: set(shards) for key, shards in self._seen.items()}
        lost = any((*key, shard) not in there for key, shards in seen.items() for shard in shards)
        empty = {(query.metric, arm) for query in self._queries for arm in ARMS} - {key[:2] for key in there}
        if not late and not lost and not empty:
            return samples
        try:
            gone = self._gone(seen, deadline)
        except PluginError:
            return samples
        replaced = {(sample.metric, sample.arm, sample.shard) for sample in gone}
        kept = [s for s in samples if (s.metric, s.arm, s.shard) not in replaced]
        return [*kept, *gone]

    def _gone(self, seen: Mapping[tuple[str, Arm], set[str]], deadline: float) -> list[Sample]:
        gone: list[Sample] = []
        refused: dict[Arm, list[str]] = {arm: [] for arm in ARMS}
        for target in self._api.targets(deadline=deadline):
            if not target.refused:
                continue
            at = datetime.fromisoformat(target.at).timestamp()
            for query in self._queries:
                shard = target.labels.get(query.shard, "")
                for arm in ARMS:
                    if shard in seen.get((query.metric, arm), ()) or query.owns(arm, target.labels):
                        gone.append(_gone(query, arm, shard, at))
                        refused[arm] += [target.url] if target.url and target.url not in refused[arm] else []
        self._refused = refused
        return gone


def _gone(query: PromQuery, arm: Arm, shard: str, at: float) -> Sample:
    above = dict.fromkeys(query.edges, 0.0)
    return Sample(metric=query.metric, arm=arm, shard=shard, value=0.0, at=at, above=above, since=GONE)
