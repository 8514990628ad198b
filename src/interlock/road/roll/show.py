"""How a rollout stands, for people: its record, its plan's stages, what was seen last, and every effect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.errors import IntegrityError
from interlock.core.judge.read_settings import read_settings
from interlock.core.judge.record import Said, Share, read
from interlock.core.judge.settings import JudgeSettings
from interlock.core.judge.verdict import Standing
from interlock.core.ledger.entry import Entry
from interlock.core.rollout.judged import advice
from interlock.core.rollout.plan import Plan, StagePlan
from interlock.core.rollout.record import Effect, Observation, RolloutRecord
from interlock.ports.store import Page, Tx
from interlock.road.notify import Told as Noticed
from interlock.road.notify import told_of
from interlock.road.roll.asks import newest_observation, not_ruled_out, plan_of
from interlock.road.roll.calibrate import read_noise
from interlock.road.roll.drawn import last, recent_of
from interlock.road.roll.live import RecentTick, Snapshot, Told
from interlock.road.station import Station

FRESH = timedelta(seconds=15)
_BLOBS = 30
"""Observations that are read for a picture, the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutShown:
    """``not_ruled_out`` is what a person who widens now signs for; ``advice`` what can be done where it is held.

    ``failed`` says by source why it was not read in the last round; ``entry`` is the newest ledger entry about it.
    ``unmoved`` is for how many seconds it has waited for a worker, None while one has it. ``seen_at`` is when
    ``standing`` and ``verdict`` were so. Where no control is left, ``backstop`` is the metric
    whose total is held to a forecast, or ``unbacked`` says why none is; both are empty before.
    """

    record: RolloutRecord
    tick: float
    alpha: float
    untrusted: str
    stages: tuple[StagePlan, ...]
    standing: Standing | None
    verdict: Told | None
    recent: tuple[RecentTick, ...]
    eta: float | None
    discarded: Mapping[str, int]
    failed: Mapping[str, str]
    effects: tuple[Effect, ...]
    verified: bool | None
    notices: tuple[Noticed, ...]
    not_ruled_out: str
    advice: str
    backstop: str
    unbacked: str
    seen_at: datetime | None
    unmoved: float | None
    now: datetime
    entry: int | None


def show(station: Station, actor: Actor, rollout: str) -> RolloutShown:
    """One rollout."""
    actor.require(Scope.READ)
    shown = station.store.read(lambda tx: _shown(station, tx, rollout))
    return replace(shown, unmoved=_unmoved(station, shown))


def find(station: Station, actor: Actor, page: Page, **where: str | None) -> tuple[RolloutRecord, ...]:
    """A page of rollouts, newest first."""
    actor.require(Scope.READ)
    given = {name: value for name, value in where.items() if value is not None}
    return tuple(station.store.read(lambda tx: tx.records(RolloutRecord).page(page, **given)))


def _shown(station: Station, tx: Tx, rollout: str) -> RolloutShown:
    record = tx.records(RolloutRecord).get(rollout)
    plan, now = plan_of(tx, record), station.clock.now()
    live, entries = station.live.get(rollout), tx.log.entries(rollout)
    if live is None or live.seen_at is None or now - live.seen_at > FRESH:
        live = _recorded(tx, record, entries)
    effects = tuple(tx.records(Effect).find(rollout=rollout))
    settings = read_settings(plan.judge, what=plan.path)
    backstop, unbacked = _backstop(tx, record, settings)
    return RolloutShown(
        record=record,
        tick=plan.tick,
        alpha=settings.alpha,
        untrusted=plan.untrusted,
        stages=plan.stages,
        standing=live.standing,
        verdict=live.verdict,
        recent=live.recent,
        eta=live.verdict.eta if live.verdict else None,
        discarded=live.discarded,
        failed=live.failed,
        effects=effects,
        verified=_verified(record, effects),
        notices=told_of(tx, rollout),
        not_ruled_out=_words(tx, record, plan),
        advice=advice(record, plan) if record.hold == "no-pass" else "",
        backstop=backstop,
        unbacked=unbacked,
        seen_at=live.seen_at,
        unmoved=None,
        now=now,
        entry=entries[-1][0] if entries else None,
    )


def _unmoved(station: Station, shown: RolloutShown) -> float | None:
    """Where nobody knows since when, as with what was never taken: since it was counted last, or began."""
    record = shown.record
    if record.ended or station.leases is None:
        return None
    idle = station.leases.idle(record.id)
    known = shown.seen_at or record.stage_since or record.started_at
    longest = max(0.0, (shown.now - record.started_at).total_seconds())
    if idle is not None and idle > longest:
        return max(0.0, (shown.now - known).total_seconds())
    return idle


def _backstop(tx: Tx, record: RolloutRecord, settings: JudgeSettings) -> tuple[str, str]:
    """The backstop's metric, or why there is none; neither while a control is left."""
    if not record.alone:
        return "", ""
    if settings.backstop is None or record.calibration is None:
        return "", "the plan names none"
    noise = read_noise(tx.blob(record.calibration))
    return (settings.backstop.metric, "") if noise.forecast is not None else ("", noise.unforeseen)


def _recorded(tx: Tx, record: RolloutRecord, entries: Sequence[tuple[int, Entry]]) -> Snapshot:
    """What was written down last, and when; a few seconds old while somebody moves it."""
    try:
        newest = newest_observation(tx, record)
    except IntegrityError as error:
        return Snapshot(verdict=Told(kind="untrusted", why=error.message))
    if newest is None:
        return Snapshot()
    first = max(0, record.observations - _BLOBS)
    ticks: list[RecentTick] = []
    weight = record.served
    discarded: Counter[str] = Counter()
    for number in range(first, record.observations):
        observation = tx.records(Observation).get(f"{record.id}-o{number}")
        for line in tx.blob(observation.blob).splitlines():
            entry = read(line)
            if isinstance(entry, Share):
                weight = entry.expect_share * 100.0
            elif isinstance(entry, Said):
                ticks.append(recent_of(entry, weight))
                discarded.update([entry.tick.discard] if entry.tick.discard else [])
    verdict = Told(kind=newest.verdict, why=record.told) if newest.verdict else None
    return Snapshot(
        standing=newest.standing,
        verdict=verdict,
        recent=last(ticks),
        discarded=discarded,
        seen_at=next((one.at for _, one in reversed(entries) if one.kind == "rollout.observed"), None),
    )


def _words(tx: Tx, record: RolloutRecord, plan: Plan) -> str:
    """What is not ruled out; a row that the ledger does not vouch for tells nothing, and nobody widens by it."""
    try:
        return not_ruled_out(tx, record, plan)
    except IntegrityError as error:
        return f"nobody knows: {error.message}"


def _verified(record: RolloutRecord, effects: tuple[Effect, ...]) -> bool | None:
    """Whether the rollback set is through and verified; None where nothing was to be brought back."""
    if record.cause is None:
        return None
    undone = [one for one in effects if one.kind == "step" and one.target.startswith("rollback/")]
    return record.phase == "over" and all(one.state == "done" for one in undone)
