"""One rollout in the hands of one worker: looks at what is to be done, does it, writes down what came of it.

Rules:
1. What is to be done follows from the record (``core.rollout.act``); what becomes of it from pure transitions.
   Here is only the doing.
2. Before every outside call the lease is looked at, on this machine's own steady clock.
3. Weight 0 comes before everything else. When the database does not answer at once, the weight is set first and
   written down as soon as it can be. What is watched is watched on without the database, for as long as it is
   away: beyond the lease nothing is set but 0, and nobody else has the rollout before the database is back.
4. A step runs beside this. As long as the canary has traffic what is out is judged, and what the record says is
   read, in every tick: STOP and people's word set 0 first, then end what runs, then go the way back.
5. Whoever takes over plays the tape, reads back what the data plane serves, and repeats what was intended.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import TimeoutError as TooLate
from dataclasses import replace
from datetime import datetime

from interlock.core.change.errors import InterlockError, Unavailable
from interlock.core.judge.read_settings import read_settings
from interlock.core.judge.settings import JudgeSettings
from interlock.core.rollout.act import OUT, Act, Calibrate, Pass, RunStep, SetWeight, Wait, Watch, next_act
from interlock.core.rollout.plan import Plan
from interlock.core.rollout.record import Effect, RolloutRecord
from interlock.core.rollout.served import fits
from interlock.core.rollout.transition import (
    Move,
    calibrated,
    counted,
    returning,
    set_through,
    settled,
    unconfirmed,
    weighed,
)
from interlock.core.rollout.windows import Tolerances
from interlock.ports.router import Deciding, Router
from interlock.road.roll.answering import Answering, Answers
from interlock.road.roll.bench import Bench
from interlock.road.roll.calibrate import Calibration, noisy, read_noise, unmeasured
from interlock.road.roll.foresee import foreseen
from interlock.road.roll.kit import QUICK, Kit
from interlock.road.roll.sources import Sources
from interlock.road.roll.steps import Steps
from interlock.road.roll.watching import READ_SECONDS, UNKNOWN, Watching
from interlock.road.roll.written import Written

CONFIRM_SECONDS = 5.0
"""How long a weight may take until the data plane serves it."""

ESCALATE_SECONDS = 10.0
"""How long weight 0 may take until somebody is told."""

WITHOUT_COUNTS_SECONDS = 30.0
"""How long the meters may take to bring both arms together, before traffic moves."""

_BEFORE = frozenset({"apply", "calibrate"})
"""Nothing was done outside yet: the way back is kept first, else it would be the rollout's before this one."""


class Driver:
    """One rollout under one lease. Used by one thread."""

    def __init__(self, kit: Kit, *, tolerances: Tolerances | None = None) -> None:
        self.kit = kit
        self._tolerances = tolerances
        self._steady = kit.outside.steady
        self._sources = Sources(kit.opened, kit.pool, kit.station.clock, self._steady)
        self._settings = settings_of(kit.plan)
        self.bench: Bench | None = None
        self._steps = Steps(kit)
        self._watching: Watching | None = None
        self._answering = Answering(kit)
        self._calibration: tuple[Calibration, Bench, float] | None = None
        self._since: tuple[int, float] = (-1, 0.0)
        self._escalated = False
        self._unkept_since: float | None = None
        self._kept = False

    def step(self) -> float | None:
        """Do the next thing. Seconds until the one after it, None when the rollout is over.

        Raises:
            Conflict: ``lease-lost``.
            InterlockError: the state cannot be read or written, or is damaged.
        """
        record = self._record()
        act = next_act(record, self.kit.plan, baseline=self.kit.plan.baseline)
        if act is None:
            self.kit.keep(record)
            return None
        began = self._steady()
        written = self._do(record, act)
        if written is None:
            return max(0.0, self.kit.plan.tick - (self._steady() - began))
        self._tell(written)
        went_on = isinstance(act, RunStep | Pass) and not self.busy
        return 0.0 if written.kind or went_on else self.kit.plan.tick

    def _record(self) -> RolloutRecord:
        """The record as it is; as it was, while the database does not answer and there is something to watch."""
        known = self.kit.book.known
        watched = known is not None and (known.phase in OUT or self.busy)
        if known is not None and watched and self.kit.tenure.stale:
            return known
        future = self.kit.pool.submit(self.kit.book.read)
        try:
            return future.result(timeout=QUICK)
        except (TooLate, Unavailable):
            if known is None or not watched:
                return future.result()
            return known

    @property
    def watches(self) -> bool:
        """Whether it can go on without the database: judging, or with a step that was begun in time."""
        known = self.kit.book.known
        return self.busy or (self._watching is not None and known is not None and known.phase in OUT)

    @property
    def busy(self) -> bool:
        """Whether a step runs."""
        return self._steps.busy

    def wait(self, seconds: float) -> None:
        """Wait, no longer than until the step that runs is over."""
        self._steps.wait(seconds)

    def close(self) -> None:
        """End what runs: nobody here moves it any more."""
        self._steps.close()

    def flush(self) -> None:
        """Write down what was counted and is not yet: the worker ends."""
        if self._watching is not None:
            self._watching.flush()

    def _do(self, record: RolloutRecord, act: Act) -> Written | None:
        if record.phase in _BEFORE and not self._kept:
            unkept = self._unkept(record)
            if unkept is not None:
                return unkept if unkept.kind else None
            self._kept = True
        if isinstance(act, SetWeight):
            try:
                return self._weigh(record)
            finally:
                self._steps.left(record)
        if not self._steps.left(record):
            return None
        if isinstance(act, Watch | Wait | RunStep):
            return self._step(record, act if isinstance(act, RunStep) else None)
        if isinstance(act, Calibrate):
            return self._calibrate(act.seconds)
        if isinstance(act, Pass):
            self._count(record)
            return self._move(lambda current: set_through(current, self.kit.plan, self._now()))
        return self._move(settled)

    def _step(self, record: RolloutRecord, act: RunStep | None) -> Written | None:
        """What came of a step, where one is over; else a look at what is out."""
        out = record.phase in OUT
        try:
            written = self._steps.go_on(record, act)
        except Unavailable as error:
            if not out or error.code == UNKNOWN:
                raise
            written = None
        if written is not None or not out:
            return written
        watching = self._watched(record)
        watching.mends = act is None and not self.busy
        return watching.tick(record)

    def _weigh(self, record: RolloutRecord) -> Written | None:
        outward = record.phase == "weigh"
        if outward:
            if self._watching is not None:
                stopped = self._watching.last_look()
                if self._watching.stopped:
                    return stopped
            unkept = self._unkept(record)
            if unkept is not None:
                return unkept if unkept.kind else None
            if self.bench is None:
                self._open_window(record)
        effect = self.kit.unless_slow(
            lambda: self.kit.book.intend("weight", f"{record.wanted:g}").effect,
            lambda: None if outward else self.kit.set_weight(record.wanted),
        )
        if self._since[0] != effect.number:
            self._since = (effect.number, self._steady())
        self._moved()
        seen, said = self.kit.set_weight(record.wanted)
        self._moved()
        if seen is not None and fits(seen, record.wanted):
            return self._weighed(record, seen, effect)
        told = said or f"serves {'nobody knows what' if seen is None else f'{seen:g} %'}"
        why = f"{said}; {record.wanted:g} % was to be set" if said else _lies(record, told)
        return self._not_served(record, effect, told, why, waited=self._steady() - self._since[1])

    def _unkept(self, record: RolloutRecord) -> Written | None:
        """Nothing is put up or widened whose way back cannot be kept; after a few seconds it goes back."""
        try:
            self.kit.keep(record)
        except Unavailable as error:
            began = self._unkept_since = self._unkept_since or self._steady()
            if self._steady() - began < CONFIRM_SECONDS:
                return Written(before=record, after=record)
            why = f"{error.code}: {error.message}"
            return self._move(lambda current: returning(current, "untrusted", why))
        self._unkept_since = None
        return None

    def _open_window(self, record: RolloutRecord) -> None:
        """Look twice before traffic moves: the canary's first requests then fall into a window that is open."""
        bench = self._bench(record)
        bench.look(self._sources.read(READ_SECONDS).reading)
        self.kit.sleep(self.kit.plan.tick)
        bench.look(self._sources.read(READ_SECONDS).reading)

    def _weighed(self, record: RolloutRecord, seen: float, effect: Effect) -> Written:
        written = self.kit.book.ended(
            effect,
            lambda current: weighed(current, self.kit.plan, seen, self._now()),
            done=True,
            said=f"serves {seen:g} %",
        )
        if record.phase == "weigh" and written.after.phase == "watch":
            self._begin(written.after)
        self.kit.keep(written.after)
        return written

    def _not_served(
        self, record: RolloutRecord, effect: Effect, told: str, why: str, *, waited: float
    ) -> Written | None:
        if record.phase == "weigh" and waited >= CONFIRM_SECONDS:
            written = self.kit.book.ended(
                effect,
                lambda current: unconfirmed(current, self.kit.plan, why, self._now()),
                done=False,
                said=told,
            )
            if written.after.phase == "watch":
                self._begin(written.after)
            return written
        if record.phase != "weigh" and waited >= ESCALATE_SECONDS and not self._escalated:
            self._escalated = True
            self.kit.book.note("rollout.escalated", {"wanted": record.wanted, "why": told})
            loud = replace(record, why=f"{record.wanted:g} % is not served: {told}")
            self.kit.outside.told(record, loud, self.kit.plan)
        return None

    def _calibrate(self, seconds: float) -> Written | None:
        if self._calibration is None:
            answers = self._answering.look()
            if answers.waits or answers.why:
                return self._unanswered(answers)
            bench = Bench(self.kit.plan, self._settings, tolerances=self._tolerances)
            past = self.kit.opened.meters if seconds else ()
            found = Calibration(self._settings, past, by_request=_by_request(self.kit.opened.router))
            self._calibration = (found, bench, self._steady())
        found, bench, began = self._calibration
        round_ = self._sources.read(READ_SECONDS)
        tick = bench.look(round_.reading)
        if tick is not None:
            found.add(tick)
        waited = self._steady() - began
        if not found.ticks:
            if waited < WITHOUT_COUNTS_SECONDS:
                return None
            missing = "; ".join(f"{name}: {why}" for name, why in sorted(round_.failed.items()))
            why = f"both arms were never counted together in {waited:.0f} s" + (f" ({missing})" if missing else "")
            return self._move(lambda current: returning(current, "apply-failed", why))
        if waited < seconds and found.waits:
            return None
        answers = self._answering.look()
        if answers.waits or answers.why:
            return self._unanswered(answers)
        return self._calibrated(found, waited if seconds else 0.0)

    def _unanswered(self, answers: Answers) -> Written | None:
        """Nobody is sent where nobody answers: it is waited for, then what was put up is taken back."""
        if answers.waits:
            return None
        return self._move(lambda current: returning(current, "apply-failed", answers.why))

    def _calibrated(self, found: Calibration, seconds: float) -> Written:
        plan = self.kit.plan
        noise = found.noise(seconds, plan.tick) if seconds else unmeasured(self._settings)
        longest = sum(stage.limit for stage in plan.stages)
        forecast, why = foreseen(self._settings, self.kit.opened.meters, longest)
        noise = replace(noise, forecast=forecast, unforeseen=why)
        return self.kit.book.move_with_blob(
            lambda current, name: calibrated(current, plan, name, noise.told, self._now()), noise.to_bytes()
        )

    def _count(self, record: RolloutRecord) -> None:
        """Before a rollout that did harm is over: one more look at what it came to."""
        if record.phase != "undo" or record.harm is None or self.bench is None:
            return
        metric = record.harm.metric
        self.bench.read(self._sources.read(READ_SECONDS).reading)
        lost = round(max(self.bench.lost[metric], 0.0), 3)
        self.kit.book.move(lambda current: counted(current, lost), self.bench.take())

    def _watched(self, record: RolloutRecord) -> Watching:
        if self._watching is None:
            self._watching = Watching(self.kit, self._bench(record), self._sources)
        if self._bench(record).weight != record.wanted:
            self._begin(record)
        return self._watching

    def _begin(self, record: RolloutRecord) -> None:
        """The stage's margin and share hold from here on."""
        self._bench(record).begin_stage(record.stage, record.wanted)
        if self._watching is not None:
            self._watching.began()

    def _bench(self, record: RolloutRecord) -> Bench:
        if self.bench is None:
            noise = None
            if record.calibration is not None:
                noise = read_noise(self.kit.book.blob(record.calibration))
            bench = Bench(
                self.kit.plan,
                noisy(self._settings, noise),
                forecast=None if noise is None else noise.forecast,
                tolerances=self._tolerances,
            )
            bench.play(self.kit.book.observations())
            self.bench = bench
        return self.bench

    def _move(self, step: Callable[[RolloutRecord], Move]) -> Written:
        return self.kit.book.move(step)

    def _moved(self) -> None:
        if self.bench is not None:
            self.bench.moved(self._steady())

    def _tell(self, written: Written) -> None:
        if written.kind:
            self.kit.outside.told(written.before, written.after, self.kit.plan)

    def _now(self) -> datetime:
        return self.kit.station.clock.now()


def _lies(record: RolloutRecord, told: str) -> str:
    return f"router-lies: expected {record.wanted:g} % at the data plane, which {told}"


def _by_request(router: Router) -> bool:
    """What the router says; nothing said is no."""
    try:
        return isinstance(router, Deciding) and router.by_request()
    except InterlockError:
        return False


def settings_of(plan: Plan) -> JudgeSettings:
    """What the plan tells the judge; tick and planned length are the plan's where nothing else is written."""
    written = read_settings(plan.judge, what=plan.path)
    planned = max(sum(stage.bake for stage in plan.stages) / 60.0, 1.0)
    return replace(
        written,
        tick_seconds=written.tick_seconds if "tick_seconds" in plan.judge else plan.tick,
        planned_minutes=written.planned_minutes if "planned_minutes" in plan.judge else planned,
    )
