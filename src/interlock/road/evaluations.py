"""Flags that interlock serves: evaluated fast, counted in memory, moved in the state.

Rules:
1. An evaluation reads a flag's record at most every half second and writes nothing. A record is believed only as
   the ledger tells of it. While the state does not answer, nobody is told anything: an application falls back to
   its own default.
2. Keys already counted at this weight are remembered as bits of a fixed field: some that are new count as known,
   the same part of them in either arm, so the share stays true.
3. What was counted goes to the state a second later, all flags in one transaction, and is kept for the next time
   where that fails.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InterlockError, NotFound, Unavailable
from interlock.core.ledger.entry import Entry
from interlock.core.rollout.flags import FlagCount, FlagRecord, count_id, in_canary, place
from interlock.ports.flags import FLUSHED, STALE
from interlock.ports.store import Store, Tx
from interlock.ports.world import Clock, Ids
from interlock.road.flags import ACTOR, all_flags

COUNTED = "flag.counted"
_BITS = 1 << 24
"""Two MiB for each flag that is split. With a million users, 6 % of the newest count as known."""


@dataclass(slots=True)
class _Tally:
    """What this process counted of one flag. ``seen`` holds for one version of its record."""

    version: int = 0
    canary: int = 0
    control: int = 0
    written: int = 0
    seen: bytearray = field(default_factory=bytearray)

    @property
    def fresh(self) -> bool:
        """Whether something was counted that is not written down."""
        return self.canary + self.control > self.written

    def add(self, record: FlagRecord, mark: int, *, canary: bool) -> bool:
        """Count a key; whether it was new at this weight."""
        if self.version != record.version or not self.seen:
            self.version, self.seen = record.version, bytearray(_BITS >> 3)
        byte, bit = (mark % _BITS) >> 3, 1 << (mark & 7)
        if self.seen[byte] & bit:
            return False
        self.seen[byte] |= bit
        self.canary += canary
        self.control += not canary
        return True


class Evaluations:
    """The evaluating half, one for each process. Safe between threads."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        *,
        steady: Callable[[], float] = time.monotonic,
        stale: float = STALE,
        flushed: float = FLUSHED,
    ) -> None:
        self._store, self._clock, self._steady = store, clock, steady
        self._stale, self._flushed = stale, flushed
        self._server = ids.new("srv")
        self._lock, self._flushing = threading.Lock(), threading.Lock()
        self._flags: tuple[float, dict[str, FlagRecord]] | None = None
        self._tallies: dict[str, _Tally] = {}
        self._timer: threading.Timer | None = None

    def flags(self) -> dict[str, FlagRecord]:
        """All flags, at most half a second old.

        Raises:
            Unavailable: the state does not answer.
            IntegrityError: ``record-unvouched``.
        """
        kept = self._flags
        now = self._steady()
        if kept is None or now - kept[0] >= self._stale:
            kept = self._flags = (now, {each.flag: each for each in self._store.read(all_flags)})
        return kept[1]

    def evaluate(self, record: FlagRecord, key: str) -> bool:
        """Whether this user gets the canary; counted."""
        at = place(record.salt, key)
        canary = in_canary(record, at)
        with self._lock:
            tally = self._tallies.setdefault(record.flag, _Tally())
            if tally.add(record, at.mark, canary=canary):
                self._flush_soon()
        return canary

    def flush(self) -> None:
        """Write down what was counted since the last time.

        Raises:
            Unavailable: the state does not answer; nothing is forgotten.
        """
        with self._flushing:  # what was counted later is written later: a count never goes back
            with self._lock:
                found = {flag: (each.canary, each.control) for flag, each in self._tallies.items() if each.fresh}
            if not found:
                return
            now = self._clock.now()
            counts = [
                FlagCount(
                    id=count_id(flag, self._server), flag=flag, server=self._server, canary=canary, control=control
                )
                for flag, (canary, control) in found.items()
            ]
            self._store.write(lambda tx: _write(tx, counts, now))
            with self._lock:
                for each in counts:
                    self._tallies[each.flag].written = each.canary + each.control

    def _flush_soon(self) -> None:
        if self._timer is None:
            self._timer = threading.Timer(self._flushed, self._due)
            self._timer.daemon = True
            self._timer.start()

    def _due(self) -> None:
        with self._lock:
            self._timer = None
        try:
            self.flush()
        except Unavailable:
            with self._lock:
                self._flush_soon()
        except InterlockError:
            return  # the state is closed or damaged: whoever evaluates next is told so


class SharedEvaluations:
    """The evaluations of one process, made when they are first asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: Evaluations | None = None

    def over(self, store: Store, clock: Clock, ids: Ids) -> Evaluations:
        """The evaluations over this state."""
        with self._lock:
            self._made = self._made or Evaluations(store, clock, ids)
            return self._made


def _write(tx: Tx, counts: Sequence[FlagCount], now: datetime) -> None:
    for each in counts:
        _write_one(tx, each, now)


def _write_one(tx: Tx, count: FlagCount, now: datetime) -> None:
    kept = tx.records(FlagCount)
    try:
        before = kept.get(count.id)
    except NotFound:
        kept.add(count)
    else:
        kept.replace(replace(count, version=before.version + 1), expected_version=before.version)
    body: dict[str, Json] = {"flag": count.flag, "canary": count.canary, "control": count.control}
    tx.log.append(Entry(kind=COUNTED, subject=count.id, actor=ACTOR, at=now, body=body))
