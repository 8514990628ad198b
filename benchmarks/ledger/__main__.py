"""The ledger's figures on this machine, beside their goals.

    python -m benchmarks.ledger [--size 1000000] [--seconds 4] [--only sqlite|postgresql] [--json FILE]

Durable means committed with fsync and acknowledged; every entry can be proved at once. No HTTP is in between.
Latencies are of one call of ``write``. Processor time is that of this process alone and hardly depends on what
else the machine is doing; times and rates do. Proofs and audit are taken on a log of ``--size`` entries.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from interlock.core.ledger.checkpoint import open_checkpoint
from interlock.core.ledger.entry import Entry
from interlock.core.ledger.merkle import hash_leaf, verify_inclusion
from interlock.core.ledger.note import NoteSigner
from interlock.core.ledger.prooffile import ProofFile
from interlock.storage import RecordType, SqlStore, open_store
from interlock.testing.postgresql import PostgreSQL

SIGNER = NoteSigner("ledger.example/benchmark", bytes(range(32)))
SUBMITTERS = 8
BATCH = 16
PROOFS = 2_000
# What `interlock ledger verify` does, with its garbage collector.
AUDIT = f"""
import gc, json, pathlib, sys
from interlock.core.ledger.note import VerifierKey
from interlock.storage.audit import audit
gc.set_threshold(1_000_000, 50, 50)
report = audit(sys.argv[1], VerifierKey.parse({str(SIGNER.verifier)!r}))
(peak,) = [line for line in pathlib.Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
memory = int(peak.split()[1]) / 1024
print(json.dumps({{"holds": report.holds, "size": report.size, "memory": memory}}))
"""
START = datetime(2026, 3, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A small state machine in a row."""

    id: str
    state: str
    digest: str
    version: int = 1


STEPS = RecordType(kind=Step, table="steps", columns=("state", "digest"), version="version")


class Clock:
    """The time of day."""

    def now(self) -> datetime:
        """Now, in milliseconds."""
        moment = datetime.now(UTC)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measurement; ``goal`` is a floor for rates and a ceiling for everything else."""

    database: str
    what: str
    value: float
    unit: str
    goal: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times better than the goal; 1 and more is met."""
        if self.goal is None or not self.value:
            return None
        return self.value / self.goal if self.unit.endswith("/s") else self.goal / self.value


def entry(number: int) -> Entry:
    body = {"digest": f"sha256:{number:064x}", "environment": "production", "version": number}
    subject = f"chg-{number % 5000}"
    return Entry(kind="change.permitted", subject=subject, actor="ana", at=START, body=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Calls per second, the latency of each in ms, and the processor time of this process for each in µs."""

    rate: float
    latencies: list[float]
    cost: float


def submit(
    store: SqlStore, threads: int, seconds: float, work: Callable[[int, int], Callable[[object], object]]
) -> Load:
    """Call ``write`` from so many threads for so long."""
    latencies: list[list[float]] = [[] for _ in range(threads)]
    end = time.perf_counter() + seconds

    def run(thread: int) -> None:
        number = 0
        while (begun := time.perf_counter()) < end:
            store.write(work(thread, number))
            latencies[thread].append((time.perf_counter() - begun) * 1e3)
            number += 1

    workers = [threading.Thread(target=run, args=(thread,)) for thread in range(threads)]
    busy = time.process_time()
    begun = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    spent = time.perf_counter() - begun
    every = [latency for row in latencies for latency in row]
    return Load(rate=len(every) / spent, latencies=every, cost=(time.process_time() - busy) / len(every) * 1e6)


def p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[-1]


def shown(database: str, what: str, load: Load, *, each: int = 1, goal: float | None = None) -> Iterator[Figure]:
    """A load as figures, for calls that append ``each`` entries."""
    yield Figure(database=database, what=what, value=load.rate * each, unit="/s", goal=goal)
    yield Figure(database=database, what=f"{what}, p99", value=p99(load.latencies), unit="ms", goal=20)
    yield Figure(database=database, what=f"{what}, processor time", value=load.cost / each, unit="µs")


def appends(store: SqlStore, database: str, seconds: float, goal: float) -> Iterator[Figure]:
    def single(_: int, number: int) -> Callable[[object], object]:
        return lambda tx: tx.log.append(entry(number))

    def batch(_: int, number: int) -> Callable[[object], object]:
        return lambda tx: [tx.log.append(entry(number * BATCH + at)) for at in range(BATCH)]

    yield from shown(database, "entries, 1 submitter, one a call", submit(store, 1, seconds, single))
    many = submit(store, SUBMITTERS, seconds, single)
    yield from shown(database, f"entries, {SUBMITTERS} submitters, one a call", many)
    what = f"entries, {SUBMITTERS} submitters, {BATCH} a call"
    yield from shown(database, what, submit(store, SUBMITTERS, seconds, batch), each=BATCH, goal=goal)


def transitions(store: SqlStore, database: str, seconds: float, goal: float) -> Iterator[Figure]:
    steps = [Step(id=f"step-{n}", state="open", digest=f"sha256:{n:064x}") for n in range(SUBMITTERS * BATCH)]

    def prepare(tx: object) -> None:
        for step in steps:
            tx.records(Step).add(step)
        tx.log.append(entry(0))

    store.write(prepare)

    def move(thread: int, number: int) -> Callable[[object], object]:
        def work(tx: object) -> None:
            records = tx.records(Step)
            for at in range(thread * BATCH, (thread + 1) * BATCH):
                state = "open" if number % 2 else "permitted"
                steps[at] = replace(steps[at], state=state, version=number + 2)
                records.replace(steps[at], expected_version=number + 1)
                tx.log.append(replace(entry(number), subject=steps[at].id))

        return work

    what = f"transitions with entry, {SUBMITTERS} submitters, {BATCH} a call"
    yield from shown(database, what, submit(store, SUBMITTERS, seconds, move), each=BATCH, goal=goal)


def grow(store: SqlStore, size: int) -> float:
    """Entries per second until the log has ``size``."""
    begun = time.perf_counter()
    have = open_checkpoint(store.checkpoint(), SIGNER.verifier).size
    for start in range(have, size, 2_000):
        store.write(
            lambda tx, start=start: [tx.log.append(entry(n)) for n in range(start, min(start + 2_000, size))]
        )
    return max(size - have, 0) / (time.perf_counter() - begun)


def proofs(store: SqlStore, database: str, size: int) -> Iterator[Figure]:
    store.checkpoint()
    chance = random.Random(1)
    made: list[float] = []
    checked: list[float] = []
    hashed: list[float] = []
    key = SIGNER.verifier
    busy = 0.0
    for _ in range(PROOFS):
        index = chance.randrange(size)
        begun, before = time.perf_counter(), time.process_time()
        leaf, proof = store.prove(index)
        made.append((time.perf_counter() - begun) * 1e3)
        busy += time.process_time() - before
        text = proof.text()
        begun = time.perf_counter()
        ProofFile.parse(text).verify(leaf, key)
        checked.append((time.perf_counter() - begun) * 1e6)
        checkpoint = open_checkpoint(proof.checkpoint, key)
        begun = time.perf_counter()
        verify_inclusion(index, checkpoint.size, hash_leaf(leaf), proof.proof, checkpoint.root)
        hashed.append((time.perf_counter() - begun) * 1e6)
    named = f"{size:,} leaves"
    yield Figure(database=database, what=f"proof at {named}, median", value=statistics.median(made), unit="ms")
    yield Figure(database=database, what=f"proof at {named}, p99", value=p99(made), unit="ms", goal=1)
    value = busy / PROOFS * 1e3
    yield Figure(database=database, what=f"proof at {named}, processor time", value=value, unit="ms")
    value = statistics.median(hashed)
    yield Figure(database=database, what="offline verification of the proof", value=value, unit="µs", goal=50)
    value = statistics.median(checked)
    yield Figure(
        database=database,
        what="offline verification, with parsing and Ed25519 of the checkpoint",
        value=value,
        unit="µs",
    )


def measure(url: str, database: str, *, size: int, seconds: float) -> Iterator[Figure]:
    goals = (5_000.0, 5_000.0) if database == "SQLite" else (3_000.0, 3_000.0)
    store = open_store(url, signer=SIGNER, clock=Clock(), record_types=[STEPS])
    yield from appends(store, database, seconds, goals[0])
    yield from transitions(store, database, seconds, goals[1])
    rate = grow(store, size)
    yield Figure(database=database, what="entries, 1 submitter, 2,000 a call", value=rate, unit="/s")
    yield from proofs(store, database, size)
    store.close()
    yield from audited(url, database, "")


def audited(url: str, database: str, which: str) -> Iterator[Figure]:
    """The whole log at ``url``, in a process of its own: memory is that of the audit alone."""
    command = [sys.executable, "-c", AUDIT, url]
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    spent, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert told["holds"], told
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    what = f"full audit of {told['size']:,} entries{which}"
    yield Figure(database=database, what=what, value=spent, unit="s", goal=told["size"] / 1e5)
    yield Figure(database=database, what=f"{what}, processor time", value=busy, unit="s")
    yield Figure(database=database, what=f"{what}, memory", value=told["memory"], unit="MiB", goal=500)


def naming(url: str, database: str, size: int) -> Iterator[Figure]:
    """The audit of a log of which each entry names a record of its own."""
    store = open_store(url, signer=SIGNER, clock=Clock(), record_types=[STEPS])

    def add(tx: object, numbers: range) -> None:
        records = tx.records(Step)
        for number in numbers:
            step = Step(id=f"step-{number:07d}", state="open", digest=f"sha256:{number:064x}")
            records.add(step)
            tx.log.append(replace(entry(number), subject=step.id))

    for start in range(0, size, 2_000):
        store.write(lambda tx, start=start: add(tx, range(start, min(start + 2_000, size))))
    store.close()
    yield from audited(url, database, ", each naming a record")


def show(figure: Figure) -> None:
    ratio = figure.ratio
    goal = "" if figure.goal is None else f"goal {figure.goal:,g} {figure.unit}"
    met = "" if ratio is None else f"{ratio:6.2f} × the goal"
    print(
        f"{figure.database:<11}{figure.what:<68}{figure.value:>12,.2f} {figure.unit:<4}{goal:<18}{met}", flush=True
    )


def row(figure: Figure) -> dict[str, object]:
    """The figure as `make bench` reads it."""
    shown: dict[str, object] = {"figure": f"{figure.database}: {figure.what.strip()}"}
    shown |= {"value": round(figure.value, 2), "unit": figure.unit}
    if figure.goal is not None:
        side = "≥" if figure.unit.endswith("/s") else "<"
        shown |= {"target": f"{side} {figure.goal:,g} {figure.unit}", "note": f"{figure.ratio:.1f} × the target"}
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    figures: list[Figure] = []
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="interlock-bench-"))
        places = []
        if given.only != "postgresql":
            places.append(("SQLite", f"sqlite:///{folder}/interlock.db", f"sqlite:///{folder}/naming.db"))
        if given.only != "sqlite":
            server = stack.enter_context(PostgreSQL())
            places.append(("PostgreSQL", server.new_database(), server.new_database()))
        for database, url, second in places:
            for figure in measure(url, database, size=given.size, seconds=given.seconds):
                figures.append(figure)
                show(figure)
            for figure in naming(second, database, given.size):
                figures.append(figure)
                show(figure)
    if given.json is not None:
        answer = {"title": "Ledger and state", "rows": [row(each) for each in figures]}
        given.json.write_text(json.dumps(answer, indent=2))


if __name__ == "__main__":
    main()
