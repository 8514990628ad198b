"""Judging a recorded rollout anew: every verdict and every log E, from the counts and the plan it went by.

Rules:
1. Recomputed is by the judge's own code, from what the ledger names: the plan, the noise that was measured, and
   the blobs of ticks. Compared is exactly, without a tolerance.
2. The chain must be whole: observations numbered without a gap, as many as the record says, each as an entry tells
   of it, to the last field, and each of the digest under which an entry names it.
3. What an observation says came out of its ticks is computed again too: how many there were, the verdict, log E,
   and how every metric stood. A person who widens signs what is read from there.
4. Every widening by itself follows from the verdict that was recomputed when it was taken (see ``went``); every
   other one was signed, and its signature is verified again (see ``signed``).
5. The entries that say all this are themselves shown to be in the ledger: each leads to the signed root.
6. The first difference is told with its time. What was edited and what is gone are differences too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.canonical import Json
from interlock.core.change.errors import IntegrityError, InterlockError, InvalidInput
from interlock.core.judge.judge import Judge
from interlock.core.judge.record import Entry, Judged, Said, read, recompute, word
from interlock.core.judge.settings import JudgeSettings
from interlock.core.rollout.record import Observation, RolloutRecord
from interlock.ports.store import Tx
from interlock.road.roll.asks import plan_of
from interlock.road.roll.calibrate import Noise, noisy, read_noise, table_of
from interlock.road.roll.driver import settings_of
from interlock.road.roll.signed import signed_widenings
from interlock.road.roll.went import Stood, Unfounded, check_by_itself, went_wider
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


def verify(station: Station, actor: Actor, rollout: str) -> Verification:
    """The rollout, judged anew from its record."""
    actor.require(Scope.READ)
    found = station.store.read(lambda tx: _verify(tx, rollout))
    if not found.exact:
        return found
    try:
        for position in station.store.read(lambda tx: [at for at, _ in tx.log.entries(rollout)]):
            station.store.inclusion(position)
    except IntegrityError as error:
        return Verification(rollout=rollout, exact=False, first_difference=error.message)
    return found


def _verify(tx: Tx, rollout: str) -> Verification:
    record = tx.records(RolloutRecord).get(rollout)
    seen: list[tuple[Observation, bytes]] = []
    try:
        tx.vouch(RolloutRecord, [rollout], about=rollout)
        settings = _settings(tx, record)
        seen = list(_whole(tx, record))
        tx.vouch(Observation, [one.id for one, _ in seen], about=rollout)
        ticks, stood = _recomputed(settings, seen)
        signatures = _widenings(tx, record, [one for one, _ in seen], stood)
    except Unfounded as found:
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
        log_e=stood[-1].log_e if ticks else None,
        verdict=seen[-1][0].verdict if ticks else "",
        signatures=signatures,
    )


def _widenings(tx: Tx, record: RolloutRecord, seen: Sequence[Observation], stood: Sequence[Stood]) -> int:
    """How many were signed; none differs from what was found here."""
    plan = plan_of(tx, record)
    went = went_wider(tx, record, plan)
    for one in went:
        if one.by_itself:
            check_by_itself(one, plan, stood)
    return signed_widenings(tx, record, plan, seen, [one for one in went if not one.by_itself])


def _settings(tx: Tx, record: RolloutRecord) -> JudgeSettings:
    settings = settings_of(plan_of(tx, record))
    if record.calibration is None:
        return settings
    noise = read_noise(tx.blob(record.calibration))
    for metric, text in _measured_anew(noise):
        raise Unfounded(f"the noise of {metric}: {text}")
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
        raise Unfounded(
            text=f"expected {record.observations} observations, got {len(kept)} kept and {len(told)} in the ledger"
        )
    for number in range(record.observations):
        one, entry = kept[number], told.get(number, {})
        for name in _TOLD:
            if getattr(one, name) != entry.get(name):
                raise Unfounded(
                    text=f"observation {number}: the {name} is not what the ledger tells of it", t=one.first_t
                )
        try:
            yield one, tx.blob(one.blob)
        except InterlockError as error:
            raise Unfounded(f"observation {number}: {error.message}", t=one.first_t) from error


def _told(tx: Tx, rollout: str) -> dict[int, Mapping[str, Json]]:
    found: dict[int, Mapping[str, Json]] = {}
    for _, entry in tx.log.entries(rollout):
        number = entry.body.get("number")
        if entry.kind == "rollout.observed" and isinstance(number, int):
            found[number] = entry.body
    return found


def _recomputed(settings: JudgeSettings, seen: Sequence[tuple[Observation, bytes]]) -> tuple[int, list[Stood]]:
    """How many ticks there were, and how the judge stood after each observation."""
    judge = Judge(settings)
    ticks, stood, verdict = 0, [Stood()], ""
    for one, content in seen:
        found, entries = _ticks(judge, one, content)
        ticks += len(found)
        verdict = word(found[-1].verdict) if found else verdict
        _compare(judge, one, len(found), verdict)
        now = stood[-1].after(entries, found[-1].verdict if found else None)
        stood.append(replace(now, log_e=judge.log_e, backed=judge.backed, t=one.last_t))
    return ticks, stood[1:]


def _compare(judge: Judge, one: Observation, ticks: int, verdict: str) -> None:
    for name, kept, again in (
        ("ticks", one.ticks, ticks),
        ("log E", one.log_e, judge.log_e),
        ("verdict", one.verdict, verdict),
    ):
        if kept != again:
            raise Unfounded(
                f"observation {one.number}: recorded {name} {kept!r}, recomputed {again!r}", t=one.last_t
            )
    if one.standing is not None and one.standing != judge.standing():
        raise Unfounded(
            f"observation {one.number}: how the metrics stood is not what its ticks lead to", t=one.last_t
        )


def _ticks(judge: Judge, one: Observation, content: bytes) -> tuple[list[Judged], list[Entry]]:
    """The ticks of one observation, each as it was recorded, and all its lines."""
    lines = content.splitlines()
    found: list[Judged] = []
    try:
        for judged in recompute(judge.settings, lines, where=f"observation {one.number}, line ", judge=judge):
            if judged.differs:
                raise Unfounded(judged.differs, t=judged.t)
            found.append(judged)
    except InvalidInput as error:
        raise Unfounded(error.message, t=one.first_t) from error
    entries = [read(line) for line in lines if line.strip()]
    for entry in entries:
        if isinstance(entry, Said) and (not entry.verdict or entry.log_e is None):
            raise Unfounded("a tick says nothing of what was found then", t=entry.tick.t)
    return found, entries
