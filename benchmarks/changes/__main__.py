"""What a judgement costs when many changes are open, and what large ones do to the writer and to a server.

    python -m benchmarks.changes [--open 10 100 1000] [--json FILE]

Processor time of the process, because a shared machine stretches the clock. Every tenth open change is on the
service that is judged, which is more than a company has. The large submission is 10,000 commits over 10,000
files; the server is a process of its own that is given four of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from benchmarks.cli.__main__ import INTERLOCK, founded

from interlock.core.change.canonical import plain
from interlock.core.change.change import Change, ChangeRecord, Submission, record_of
from interlock.core.change.parts import FileChange, GitRange
from interlock.core.ledger.entry import Entry
from interlock.ports.store import Tx
from interlock.road import decide
from interlock.storage.store import SqlStore
from interlock.testing.road import START, Road, submission

T = TypeVar("T")

RUNS = 21
LARGE = 10_000
SERVICES = tuple(f"service-{number}" for number in range(50))


def large(name: str, count: int = LARGE) -> Submission:
    """``count`` commits over as many files."""
    given = submission(name)
    git = given.parts[0]
    assert isinstance(git, GitRange)
    first = git.commits[0]
    commits = tuple(
        replace(first, id=f"{name.encode().hex()}{number:040x}"[-40:], message=f"Change {number}\n\nin words\n")
        for number in range(count)
    )
    files = tuple(
        FileChange(path=f"src/folder{number % 97}/file{number}.py", status="modified", added=3, removed=2)
        for number in range(count)
    )
    return Submission(parts=(replace(git, commits=commits, files=files, head=commits[-1].id),))


def crowd(road: Road, start: int, end: int) -> None:
    """Open changes ``[start, end)`` beside the one that is measured, written as intake writes them."""
    seen = road.open(submission(f"crowd {start}"), title="One of many")
    kept = road.station.store.read(lambda tx: tx.records(ChangeRecord).get(seen.id))

    def work(tx: Tx) -> None:
        for number in range(start + 1, end):
            services = ("order-service",) if number % 10 == 0 else (SERVICES[number % len(SERVICES)],)
            name = f"chg-crowd{number:05d}"
            record = replace(record_of(seen, kept.blob), id=name, services=services, reviewers=("ana", "ben"))
            tx.records(ChangeRecord).add(record)
            tx.log.append(Entry(kind="change.opened", subject=name, actor="omar", at=START, body={}))

    road.station.store.write(work)


def cpu(step: Callable[[], object], runs: int = RUNS) -> float:
    """Median processor time in milliseconds."""
    step()
    times = []
    for _ in range(runs):
        started = time.process_time()
        step()
        times.append(1000 * (time.process_time() - started))
    return statistics.median(times)


def crowded(sizes: list[int], add: Callable[..., None]) -> None:
    """Judging, opening and the gate beside more and more open changes."""
    with tempfile.TemporaryDirectory() as folder:
        road = Road(folder=Path(folder), enforced=())
        mine = road.open(submission("mine"))
        there, names = 1, iter(range(10**6))
        for size in sizes:
            crowd(road, there, size)
            there = size
            judged = cpu(lambda: decide.judge(road.station, road.person("ana"), mine.id, "production"))
            add(f"judge, {size:,} open", judged, "ms")
            add(f"gate, {size:,} open", cpu(lambda: road.gate(mine)), "ms")
            add(f"open, {size:,} open", cpu(lambda: road.open(submission(f"new {next(names)}")), runs=5), "ms")
        road.close()


class Watched:
    """A store that notes the processor time of every piece of work inside the writer."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.held: list[float] = []

    def write(self, work: Callable[[Tx], T]) -> T:
        """The same write, with its time inside the writer in milliseconds."""

        def timed(tx: Tx) -> T:
            started = time.thread_time()
            try:
                return work(tx)
            finally:
                self.held.append(1000 * (time.thread_time() - started))

        return self.store.write(timed)

    def __getattr__(self, name: str) -> object:
        """Everything else is the store's."""
        return getattr(self.store, name)


def held(add: Callable[..., None]) -> None:
    """How long one large change keeps everybody else waiting."""
    with tempfile.TemporaryDirectory() as folder:
        road = Road(folder=Path(folder), enforced=())
        watched = Watched(road.station.store)  # type: ignore[arg-type]  # the road made a real store
        road.station = replace(road.station, store=watched)
        for what in ("open", "gate"):
            watched.held.clear()
            started = time.process_time()
            if what == "open":
                change: Change = road.open(large("large"))
            else:
                road.gate(change)
            whole = 1000 * (time.process_time() - started)
            note = f"of {whole:,.0f} ms of processor time in all"
            add(
                f"{what}, {LARGE:,} commits over as many files: inside the writer",
                max(watched.held),
                "ms",
                note=note,
            )
        road.close()


def served(add: Callable[..., None]) -> None:
    """A server's memory before and after four large changes, and what a small one costs it then."""
    with tempfile.TemporaryDirectory() as made:
        bench = founded(Path(made))
        scopes = [word for scope in ("read", "open") for word in ("--scope", scope)]
        token = bench.run("token", "create", "opener", "--kind", "pipeline", *scopes)
        command = [*INTERLOCK, "serve", "--port", "0", "--log", "json"]
        with subprocess.Popen(
            command, cwd=bench.root, env=bench.environment, stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdout is not None
            address = json.loads(server.stdout.readline())["address"]
            _post(address, token, submission("first"))
            add("server memory after a small change", _memory(server.pid, "VmRSS"), "MiB", "< 120 MB")
            for number in range(4):
                _post(address, token, large(f"large {number}"))
            add("server memory after four large changes", _memory(server.pid, "VmRSS"), "MiB", "< 120 MB")
            add("server memory, the most at any time", _memory(server.pid, "VmHWM"), "MiB")
            before = _used(server.pid)
            for number in range(20):
                _post(address, token, submission(f"small {number}"))
            add("open a small change after that", (_used(server.pid) - before) / 20, "ms")
            server.send_signal(signal.SIGTERM)
            server.stdout.read()


def _post(address: str, token: str, given: Submission) -> None:
    body = json.dumps({"title": "Large", "submission": plain(given)}).encode()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    headers["idempotency-key"] = given.digest[7:47]
    asked = urllib.request.Request(f"{address}/v1/changes", data=body, headers=headers, method="POST")
    with urllib.request.urlopen(asked, timeout=120) as reply:
        reply.read()


def _memory(pid: int, name: str) -> float:
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines[name].split()[0]) / 1024


def _used(pid: int) -> float:
    """Processor time of a process in milliseconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--open", type=int, nargs="+", default=[10, 100, 1_000])
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    told: list[dict[str, object]] = []

    def add(figure: str, value: float, unit: str, target: str = "", note: str = "") -> None:
        told.append({"figure": figure, "value": round(value, 1), "unit": unit, "target": target, "note": note})
        print(f"{figure:68} {value:>8.1f} {unit:4} {target:10} {note}", flush=True)

    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    print(f"{platform.python_implementation()} {platform.python_version()}, {load}")
    crowded(sorted(given.open), add)
    held(add)
    served(add)
    if given.json:
        given.json.write_text(json.dumps({"title": "Open and large changes", "rows": told}, indent=2) + "\n")


if __name__ == "__main__":
    main()
