"""The judge of one rollout at work: readings in, verdicts out, and a tape of all that it was told.

Rules:
1. Whatever moves the judge goes onto the tape, in order: stages, declared shares and ticks, those that were
   discarded too. Whoever takes over plays the tape to a judge of their own and stands where the last one stood.
2. What was played must lead to the evidence that was written down; where it does not, nothing is believed.
3. A window that nobody saw the beginning of is not judged: after a take-over the first reading only opens one.
4. At 100 % there is no control. Ticks are judged by the backstop alone, and that the control has no traffic is no
   reason to discard them.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from interlock.core.change.canonical import canonical
from interlock.core.change.errors import IntegrityError, InvalidInput
from interlock.core.judge.backstop import Forecast
from interlock.core.judge.judge import Judge
from interlock.core.judge.record import Entry, Said, Share, Stage, read, tell, word, write
from interlock.core.judge.settings import JudgeSettings
from interlock.core.judge.tick import Tick
from interlock.core.judge.verdict import Standing, Verdict
from interlock.core.rollout.plan import Plan
from interlock.core.rollout.record import Observation
from interlock.core.rollout.samples import Reading
from interlock.core.rollout.share import AssignedShare
from interlock.core.rollout.windows import Tolerances, Watched, Window
from interlock.road.roll import book
from interlock.road.roll.drawn import recent_of
from interlock.road.roll.live import RECENT, RecentTick

_FULL = 100.0
_NO_CONTROL = frozenset({"no-exposure", "control-disturbed", "control-gone", "uncounted", "settling"})
"""Why windows are discarded that have no control any more: it is not gone wrong, it is without traffic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One tick and what the judge made of it."""

    tick: Tick
    verdict: Verdict


@dataclass(slots=True)
class _Tape:
    lines: list[bytes] = field(default_factory=list)
    first_t: float | None = None
    last_t: float = 0.0
    ticks: int = 0


class Bench:
    """Window, judge and tape of one rollout. Used by one thread."""

    def __init__(
        self,
        plan: Plan,
        settings: JudgeSettings,
        *,
        t: float = 0.0,
        forecast: Forecast | None = None,
        tolerances: Tolerances | None = None,
    ) -> None:
        self._plan, self.settings = plan, settings
        self._watched = {name: Watched(kind=one.kind, edges=one.edges) for name, one in settings.metrics.items()}
        self._tolerances = tolerances or Tolerances(tick=plan.tick, in_flight=plan.under_way)
        self.judge = Judge(settings)
        self._forecast = forecast
        self.t = t
        self._assigned = AssignedShare(under_way=self._tolerances.in_flight / self._tolerances.tick)
        self._window = self._fresh(t)
        self._tape = _Tape(last_t=t)
        self.weight = -1.0
        self.verdict: Verdict | None = None
        self.recent: deque[RecentTick] = deque(maxlen=RECENT)
        self.last: Judged | None = None
        self.discarded: Counter[str] = Counter()
        self.lost: dict[str, float] = defaultdict(float)

    def begin_stage(self, number: int, weight: float) -> None:
        """A stage begins: its margin holds from here on, and its share is what the router is to assign."""
        stage = self._plan.stages[number]
        if self._forecast is not None:
            self._tell(self._forecast)
        if stage.margin is not None and stage.margin < 1:
            self._tell(Stage(t=self.t, margin=stage.margin))
        self._tell(Share(expect_share=weight / _FULL))

    def moved(self, steady: float) -> None:
        """Traffic was moved at this moment: a tick over it is in parts."""
        self._window.weight_changed(steady)

    def read(self, reading: Reading, *, discard: str = "") -> Judged | None:
        """Judge the tick that this reading completes; ``discard`` takes it out, whatever the window says."""
        tick = self._window.read(reading)
        if tick is None:
            return None
        if self.weight >= _FULL and tick.discard in _NO_CONTROL:
            tick = replace(tick, discard="", share=1.0)
        if discard:
            tick = replace(tick, discard=discard)
        return self._step(tick)

    def look(self, reading: Reading) -> Tick | None:
        """The tick that this reading completes, judged by nobody and kept nowhere."""
        return self._window.read(reading)

    def take(self) -> book.Watched | None:
        """The tape since it was last taken, None where nothing is on it."""
        tape = self._tape
        if not tape.lines:
            return None
        self._tape = _Tape(last_t=self.t)
        return book.Watched(
            content=b"".join(tape.lines),
            first_t=tape.last_t if tape.first_t is None else tape.first_t,
            last_t=tape.last_t,
            ticks=tape.ticks,
            log_e=self.judge.log_e,
            verdict=self._word,
            standing=_kept(self.judge.standing()),
        )

    def put_back(self, watched: book.Watched) -> None:
        """What could not be kept just now comes before what is on the tape."""
        self._tape.lines.insert(0, watched.content)
        self._tape.ticks += watched.ticks
        self._tape.first_t = watched.first_t
        self._tape.last_t = max(self._tape.last_t, watched.last_t)

    def play(self, kept: Iterable[tuple[Observation, bytes]]) -> None:
        """Stand where whoever wrote these stood.

        Raises:
            IntegrityError: ``rollout-differs`` when a tick does not lead to what was written down beside it.
        """
        for observation, content in kept:
            for line in content.splitlines():
                entry = read(line)
                self._told(entry)
                if isinstance(entry, Said) and (entry.verdict, entry.log_e) != (self._word, self.judge.log_e):
                    raise _differs(observation, entry, self._word, self.judge.log_e)
        self._window = self._fresh(self.t)

    @property
    def _word(self) -> str:
        return "" if self.verdict is None else word(self.verdict)

    def _fresh(self, t: float) -> Window:
        return Window(self._watched, self._assigned, tolerances=self._tolerances, t=t)

    def _step(self, tick: Tick) -> Judged | None:
        self._told(Said(tick=tick))
        self._write(Said(tick=tick, verdict=self._word, log_e=self.judge.log_e))
        return self.last

    def _tell(self, entry: Stage | Share | Forecast) -> None:
        self._told(entry)
        self._write(entry)

    def _told(self, entry: Entry) -> None:
        """Tell the judge, and follow what it says."""
        verdict = tell(self.judge, entry)
        if isinstance(entry, Forecast):
            self._forecast = None
        if isinstance(entry, Share):
            self.weight = entry.expect_share * _FULL
            self._assigned.begin(entry.expect_share)
        if not isinstance(entry, Said) or verdict is None:
            return
        self.verdict, tick = verdict, entry.tick
        self.t = max(self.t, tick.t)
        if tick.discard:
            self.discarded[tick.discard] += 1
        self.last = Judged(tick=tick, verdict=verdict)
        drawn = recent_of(Said(tick=tick, log_e=self.judge.log_e), self.weight)
        for name, seen in drawn.metrics.items():
            self.lost[name] += seen.expected - seen.canary if seen.kind == "good" else seen.canary - seen.expected
        self.recent.append(drawn)

    def _write(self, entry: Entry) -> None:
        tape = self._tape
        tape.lines.append(write(entry).encode() + b"\n")
        if isinstance(entry, Said):
            tape.ticks += 1
            tape.first_t = entry.tick.t if tape.first_t is None else tape.first_t
            tape.last_t = max(tape.last_t, entry.tick.t)


def _kept(standing: Standing) -> Standing | None:
    """The standing, where it can be written down: it is for people, and nothing must fail over it."""
    try:
        canonical(standing)
    except InvalidInput:
        return None
    return standing


def _differs(observation: Observation, said: Said, verdict: str, log_e: float) -> IntegrityError:
    return IntegrityError(
        f"expected `{verdict}` and log E {log_e!r} of `{observation.rollout}` at t = {said.tick.t:g} s, "
        f"got `{said.verdict}` and {said.log_e!r} on record",
        code="rollout-differs",
        hint=f"compare every tick: interlock rollout verify {observation.rollout}",
    )
