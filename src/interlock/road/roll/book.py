"""What a rollout's worker writes down: moves, effects and observations, each with its entry and under its lease.

Rules:
1. Every transaction begins by seeing that the lease still is this worker's. Whoever lost it writes nothing more.
2. A move is computed on the record as it is in that very transaction: what a person asked meanwhile is not
   overwritten, it is gone on from.
3. A record that is not what this worker wrote last is compared with the ledger before it decides anything.
4. An effect is ``intended`` before it is done. Its outcome and the move that follows from it are one transaction.
   At most one is intended at a time: who wants another act says first that the one before was overtaken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from interlock.core.change.canonical import Json
from interlock.core.judge.verdict import Standing
from interlock.core.ledger.entry import Entry
from interlock.core.rollout.record import Effect, Observation, RolloutRecord
from interlock.core.rollout.transition import Move
from interlock.ports.leases import Lease
from interlock.ports.store import Tx
from interlock.road.roll.written import ENGINE, Written, entry, write_move
from interlock.road.station import Station

Step = Callable[[RolloutRecord], Move]
EffectKind = Literal["weight", "step"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A run of recorded ticks that is to be kept."""

    content: bytes
    first_t: float
    last_t: float
    ticks: int
    log_e: float
    verdict: str
    standing: Standing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Intended:
    """What is about to be done. ``again``: it was done before, or intended, and nobody heard what came of it."""

    effect: Effect
    again: bool


class Book:
    """One rollout's pages. Used by one thread at a time."""

    def __init__(self, station: Station, rollout: str, lease: Lease) -> None:
        self._station = station
        self._rollout = rollout
        self._lease = lease
        self._known: RolloutRecord | None = None

    @property
    def known(self) -> RolloutRecord | None:
        """The record as this worker saw or wrote it last."""
        return self._known

    def read(self) -> RolloutRecord:
        """The record as it is now."""
        self._known = self._station.store.read(self._current)
        return self._known

    def move(self, step: Step, watched: Watched | None = None) -> Written:
        """Take one step, and keep what was observed until then; a step that no entry tells of is not taken."""

        def work(tx: Tx) -> Written:
            tx.fenced(self._lease)
            before = self._current(tx)
            move = step(before)
            if watched is not None:
                move = replace(move, record=self._observed(tx, move.record, watched))
            return write_move(self._station, tx, ENGINE, before, move, told=watched is not None)

        return self._noted(self._station.store.write(work))

    def move_with_blob(self, step: Callable[[RolloutRecord, str], Move], content: bytes) -> Written:
        """Take a step that names a blob."""

        def work(tx: Tx) -> Written:
            tx.fenced(self._lease)
            name, before = tx.put_blob(content), self._current(tx)
            return write_move(self._station, tx, ENGINE, before, step(before, name))

        return self._noted(self._station.store.write(work))

    def intend(self, kind: EffectKind, target: str) -> Intended:
        """Say what is about to be done outside; the same effect where that was said and nobody heard more."""

        def work(tx: Tx) -> tuple[Intended, RolloutRecord]:
            tx.fenced(self._lease)
            return self._intended(tx, kind, target)

        for waiting in self.waiting():
            if (waiting.kind, waiting.target, waiting.token) == (kind, target, self._lease.token):
                return Intended(effect=waiting, again=True)
        intended, self._known = self._station.store.write(work)
        return intended

    def ended(self, effect: Effect, step: Step, *, done: bool, said: str) -> Written:
        """Say what came of an effect, and take the step that follows from it."""

        def work(tx: Tx) -> Written:
            tx.fenced(self._lease)
            self._end(tx, effect, "done" if done else "failed", said)
            before = self._current(tx)
            return write_move(self._station, tx, ENGINE, before, step(before))

        return self._noted(self._station.store.write(work))

    def waiting(self) -> list[Effect]:
        """Effects whose outcome nobody heard."""
        return list(
            self._station.store.read(lambda tx: tx.records(Effect).find(rollout=self._rollout, state="intended"))
        )

    def observations(self) -> list[tuple[Observation, bytes]]:
        """All that was observed so far, in order, with its bytes."""
        return self._station.store.read(lambda tx: observations_of(tx, self._rollout))

    def blob(self, digest: str) -> bytes:
        """Bytes by digest."""
        return self._station.store.read(lambda tx: tx.blob(digest))

    def note(self, kind: str, body: Mapping[str, Json]) -> None:
        """An entry about the rollout that moves nothing."""

        def work(tx: Tx) -> None:
            tx.fenced(self._lease)
            tx.log.append(entry(self._station, ENGINE, kind, self._rollout, body))

        self._station.store.write(work)

    def _intended(self, tx: Tx, kind: EffectKind, target: str) -> tuple[Intended, RolloutRecord]:
        before, same = self._current(tx), None
        for waiting in tx.records(Effect).find(rollout=self._rollout, state="intended"):
            if (waiting.kind, waiting.target) == (kind, target) and same is None:
                same = waiting
            else:
                self._end(tx, waiting, "failed", "overtaken by another")
        if same is not None:
            return Intended(effect=self._taken_over(tx, same), again=True), before
        effect = self._effect(before, kind, target)
        after = replace(before, effects=before.effects + 1, version=before.version + 1)
        tx.records(Effect).add(effect)
        tx.records(RolloutRecord).replace(after, expected_version=before.version)
        tx.log.append(self._entry("rollout.intended", effect))
        return Intended(effect=effect, again=kind == "step" and self._was_done(tx, target)), after

    def _was_done(self, tx: Tx, step: str) -> bool:
        done = tx.records(Effect).find(rollout=self._rollout, state="done")
        return any((one.kind, one.target) == ("step", step) for one in done)

    def _taken_over(self, tx: Tx, effect: Effect) -> Effect:
        after = replace(effect, token=self._lease.token, version=effect.version + 1)
        tx.records(Effect).replace(after, expected_version=effect.version)
        tx.log.append(self._entry("rollout.intended", after))
        return after

    def _end(self, tx: Tx, effect: Effect, state: Literal["done", "failed"], said: str) -> None:
        now = self._station.clock.now()
        after = replace(effect, state=state, ended_at=now, said=said[:500], version=effect.version + 1)
        tx.records(Effect).replace(after, expected_version=effect.version)
        tx.log.append(self._entry("rollout.effected", after))

    def _effect(self, record: RolloutRecord, kind: EffectKind, target: str) -> Effect:
        key = f"{self._rollout}-{record.effects}"
        return Effect(
            id=key,
            rollout=self._rollout,
            number=record.effects,
            kind=kind,
            target=target,
            key=key,
            token=self._lease.token,
            intended_at=self._station.clock.now(),
        )

    def _observed(self, tx: Tx, record: RolloutRecord, watched: Watched) -> RolloutRecord:
        name, number = tx.put_blob(watched.content), record.observations
        told: dict[str, Json] = {
            "first_t": watched.first_t,
            "last_t": watched.last_t,
            "ticks": watched.ticks,
            "log_e": watched.log_e,
            "verdict": watched.verdict,
        }
        tx.records(Observation).add(
            Observation(
                id=f"{self._rollout}-o{number}",
                rollout=self._rollout,
                number=number,
                blob=name,
                first_t=watched.first_t,
                last_t=watched.last_t,
                ticks=watched.ticks,
                log_e=watched.log_e,
                verdict=watched.verdict,
                standing=watched.standing,
            )
        )
        told = {"number": number, "blob": name, **told}
        tx.log.append(entry(self._station, ENGINE, "rollout.observed", self._rollout, told))
        return replace(record, observations=number + 1, ticks=record.ticks + watched.ticks)

    def _current(self, tx: Tx) -> RolloutRecord:
        found = tx.records(RolloutRecord).get(self._rollout)
        if found != self._known:
            tx.vouch(RolloutRecord, [self._rollout], about=self._rollout)
        return found

    def _noted(self, written: Written) -> Written:
        self._known = written.after
        return written

    def _entry(self, kind: str, effect: Effect) -> Entry:
        body: dict[str, Json] = {
            "effect": effect.id,
            "kind": effect.kind,
            "target": effect.target,
            "token": effect.token,
            "state": effect.state,
            "said": effect.said,
        }
        return entry(self._station, ENGINE, kind, self._rollout, body)


def observations_of(tx: Tx, rollout: str) -> list[tuple[Observation, bytes]]:
    """All that was observed of a rollout, in order, with its bytes."""
    found = sorted(tx.records(Observation).find(rollout=rollout), key=lambda one: one.number)
    return [(one, tx.blob(one.blob)) for one in found]
