"""A process that appends until it is killed, again and again, and remembers what it was told.

Run as ``python appender.py URL MODE COUNT SEED``. ``kill``: COUNT children, one after the other, each killed by
SIGKILL at a random moment. ``race``: COUNT children at once, each finishing its share. The events of all children,
in the order in which they happened, are printed as JSON lines ``[what, round, thread, number, index]``.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import struct
import sys
import threading
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from interlock.core.change.errors import InterlockError, NotFound
from interlock.core.ledger.entry import Entry
from interlock.core.ledger.note import NoteSigner
from interlock.storage import RecordType, open_store

THREADS = 4
SHARE = 40
EVENT = struct.Struct("<cHHIq")
SIGNER = NoteSigner("ledger.example/fault", bytes(range(32)))
START = datetime(2026, 3, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    id: str
    value: int
    version: int = 1


COUNTERS = RecordType(kind=Counter, table="counters", version="version")


class FixedClock:
    def now(self) -> datetime:
        return START


def open_it(url: str):
    return open_store(url, signer=SIGNER, clock=FixedClock(), record_types=[COUNTERS])


def bump(round_: int, thread: int, number: int):
    """Work that moves the thread's counter and appends the entry that says so."""
    name = f"{round_}.{thread}"

    def work(tx):
        counters = tx.records(Counter)
        try:
            before = counters.get(name)
            counters.replace(
                replace(before, value=before.value + 1, version=before.version + 1),
                expected_version=before.version,
            )
        except NotFound:
            counters.add(Counter(id=name, value=1))
        body = {"number": number, "filler": "x" * (number * 37 % 400)}
        return tx.log.append(Entry(kind="counter.moved", subject=name, actor="test", at=START, body=body))

    return work


def child(url: str, round_: int, pipe: int, share: int | None) -> None:
    store = open_it(url)

    def tell(what: bytes, thread: int, number: int, index: int = -1) -> None:
        os.write(pipe, EVENT.pack(what, round_, thread, number, index))

    def append(thread: int) -> None:
        number = 0
        while share is None or number < share:
            tell(b"t", thread, number)
            try:
                index = store.write(bump(round_, thread, number))
            except InterlockError as error:
                tell(b"u" if error.code == "commit-unknown" else b"f", thread, number)
                time.sleep(0.02)
            else:
                tell(b"a", thread, number, index)
            number += 1

    threads = [threading.Thread(target=append, args=(thread,)) for thread in range(THREADS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    store.close()


def start(url: str, round_: int, share: int | None) -> tuple[int, int]:
    """A child's process id and the reading end of its pipe."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reading)
        try:
            child(url, round_, writing, share)
        finally:
            os._exit(0)
    os.close(writing)
    return pid, reading


def drain(pipes: list[int]) -> list[list[object]]:
    """Everything the children said, in order of arrival; records are smaller than a pipe writes at once."""
    events, rest = [], dict.fromkeys(pipes, b"")
    while rest:
        for pipe in select.select(list(rest), [], [])[0]:
            said = os.read(pipe, 65536)
            if not said:
                os.close(pipe)
                del rest[pipe]
                continue
            whole = rest[pipe] + said
            cut = len(whole) // EVENT.size * EVENT.size
            rest[pipe] = whole[cut:]
            for what, *numbers in EVENT.iter_unpack(whole[:cut]):
                events.append([what.decode(), *numbers])
    return events


def kill_loop(url: str, count: int, chance: random.Random) -> None:
    for round_ in range(count):
        pid, pipe = start(url, round_, None)
        # From the moment of opening (recovery itself must survive a kill) to well into the appends.
        time.sleep(chance.uniform(0.02, 0.35))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        for event in drain([pipe]):
            sys.stdout.write(json.dumps(event) + "\n")
            sys.stdout.flush()


def race(url: str, count: int) -> None:
    children = [start(url, round_, SHARE) for round_ in range(count)]
    for event in drain([pipe for _, pipe in children]):
        sys.stdout.write(json.dumps(event) + "\n")
    for pid, _ in children:
        os.waitpid(pid, 0)


if __name__ == "__main__":
    address, mode, times, seed = sys.argv[1:]
    open_it(address).close()
    if mode == "kill":
        kill_loop(address, int(times), random.Random(int(seed)))
    else:
        race(address, int(times))
