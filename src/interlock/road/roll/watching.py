"""Watching one rollout: a round of reading a tick, judged, and what follows from it.

Rules:
1. What the data plane serves is read in every round. A tick in which it served anything but what was set is never
   judged; more than was granted is set again at once, and when that stays the router lies.
2. What was counted is written down every few seconds and with every decision, so that at most that much is lost.
3. Once harm was found nothing is set but 0, and no other finding comes before it.
4. When the database does not take it, nothing is lost: it is kept, and tried again, for as long as nobody else is
   known to have taken over.
5. Before a stage is widened the way back from it must have been kept. While that cannot be, nothing bakes.
6. While a step of the promotion runs no weight is set again: one effect at a time. What is counted is judged.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime

from interlock.core.change.errors import Unavailable
from interlock.core.judge.record import word
from interlock.core.judge.verdict import NotEnoughData, Stopped, Untrusted, Verdict
from interlock.core.rollout.judged import LOST_WEIGHT, Seen, observed, told
from interlock.core.rollout.record import Harm, RolloutRecord, RolloutState
from interlock.core.rollout.restarts import Restarts
from interlock.core.rollout.served import finding
from interlock.core.rollout.transition import Move
from interlock.ports.meter import Refusing
from interlock.road.roll.bench import Bench, Judged
from interlock.road.roll.kit import Kit
from interlock.road.roll.live import Snapshot, Told
from interlock.road.roll.sources import Round, Sources
from interlock.road.roll.written import Written

FLUSH_SECONDS = 5.0
READ_SECONDS = 2.2
RETRY_SECONDS = 1.0
UNKNOWN = "commit-unknown"
"""The code of a commit of which nobody knows whether it was made: what is on record is read anew then."""
_NOTHING_YET = NotEnoughData(ruled_out={}, eta=None)
_MOST = 1e12
_LIES, _LOWER = 3, 2
"""Readings in a row after which a router lies, or somebody took traffic away."""


class Watching:
    """The hands of one rollout while it is judged. Used by one thread. ``mends``: a weight may be set again."""

    def __init__(self, kit: Kit, bench: Bench, sources: Sources) -> None:
        self._kit, self._bench, self._sources = kit, bench, sources
        self._steady = kit.outside.steady
        self._last = self._flushed = self._steady()
        self._since = Seen(verdict=_NOTHING_YET)
        self._good = self._odd = 0
        self._odd_for = ""
        self._counted_t = bench.t
        self._verdict: Verdict = bench.verdict or _NOTHING_YET
        self._restarts = Restarts(kit.plan.tick)
        self.round: Round | None = None
        self._quiet_at = kit.station.clock.now()
        self._assigned: int | None = None
        self._unkept_why = ""
        self._unkept_move: RolloutRecord | None = None
        self.mends = True

    @property
    def stopped(self) -> bool:
        """Whether harm was found."""
        return isinstance(self._verdict, Stopped)

    def tick(self, record: RolloutRecord) -> Written | None:
        """One round. What was written, None where nothing had to be."""
        self.round = self._sources.read(READ_SECONDS)
        trouble, discard = (None, "") if self.stopped else self._weight(record, self.round.weight)
        trouble = trouble or self._restarts.see(self.round.reading) or self._unkept(record)
        judged = self._bench.read(self.round.reading, discard=discard)
        if judged is not None:
            self._verdict = judged.verdict
        if self.stopped:
            trouble = None
        seen = self._seen(trouble or self._verdict, judged)
        now = self._kit.station.clock.now()
        self._show(record.id, seen.verdict, now)
        move = observed(record, self._kit.plan, seen, now)
        if move.widens and not self._kept(move.record):
            self._unkept_move = move.record
            seen = self._seen(Untrusted(code="rollback-file", why=self._unkept_why), None)
            move = observed(record, self._kit.plan, seen, now)
        due = self._steady() - self._flushed >= FLUSH_SECONDS
        if not move.kind and not due:
            return None
        return self._write(seen, urgent=move.record.state is RolloutState.RETURNING)

    def _unkept(self, record: RolloutRecord) -> Untrusted | None:
        """Distrust as long as the way back from the wider stage cannot be kept. The one from here stays kept."""
        if self._unkept_move is None:
            return None
        if self._kept(self._unkept_move) and self._kept(record):
            self._unkept_move = None
            return None
        return Untrusted(code="rollback-file", why=self._unkept_why)

    def _kept(self, record: RolloutRecord) -> bool:
        try:
            self._kit.keep(record)
        except Unavailable as error:
            self._unkept_why = error.message
            return False
        return True

    def _show(self, rollout: str, verdict: Verdict, now: datetime) -> None:
        eta = verdict.eta if isinstance(verdict, NotEnoughData) else None
        snapshot = Snapshot(
            standing=self._bench.judge.standing(),
            verdict=Told(kind=word(verdict), why=told(verdict), eta=eta),
            recent=tuple(self._bench.recent),
            discarded=dict(self._bench.discarded),
            failed={} if self.round is None else self.round.failed,
            seen_at=now,
        )
        self._kit.station.live.put(rollout, snapshot)

    def last_look(self) -> Written | None:
        """One more round before traffic is moved, so that what was counted until then counts; harm goes back."""
        self.round = self._sources.read(READ_SECONDS)
        judged = self._bench.read(self.round.reading)
        if judged is not None:
            self._verdict = judged.verdict
        return self._write(self._seen(self._verdict, judged), urgent=True) if self.stopped else None

    def began(self) -> None:
        """A stage began: nothing of what was seen before counts for its bake."""
        self._since = Seen(verdict=_NOTHING_YET)
        self._restarts = Restarts(self._kit.plan.tick)
        self._unkept_move = None
        self._verdict = _NOTHING_YET
        self._counted_t = self._bench.t
        self._last = self._steady()

    def flush(self) -> Written | None:
        """Write down what was counted and is not yet."""
        return self._write(self._since, urgent=False)

    def _weight(self, record: RolloutRecord, seen: float | None) -> tuple[Untrusted | None, str]:
        """What the reading of the weight says of the router, and the code that takes the tick out."""
        found = finding(record, seen)
        self._odd = self._odd + 1 if found and found == self._odd_for else int(bool(found))
        self._odd_for = found
        if found in {"", "unknown"}:
            return None, ""
        if found == "lower":
            why = f"expected {record.served:g} % at the canary, got {seen:g} %"
            return (Untrusted(code=LOST_WEIGHT, why=why) if self._odd >= _LOWER else None), "weight-lower"
        if self.mends:
            self._set_again(record)
        why = f"expected {record.wanted:g} % at the canary as it was set, got {seen:g} %"
        lies = self._odd >= _LIES or found == "not-yet"
        code = "weight-higher" if found == "higher" else "weight-not-served"
        return (Untrusted(code="router-lies", why=why) if lies else None), code

    def _set_again(self, record: RolloutRecord) -> None:
        intended = self._kit.book.intend("weight", f"{record.wanted:g}")
        seen, said = self._kit.set_weight(record.wanted)
        self._bench.moved(self._steady())
        done = not finding(record, seen)
        said = said or f"set again, serves {'nobody knows what' if seen is None else f'{seen:g} %'}"
        if done:
            self._kit.book.ended(
                intended.effect,
                lambda current: Move(record=replace(current, served=current.wanted, weight=seen or 0.0)),
                done=True,
                said=said,
            )

    def _seen(self, verdict: Verdict, judged: Judged | None) -> Seen:
        now, since = self._steady(), self._since
        counted = judged is not None and not judged.tick.discard
        length = 0.0
        if judged is not None:
            if counted:
                length = min(judged.tick.t - self._counted_t, 2.0 * self._kit.plan.tick)
                believed = not isinstance(verdict, Untrusted)
                self._good = self._good + 1 if believed else 0
            else:
                self._good = 0
            self._counted_t = judged.tick.t
        self._since = Seen(
            verdict=verdict,
            log_e=self._bench.judge.log_e,
            worked=since.worked + (now - self._last),
            judged=since.judged + (0.0 if isinstance(verdict, Untrusted) else length),
            good=self._good,
            weight=None if self.round is None else self.round.weight,
            exposed_at=since.exposed_at or self._exposed(),
            harm=self._harm(verdict),
            backed=self._bench.judge.backed,
            evidence={"log_e": self._bench.judge.log_e, "verdict": word(verdict)},
            refused=self._refused() if isinstance(verdict, Stopped) else (),
        )
        self._last = now
        return self._since

    def _refused(self) -> tuple[str, ...]:
        """Where the canary refused the connection in the newest round, as far as meters can name that."""
        meters = (meter for meter in self._kit.opened.meters if isinstance(meter, Refusing))
        return tuple(dict.fromkeys(place for meter in meters for place in meter.refused("canary")))

    def _exposed(self) -> datetime | None:
        """When the canary had its first request: after the last round that had seen none."""
        exposure = None if self.round is None else self.round.reading.exposure
        before, self._quiet_at = self._quiet_at, self._kit.station.clock.now()
        if exposure is None:
            self._quiet_at = before
            return None
        known, self._assigned = self._assigned, exposure.canary
        return before if known is not None and exposure.canary > known else None

    def _harm(self, verdict: Verdict) -> Harm | None:
        if not isinstance(verdict, Stopped):
            return None
        standing = self._bench.judge.standing().metrics.get(verdict.metric)
        return Harm(
            metric=verdict.metric,
            estimate=None if verdict.estimate is None else _finite(verdict.estimate),
            at_least=_finite(verdict.at_least),
            canary=verdict.canary,
            expected=_finite(verdict.expected),
            log_e=_finite(verdict.log_e),
            lost=round(standing.lost, 3) if standing is not None else 0.0,
        )

    def _write(self, seen: Seen, *, urgent: bool) -> Written | None:
        watched, kit = self._bench.take(), self._kit

        def step(current: RolloutRecord) -> Move:
            return observed(current, kit.plan, seen, kit.station.clock.now())

        try:
            if urgent:
                written = kit.unless_slow(lambda: kit.book.move(step, watched), self._withdraw)
            else:
                written = kit.book.move(step, watched)
        except Unavailable as error:
            if error.code == UNKNOWN:
                raise
            if watched is not None:
                self._bench.put_back(watched)
            self._flushed = self._steady() - FLUSH_SECONDS + RETRY_SECONDS
            return None
        self._flushed = self._steady()
        if watched is None and not written.kind:
            return None  # nothing was written: the seconds since then count the next time
        self._since = Seen(verdict=self._since.verdict, good=self._good)
        return written

    def _withdraw(self) -> None:
        """Weight 0 within this tick, without the database."""
        self._kit.withdraw()
        self._bench.moved(self._steady())


def _finite(value: float) -> float:
    """A number that a ledger takes: a rise from nothing has no factor, and STOP must not fail over that."""
    return value if math.isfinite(value) else math.copysign(_MOST, value)
