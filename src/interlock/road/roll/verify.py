"""Judging a recorded rollout anew: every verdict and every log E, from the counts and the plan it went by.

Rules:
1. Recomputed is by the judge's own code, from what the ledger names: the plan, the noise that was measured, and
   the blobs of ticks. Compared is exactly, without a tolerance.
2. The chain must be whole: observations numbered without a gap, as many as the record says, each as an entry tells
   of it, to the last field, and each of the digest under which an entry names it.
3. What an observation says came out of its ticks is computed again too: how many there were, the verdict, log E,
   and how every metric stood. A person who widens signs what is read from there.
4. Every widening without a PASS was signed, and its signature is verified again (see ``signed``).
5. The first difference is told with its time. What was edited and what is gone are differences too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.canonical import Json
from interlock.core.change.errors import IntegrityError, InterlockError, InvalidInput
from interlock.core.judge.judge import Judge
from interlock.core.judge.record import Judged, Said, read, recompute, word
from interlock.core.judge.settings import JudgeSettings
from interlock.core.rollout.record import Observation, RolloutRecord
from interlock.ports.store import Tx
from interlock.road.roll.asks import plan_of
from interlock.road.roll.calibrate import Noise, noisy, read_noise, table_of
from interlock.road.roll.driver import settings_of
from interlock.road.roll.signed import NotSigned, signed_widenings
from interlock.road.station import Station

_TOLD = ("blob", "first_t", "last_t", "ticks", "log_e", "verdict")
"""What an observation and the entry about it both say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """``first_difference`` is empty where everything is exact. ``t`` is when, None where no tick is meant.

    ``signatures`` is how many widenings people signed, each verified again.
    """

    rollout: str
    exact: bool
    ticks: int = 0
    observations: int = 0
    log_e: float | None = None
    verdict: str = ""
    signatures: int = 0
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
        tx.vouch(Observation, [one.id for one, _ in seen], about=rollout)
        ticks, log_e, verdict = _recomputed(settings, seen)
        signatures = _signatures(tx, record, [one for one, _ in seen])
    except _Difference as found:
        return Verification(
            rollout=rollout, exact=False, observations=len(seen), first_difference=found.text, t=found.t
        )
    except IntegrityError as error:
        return Verification(rollout=rollout, exact=False, first_difference=error.message)
    return Verification(
        rollout=rollout,
        exact=True,
        ticks=ticks,
        observations=len(seen),
        log_e=log_e,
        verdict=verdict,
        signatures=signatures,
    )


def _signatures(tx: Tx, record: RolloutRecord, seen: Sequence[Observation]) -> int:
    try:
        return signed_widenings(tx, record, plan_of(tx, record), seen)
    except NotSigned as error:
        raise _Difference(text=error.text) from error


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
        for name in _TOLD:
            if getattr(one, name) != entry.get(name):
                raise _Difference(
                    text=f"observation {number}: the {name} is not what the ledger tells of it", t=one.first_t
                )
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
    judge = Judge(settings)
    ticks, log_e, verdict = 0, None, ""
    for one, content in seen:
        found = _ticks(judge, one, content)
        if found:
            ticks, log_e, verdict = ticks + len(found), found[-1].log_e, word(found[-1].verdict)
        for name, kept, again in (
            ("ticks", one.ticks, len(found)),
            ("log E", one.log_e, judge.log_e),
            ("verdict", one.verdict, verdict),
        ):
            if kept != again:
                raise _Difference(
                    text=f"observation {one.number}: recorded {name} {kept!r}, recomputed {again!r}", t=one.last_t
                )
        if one.standing is not None and one.standing != judge.standing():
            raise _Difference(
                text=f"observation {one.number}: how the metrics stood is not what its ticks lead to", t=one.last_t
            )
    return ticks, log_e, verdict


def _ticks(judge: Judge, one: Observation, content: bytes) -> list[Judged]:
    """The ticks of one observation, each as it was recorded."""
    lines = content.splitlines()
    found: list[Judged] = []
    try:
        for judged in recompute(judge.settings, lines, where=f"observation {one.number}, line ", judge=judge):
            if judged.differs:
                raise _Difference(text=judged.differs, t=judged.t)
            found.append(judged)
    except InvalidInput as error:
        raise _Difference(text=error.message, t=one.first_t) from error
    said = [entry for line in lines if line.strip() and isinstance(entry := read(line), Said)]
    for entry in said:
        if not entry.verdict or entry.log_e is None:
            raise _Difference(text="a tick says nothing of what was found then", t=entry.tick.t)
    return found
