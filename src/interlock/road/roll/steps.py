"""Running one step of a set and seeing that it did what it should.

Rules:
1. Done is what the step's own verification says, never what the step itself says.
2. A step that was intended before is verified first: it may have been done, by this server or the one before.
3. It is tried three times. What it and its verification said last is kept.
"""

from __future__ import annotations

from interlock.core.rollout.act import RunStep
from interlock.core.rollout.record import RolloutRecord
from interlock.core.rollout.transition import stepped
from interlock.ports.programs import Ran
from interlock.road.roll.kit import Kit
from interlock.road.roll.written import Written

TRIES = 3
PAUSE_SECONDS = 1.0


def run_step(kit: Kit, record: RolloutRecord, act: RunStep) -> Written:
    """Do it, and write down what came of it.

    Raises:
        Conflict: ``lease-lost``.
    """
    intended = kit.book.intend("step", act.target)
    names = _names(record, intended.effect.key, intended.effect.token)
    done, said = False, ""
    if intended.again:
        found = _verify(kit, act, names)
        done, said = found.good, "was done already" if found.good else found.said
    for number in range(TRIES):
        if done:
            break
        if number:
            kit.sleep(PAUSE_SECONDS)
        done, said = _once(kit, act, names)
    now = kit.station.clock.now()
    why = said if done else f"{act.target} after {TRIES} tries: {said}"
    return kit.book.ended(
        intended.effect, lambda current: stepped(current, now, done=done, said=why), done=done, said=why
    )


def _once(kit: Kit, act: RunStep, names: dict[str, str]) -> tuple[bool, str]:
    kit.tenure.check()
    ran = kit.outside.programs.run(act.step.run, timeout=act.step.timeout, environment=names)
    if not ran.good:
        return False, f"{act.step.run[0]} {_ended(ran)}"
    found = _verify(kit, act, names)
    return found.good, found.said if found.good else f"verification by {act.step.verify[0]} {_ended(found)}"


def _verify(kit: Kit, act: RunStep, names: dict[str, str]) -> Ran:
    kit.tenure.check()
    return kit.outside.programs.run(act.step.verify, timeout=act.step.timeout, environment=names)


def _ended(ran: Ran) -> str:
    how = "did not end in time" if ran.code is None else f"ended with {ran.code}"
    return f"{how}: {ran.said}" if ran.said else how


def _names(record: RolloutRecord, key: str, token: int) -> dict[str, str]:
    """What a step is told: whose it is, and the key under which doing it twice is doing it once."""
    return {
        "ROLLOUT_ID": record.id,
        "ROLLOUT_KEY": key,
        "ROLLOUT_FENCE": str(token),
        "ROLLOUT_CHANGE": record.change,
        "ROLLOUT_DIGEST": record.digest,
        "ROLLOUT_PREVIOUS": record.previous or "",
        "ROLLOUT_SERVICE": record.service,
        "ROLLOUT_ENVIRONMENT": record.environment,
    }
