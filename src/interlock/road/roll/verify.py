"""Judging a recorded rollout anew: every verdict and every log E, from the counts and the plan it went by.

Rules:
1. Recomputed is by the judge's own code, from what the ledger names: the plan, the noise that was measured, and
   the blobs of ticks. Compared is exactly, without a tolerance.
2. The chain must be whole: observations numbered without a gap, each named by an entry with the same digest and
   the same last log E, and as many as the record says.
3. The first difference is told with its time. What was edited and what is gone are differences too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.canonical import Json
from interlock.core.change.errors import IntegrityError, InterlockError, InvalidInput
from interlock.core.judge.record import Said, read, recompute
from interlock.core.judge.settings import JudgeSettings
from interlock.core.rollout.record import Observation, RolloutRecord
from interlock.ports.store import Tx
from interlock.road.roll.asks import plan_of
from interlock.road.roll.calibrate import Noise, noisy, read_noise, table_of
from interlock.road.roll.driver import settings_of
from interlock.road.station import Station


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """``first_difference`` is empty where everything is exact. ``t`` is when, None where no tick is meant."""

    rollout: str
    exact: bool
    ticks: int = 0
    observations: int = 0
    log_e: float | None = None
    verdict: str = ""
    first_difference: str = ""
    t: float | None = None


class _Difference(Exception):  # a way out of many loops, not an error
    def __init__(self, text: str, t: float | None = None) -> None:
        super().__init__(text)
        self.text, self.t = text, t


def verify(station: Station, actor: Actor, rollout: str) -> Verification:
    """The rollout, judged anew from its record."""
    actor.require(Scope.READ)
    return station.store.read(lambda tx: _verify(tx, rollout))


def _verify(tx: Tx, rollout: str) -> Verification:
    record = tx.records(RolloutRecord).get(rollout)
    seen: list[tuple[Observation, bytes]] = []
    try:
        tx.vouch(RolloutRecord, [rollout], about=rollout)
        settings = _settings(tx, record)
        seen = list(_whole(tx, record))
        ticks, log_e, verdict = _recomputed(settings, seen)
    except _Difference as found:
        return Verification(
            rollout=rollout, exact=False, observations=len(seen), first_difference=found.text, t=found.t
        )
    except IntegrityError as error:
        return Verification(rollout=rollout, exact=False, first_difference=error.message)
    return Verification(
        rollout=rollout, exact=True, ticks=ticks, observations=len(seen), log_e=log_e, verdict=verdict
    )


def _settings(tx: Tx, record: RolloutRecord) -> JudgeSettings:
    settings = settings_of(plan_of(tx, record))
    if record.calibration is None:
        return settings
    noise = read_noise(tx.blob(record.calibration))
    for metric, text in _measured_anew(noise):
        raise _Difference(text=f"the noise of {metric}: {text}")
    return noisy(settings, noise)


def _measured_anew(noise: Noise) -> Iterator[tuple[str, str]]:
    for metric, table in noise.tables.items():
        try:
            again = table_of(noise.measured[metric])
        except KeyError:
            yield metric, "nothing says what it was measured on"
            continue
        except InvalidInput as error:
            yield metric, error.message
            continue
        if again != table:
            yield metric, f"recorded {table.values}, recomputed {again.values}"


def _whole(tx: Tx, record: RolloutRecord) -> Iterator[tuple[Observation, bytes]]:
    """The observations in order, each as the ledger tells of it."""
    told = _told(tx, record.id)
    kept = {one.number: one for one in tx.records(Observation).find(rollout=record.id)}
    if len(told) != record.observations or sorted(kept) != list(range(record.observations)):
        raise _Difference(
            text=f"expected {record.observations} observations, got {len(kept)} kept and {len(told)} in the ledger"
        )
    for number in range(record.observations):
        one, entry = kept[number], told.get(number, {})
        if (one.blob, one.log_e, one.last_t) != (entry.get("blob"), entry.get("log_e"), entry.get("last_t")):
            raise _Difference(text=f"observation {number} is not what the ledger tells of it", t=one.first_t)
        try:
            yield one, tx.blob(one.blob)
        except InterlockError as error:
            raise _Difference(text=f"observation {number}: {error.message}", t=one.first_t) from error


def _told(tx: Tx, rollout: str) -> dict[int, Mapping[str, Json]]:
    found: dict[int, Mapping[str, Json]] = {}
    for _, entry in tx.log.entries(rollout):
        number = entry.body.get("number")
        if entry.kind == "rollout.observed" and isinstance(number, int):
            found[number] = entry.body
    return found


def _recomputed(settings: JudgeSettings, seen: list[tuple[Observation, bytes]]) -> tuple[int, float | None, str]:
    lines = [line for _, content in seen for line in content.splitlines()]
    ticks, log_e, verdict = 0, None, ""
    try:
        for one in recompute(settings, lines):
            if one.differs:
                raise _Difference(text=one.differs, t=one.t)
            ticks, log_e = ticks + 1, one.log_e
    except InvalidInput as error:
        raise _Difference(text=error.message) from error
    said = [entry for line in lines if isinstance(entry := read(line), Said)]
    if said:
        verdict = said[-1].verdict
    if any(not entry.verdict or entry.log_e is None for entry in said):
        raise _Difference(text="a tick says nothing of what was found then")
    return ticks, log_e, verdict
