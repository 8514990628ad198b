"""From what meters and router said in one round after another to the ticks that the judge is fed.

Rules:
1. A window is the same interval for every shard of every metric in both arms and for the exposure: it ends at the
   newest moment that all of them have reached, and begins where the last one ended. Between two samples counts are
   taken to have risen evenly (see ``series``); a shard that lags makes the window wait, never guess.
2. Nothing is lost silently: what is counted after the first window opened lies in one of them, used or discarded
   with a code; but for what a counter forgot when it was reset.
3. A tick is discarded, in this order, for: ``clock-jump`` (our wall clock and our steady clock, or a source's
   clock and ours, went apart), ``counter-reset``, ``shards-changed``, ``overrun`` (the interval is much longer
   than a tick: somebody stalled), ``unmatched`` (one shard's samples are too far from the window's end),
   ``control-gone`` (no shard of the control is there, though requests were assigned to it), ``uncounted`` (what
   one had that is silent or gone was taken over by no other: see ``silent``), ``control-disturbed`` (the control's
   own events collapsed or its own errors surged), ``stale``, ``weight-changed`` (it holds the moment of the
   change), ``settling`` (what stalled still catches up).
4. While no window can end: nothing at first, then one discarded tick a round: ``missing`` (a shard that was not
   read), ``exposure-missing`` (the router did not answer), ``stale`` (what was read is not newer, or too old).
5. A canary that is gone (its address refuses the connection) counts nothing while the router goes on assigning to
   it. That is evidence: its orders are 0, and each request assigned to it is an error and slower than any edge.
6. A shard of the control that is gone is no evidence: that its requests are lost makes the canary neither better
   nor worse. It is forgotten at once where others are there, and is as good as new when it is back.
7. Whether the control is disturbed is told from the control alone, and only by what chance never does, so that
   leaving those ticks out favours neither arm.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from interlock.core.judge.tick import Assigned, Counts, MetricKind, Observed, Tick
from interlock.core.rollout.calm import Calm
from interlock.core.rollout.samples import GONE, Arm, Reading, usable
from interlock.core.rollout.series import Series
from interlock.core.rollout.silent import Key, Silent

ROUTER: Key = ("", "control", "")
"""The key of the router's own series: what it assigned to canary and control."""

UNSETTLING = frozenset(
    {
        "clock-jump",
        "overrun",
        "unmatched",
        "control-gone",
        "control-disturbed",
        "missing",
        "exposure-missing",
        "stale",
    }
)
"""Codes after which a moment must pass until ticks count again: somebody stalled, and catches up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A metric that is judged. ``edges`` are the latency bucket edges, as the plan writes them."""

    kind: MetricKind
    edges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerances:
    """What a window may deviate by. In ticks of ``tick`` seconds: ``skew``, ``overrun``, ``patience``, ``settle``.

    ``skew``: from the window's end to a shard's nearest sample; more than half, where the source scrapes once a
    tick. ``overrun``: the longest window that counts; above two, so that one late sample costs nothing.
    ``patience``: without a new window, before a round counts as discarded. ``settle``: after a stall.

    Seconds: ``oldest``, the age of the newest window; ``in_flight``, after a change of weight; ``clock``, between
    wall and steady clock from round to round; ``ahead``, of a source's clock before ours; ``forget``, a shard that
    is absent while others of its arm are there. ``collapse`` and ``surge`` are times what the control usually has;
    ``gone_is_bad`` is rule 5's second half.
    """

    tick: float = 1.0
    skew: float = 0.6
    overrun: float = 2.5
    patience: float = 2.5
    oldest: float = 30.0
    settle: float = 2.0
    in_flight: float = 0.0
    clock: float = 0.5
    ahead: float = 5.0
    forget: float = 60.0
    collapse: float = 0.3
    surge: float = 5.0
    gone_is_bad: bool = True


class Window:
    """Ticks of one rollout, in order; ``t`` is the first round's moment.

    ``share`` is asked once for each window that ends, discarded or not, in order; it must bear a window in which
    nothing was assigned. State is bounded by the number of shards. Whoever takes a rollout over begins a new
    window with the ``t`` reached.
    """

    def __init__(
        self,
        metrics: Mapping[str, Watched],
        share: Callable[[Assigned], float],
        *,
        tolerances: Tolerances | None = None,
        t: float = 0.0,
    ) -> None:
        self._metrics = dict(metrics)
        self._share = share
        self._allow = tolerances or Tolerances()
        self._calm = Calm(self._metrics, collapse=self._allow.collapse, surge=self._allow.surge)
        self._silent = Silent()
        self._series: dict[Key, Series] = {}
        self._t0 = t
        self._first: float | None = None
        self._end: float | None = None
        self._moved = self._clocks = self._settled = -math.inf
        self._settling = ""
        self._last_share = 0.0

    def weight_changed(self, steady: float) -> None:
        """Traffic was moved at this moment of the steady clock: ticks that touch it do not count."""
        self._settle(steady + self._allow.in_flight, "weight-changed")

    def read(self, reading: Reading) -> Tick | None:
        """The tick that this round completes, discarded or not; None while the next window still waits."""
        if self._first is None:
            self._first, self._moved = reading.steady, reading.steady
            self._clocks = reading.wall - reading.steady
        jumped = self._jumped(reading)
        absent = self._take(reading)
        end = min((series.newest for series in self._series.values()), default=-math.inf)
        if jumped:
            return self._lost("clock-jump", reading)
        if not self._complete() or end <= (self._end if self._end is not None else -math.inf):
            return self._waiting(absent, reading)
        return self._close(end, reading)

    def _jumped(self, reading: Reading) -> bool:
        """Whether a clock jumped; then all that was read before lies on another time line."""
        clocks, before = reading.wall - reading.steady, self._clocks
        self._clocks = clocks
        moments = [sample.at for sample in reading.samples] + ([reading.exposure.at] if reading.exposure else [])
        back = any(
            at < series.newest - self._allow.ahead
            for at, series in ((s.at, self._series.get((s.metric, s.arm, s.shard))) for s in reading.samples)
            if series is not None
        )
        ahead = any(at > reading.wall + self._allow.ahead for at in moments)
        if abs(clocks - before) <= self._allow.clock and not back and not ahead:
            return False
        for series in self._series.values():
            series.restart("clock-jump")
        self._end = None
        return True

    def _take(self, reading: Reading) -> set[Key]:
        """Feed the series; the keys of those that this round says nothing of."""
        found: dict[Key, tuple[float, tuple[float, ...], str]] = {}
        twice: set[Key] = set()
        for sample in reading.samples:
            watched = self._metrics.get(sample.metric)
            values = usable(sample, watched.edges) if watched else None
            if values is None:
                continue
            key = (sample.metric, sample.arm, sample.shard)
            if key in found:
                twice.add(key)
            found[key] = (sample.at, values, sample.since)
        if reading.exposure is not None:
            shown = reading.exposure
            found[ROUTER] = (shown.at, (float(shown.canary), float(shown.control)), shown.since)
        lasting = self._without_gone(found)
        for key, (at, values, since) in found.items():
            if key in lasting and key not in twice:
                if since != GONE:
                    self._silent.back(key)
                series = self._series.setdefault(key, Series("shards-changed"))
                series.add(at, values, since)
                series.seen = reading.steady
        return self._without_forgotten(set(self._series) - (lasting - twice), reading.steady)

    def _without_gone(self, found: Mapping[Key, tuple[float, tuple[float, ...], str]]) -> set[Key]:
        """Forget what is gone of the control where others are there; the keys of all the rest that was found."""
        lives = {key: series.since for key, series in self._series.items()}
        lives |= {key: since for key, (_, _, since) in found.items()}
        alive = {key[:2] for key, since in lives.items() if since != GONE}
        gone = {key for key in found if key[1] == "control" and lives[key] == GONE and key[:2] in alive}
        for key in sorted(gone):
            self._forget(key, among=sum(each[:2] == key[:2] for each in lives))
        return set(found) - gone

    def _without_forgotten(self, absent: set[Key], steady: float) -> set[Key]:
        for key in sorted(absent):
            old = steady - self._series[key].seen > self._allow.forget
            others = any(each[:2] == key[:2] and each not in absent for each in self._series)
            if old and others and key != ROUTER:
                self._forget(key)
                absent.discard(key)
        return absent

    def _forget(self, key: Key, *, among: int = 0) -> None:
        self._silent.forget(key, among=among)
        if self._series.pop(key, None) is None:
            return
        # The window over this moment compares different sets of shards.
        for each, series in self._series.items():
            if each[:2] == key[:2]:
                series.why, series.base = "shards-changed", None

    def _complete(self) -> bool:
        """Whether router and both arms of every metric have been heard of, and nothing was forgotten since."""
        wanted: set[tuple[str, Arm]] = {(name, arm) for name in self._metrics for arm in ("canary", "control")}
        return ROUTER in self._series and wanted <= {key[:2] for key in self._series}

    def _waiting(self, absent: set[Key], reading: Reading) -> Tick | None:
        if reading.steady - self._moved <= self._allow.patience * self._allow.tick:
            return None
        lagging = {key for key, series in self._series.items() if series.newest <= (self._end or -math.inf)}
        if ROUTER in absent or ROUTER not in self._series:
            return self._lost("exposure-missing", reading)
        return self._lost("missing" if absent & lagging or not self._complete() else "stale", reading)

    def _lost(self, code: str, reading: Reading) -> Tick:
        """A round in which no window ended."""
        self._settle(reading.steady + self._allow.settle * self._allow.tick, "settling")
        return Tick(t=self._at(reading), share=self._last_share, metrics={}, discard=code)

    def _close(self, end: float, reading: Reading) -> Tick | None:
        begun = self._end
        now = {key: series.whole(end) for key, series in self._series.items()}
        if begun is None and None in now.values():
            return self._waiting(set(), reading)
        self._end, self._moved = end, reading.steady
        deltas = {key: _difference(series.base, now[key]) for key, series in self._series.items()}
        code = next((series.why for key, series in self._series.items() if deltas[key] is None), "")
        skew = self._allow.skew * self._allow.tick
        unmatched = any(series.distance(end) > skew for series in self._series.values())
        assigned = Assigned(canary=0, control=0)
        if (sent := deltas[ROUTER]) is not None:
            assigned = Assigned(canary=sent[0], control=sent[1])
        metrics = {
            name: self._observed(name, watched, deltas, assigned) for name, watched in self._metrics.items()
        }
        for key, series in self._series.items():
            series.base = now[key]
            series.trim(end)
        if begun is None:
            # The first window only opens.
            return None
        length = end - begun
        gone = assigned.control > 0 and self._control_gone()
        believed = not code and not gone
        tests = (
            ("overrun", length > self._allow.overrun * self._allow.tick),
            ("unmatched", unmatched),
            ("control-gone", gone),
            ("uncounted", believed and self._silent.doubted(_events(deltas), assigned)),
            ("control-disturbed", believed and self._calm.disturbed(metrics, length)),
            ("stale", reading.wall - end > max(self._allow.oldest, 4 * self._allow.tick)),
        )
        code = code or next((each for each, failed in tests if failed), "")
        return self._tick(code, metrics, assigned, begun, reading)

    def _tick(
        self, code: str, metrics: Mapping[str, Observed], assigned: Assigned, begun: float, reading: Reading
    ) -> Tick:
        self._last_share = self._share(assigned)
        if code in UNSETTLING:
            self._settle(reading.steady + self._allow.settle * self._allow.tick, "settling")
        elif code == "uncounted":
            # What the lost requests would have led to is counted no sooner than that.
            self._settle(reading.steady + self._allow.in_flight, "settling")
        elif not code and begun < self._settled + self._clocks:
            code = self._settling
        return Tick(
            t=self._at(reading),
            share=self._last_share,
            metrics=metrics,
            assigned=assigned,
            discard=code,
            instances=self._instances(),
        )

    def _control_gone(self) -> bool:
        """Whether nobody is there who could count any one metric of the control."""
        alive = {name for (name, arm, _), each in self._series.items() if arm == "control" and each.since != GONE}
        return not alive.issuperset(self._metrics)

    def _instances(self) -> int:
        """Of the canary, those that live, all where none does; of the metric that tells of the fewest."""
        ours = [(name, each) for (name, arm, _), each in self._series.items() if arm == "canary"]
        alive = Counter(name for name, each in ours if each.since != GONE) or Counter(name for name, _ in ours)
        return max(1, min((alive[name] for name in self._metrics), default=1))

    def _observed(
        self,
        name: str,
        watched: Watched,
        deltas: Mapping[Key, tuple[int, ...] | None],
        assigned: Assigned,
    ) -> Observed:
        keys = sorted(key for key in deltas if key[0] == name)
        canary = [key for key in keys if key[1] == "canary"]
        gone = bool(canary) and all(self._series[key].since == GONE for key in canary)
        unanswered = assigned.canary if gone and watched.kind == "bad" and self._allow.gone_is_bad else 0

        def counts(place: int) -> Counts:
            of = {key: (deltas[key] or (0,) * (1 + len(watched.edges)))[place] for key in keys}
            return Counts(
                canary=sum(of[key] for key in canary) + unanswered,
                control=tuple(of[key] for key in keys if key[1] == "control"),
            )

        if not watched.edges:
            return Observed(kind=watched.kind, counts=counts(0))
        buckets = {edge: counts(place) for place, edge in enumerate(watched.edges, 1)}
        return Observed(kind=watched.kind, buckets=buckets)

    def _settle(self, until: float, code: str) -> None:
        if until > self._settled:
            self._settled, self._settling = until, code

    def _at(self, reading: Reading) -> float:
        return self._t0 + reading.steady - (self._first if self._first is not None else reading.steady)


def _events(deltas: Mapping[Key, tuple[int, ...] | None]) -> dict[Key, int]:
    return {key: counts[0] for key, counts in deltas.items() if counts is not None and key != ROUTER}


def _difference(base: tuple[int, ...] | None, now: tuple[int, ...] | None) -> tuple[int, ...] | None:
    if base is None or now is None:
        return None
    return tuple(new - old for old, new in zip(base, now, strict=True))
