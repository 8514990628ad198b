"""The steps of a set, one at a time, beside the ticks of whoever watches; and seeing that each did what it should.

Rules:
1. Done is what the step's own verification says, never what the step itself says.
2. A step that was intended before is verified first: it may have been done, by this server or the one before. So
   is one that was done when the same rollout first went back, before its way back failed further on.
3. It is tried three times. What it and its verification said last is kept.
4. It runs in a thread of its own, for as long as it takes: meanwhile whoever has the rollout reads the record and
   judges what is out. The thread touches programs and nothing else; what is written down the driver writes.
5. A step that the record does not want any more is ended with its process group, and is never told as done. Before
   it is gone no other begins.
6. A step that is left between two tries (it was paused, the server ends, the lease is not sure to last) stays
   intended, and whoever goes on begins with rule 2.
"""

from __future__ import annotations

import threading

from interlock.core.change.errors import Conflict
from interlock.core.rollout.act import RunStep
from interlock.core.rollout.record import Effect, RolloutRecord, RolloutState
from interlock.core.rollout.step_doubts import BASE
from interlock.core.rollout.transition import stepped
from interlock.ports.programs import Ran
from interlock.road.roll.book import Intended
from interlock.road.roll.kit import Kit
from interlock.road.roll.written import Written

TRIES = 3
PAUSE_SECONDS = 1.0

GLANCE = 0.5
"""Seconds, and no more than half a tick: what is over in that is written down in the same tick."""

END_SECONDS = 6.0
"""How long a step that is ended may take to be gone when a rollout is let go."""


class Steps:
    """One rollout's. Used by one thread."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._run: _Run | None = None

    @property
    def busy(self) -> bool:
        """Whether one runs."""
        return self._run is not None and self._run.running

    def wait(self, seconds: float) -> None:
        """Wait, no longer than until the step that runs is over."""
        if self._run is not None and self._run.running:
            self._run.join(seconds)
        else:
            self._kit.sleep(seconds)

    def go_on(self, record: RolloutRecord, act: RunStep | None) -> Written | None:
        """Begin what is to be run, if anything, and write down what came of it; None as long as nothing has.

        Raises:
            Conflict: ``lease-lost``.
            Unavailable: it could not be written down; it can be tried again.
        """
        if self._run is None and act is not None:
            intended = self._kit.book.intend("step", act.target)
            self._run = _Run(self._kit, record, act, intended)
            self._run.join(min(GLANCE, self._kit.plan.tick / 2))
        run = self._run
        if run is None:
            return None
        run.paused = record.state is RolloutState.HELD
        return None if run.running else self._over(run)

    def left(self, record: RolloutRecord) -> bool:
        """End what runs and is not what the record is about any more; whether nothing of that kind runs on."""
        run = self._run
        if run is None or (run.phase, run.step) == (record.phase, record.step):
            return True
        run.unwanted.set()
        if run.running:
            run.join(GLANCE)
        if run.running:
            return False
        self._run = None
        return True

    def close(self) -> None:
        """End what runs; it stays intended."""
        if self._run is not None:
            self._run.unwanted.set()
            self._run.join(END_SECONDS)

    def _over(self, run: _Run) -> Written | None:
        if run.fault is not None or run.found is None:
            self._run = None
        if run.fault is not None:
            raise run.fault
        if run.found is None:
            return None
        done, said = run.found
        now = self._kit.station.clock.now()
        written = self._kit.book.ended(
            run.effect, lambda current: stepped(current, now, done=done, said=said), done=done, said=said
        )
        self._run = None
        return written


class _Run:
    """One step in its thread. ``found`` is what came of it, None where it was left."""

    def __init__(self, kit: Kit, record: RolloutRecord, act: RunStep, intended: Intended) -> None:
        self._kit, self._act, self._again = kit, act, intended.again
        self.effect: Effect = intended.effect
        self.phase, self.step = record.phase, record.step
        self._names = _names(record, self.effect.key, self.effect.token)
        self.unwanted = threading.Event()
        self.paused = False
        self.found: tuple[bool, str] | None = None
        self.fault: BaseException | None = None
        self._thread = threading.Thread(target=self._go, name=f"interlock-step-{record.id}", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def join(self, seconds: float) -> None:
        self._thread.join(max(seconds, 0.0))

    def _go(self) -> None:
        try:
            self.found = self._tried()
        except Conflict:
            # The lease is not sure to last. The driver knows, and whoever goes on begins with a verification.
            self.found = None
        except BaseException as error:  # noqa: BLE001  # raised again by the driver, whose rollout it is
            self.fault = error

    def _tried(self) -> tuple[bool, str] | None:
        said = ""
        if self._again:
            found = self._verify()
            if found.good:
                return True, "was done already"
            said = found.said
        for number in range(TRIES):
            if number:
                self._kit.sleep(PAUSE_SECONDS)
            if self._leaves(number):
                return None
            done, said = self._once()
            if done:
                return True, said
        return None if self.unwanted.is_set() else (False, f"{self._act.target} after {TRIES} tries: {said}")

    def _leaves(self, number: int) -> bool:
        """Whether no further try begins."""
        stops = self.paused or self._kit.stopping.is_set()
        return self.unwanted.is_set() or (number > 0 and stops)

    def _once(self) -> tuple[bool, str]:
        self._kit.tenure.check()
        ran = self._ran(self._act.step.run)
        if not ran.good:
            return False, f"{self._act.step.run[0]} {ran.told}"
        found = self._verify()
        if found.good:
            return True, found.said
        return False, f"verification by {self._act.step.verify[0]} {found.told}"

    def _verify(self) -> Ran:
        self._kit.tenure.check()
        return self._ran(self._act.step.verify)

    def _ran(self, arguments: tuple[str, ...]) -> Ran:
        return self._kit.outside.programs.run(
            arguments,
            timeout=self._act.step.timeout,
            environment=self._names,
            unwanted=self.unwanted.is_set,
        )


def _names(record: RolloutRecord, key: str, token: int) -> dict[str, str]:
    """What a step is told: whose it is, and the key under which doing it twice is doing it once."""
    return {
        "ROLLOUT_ID": record.id,
        "ROLLOUT_KEY": key,
        "ROLLOUT_FENCE": str(token),
        "ROLLOUT_CHANGE": record.change,
        "ROLLOUT_DIGEST": record.digest,
        "ROLLOUT_PREVIOUS": record.previous or "",
        BASE: record.base,
        "ROLLOUT_SERVICE": record.service,
        "ROLLOUT_ENVIRONMENT": record.environment,
    }
