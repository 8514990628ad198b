"""Durable, proof-ready entries through HTTP, beside their goals.

    python -m benchmarks.ledger_http [--seconds 3] [--rounds 3] [--only sqlite|postgresql] [--json FILE]

A real ``interlock serve`` is asked by a load generator in another process over kept connections. An entry
counts when its answer has arrived: committed with fsync and covered by a signed checkpoint in the answer.
Every request has an idempotency key, as every client of interlock sends one, so each batch also keeps its answer.

Generator, server and database share the machine's cores. Each load runs ``--rounds`` times and the best round is
shown, since neighbours on the machine only ever slow it down; processor time is the server's alone (for PostgreSQL
without the database's). Proofs are fetched one after another on one connection. The tiles are fetched at the end
and verified with the one-file verifier. Last, the bare driver commits the same rows: what the machine can do.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import httpx
from benchmarks.ledger.__main__ import Figure, row, show
from benchmarks.ledger_http.floor import GROUP, commits

from interlock.core.ledger.checkpoint import parse_checkpoint
from interlock.core.ledger.tiles import entries_path, tile_path
from interlock.core.ledger.tree import TILE_HEIGHT, TILE_WIDTH
from interlock.storage.export import VERIFIER
from interlock.testing.postgresql import PostgreSQL

GOALS = {"SQLite": 5_000.0, "PostgreSQL": 3_000.0}
LOADS = ((1, 1), (8, 1), (8, 16), (8, 64))
"""Submitters, events a request."""
PROOFS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that runs; ``address`` is where."""

    address: str
    pid: int
    token: str
    folder: Path

    def busy(self) -> float:
        """Processor time it has used, in seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(folder: Path, url: str) -> Iterator[Server]:
    """``interlock serve`` over ``url``, with a token that may record and read."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
    environment["INTERLOCK_DATABASE"] = url
    command = [sys.executable, "-m", "interlock"]
    scopes = ["--scope", "record", "--scope", "read"]
    made = subprocess.run(
        [*command, "token", "create", "release", "--kind", "pipeline", *scopes],
        cwd=folder, env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    log = folder / "serve.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            [*command, "serve", "--port", "0", "--log", "json"], cwd=folder, env=environment, stdout=out
        )
    try:
        while not log.read_text().endswith("\n"):
            if server.poll() is not None:
                raise RuntimeError("the server did not start")
            time.sleep(0.02)
        address = json.loads(log.read_text().splitlines()[0])["address"]
        yield Server(address=address, pid=server.pid, token=made.stdout.strip(), folder=folder)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One load once: entries a second, latencies in ms, the server's processor time for an entry in µs."""

    rate: float
    p50: float
    p99: float
    cost: float


def load(server: Server, submitters: int, batch: int, seconds: float) -> Round:
    host, _, port = server.address.removeprefix("http://").rpartition(":")
    command = [sys.executable, "-m", "benchmarks.ledger_http.load", host, port, server.token]
    before = server.busy()
    done = subprocess.run(
        [*command, str(batch), str(submitters), str(seconds), "--keyed"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    told = json.loads(done.stdout)
    entries = len(told["latencies"]) * batch
    cuts = statistics.quantiles(told["latencies"], n=100)
    return Round(
        rate=entries / told["seconds"],
        p50=statistics.median(told["latencies"]),
        p99=cuts[-1],
        cost=(server.busy() - before) / entries * 1e6,
    )


def figures(server: Server, database: str, *, seconds: float, rounds: int) -> Iterator[Figure]:
    for submitters, batch in LOADS:
        done = [load(server, submitters, batch, seconds) for _ in range(rounds)]
        best = max(done, key=lambda each: each.rate)
        who = f"{submitters} submitter{'s' if submitters > 1 else ''}"
        what = f"entries through HTTP, {who}, {batch if batch > 1 else 'one'} a request"
        goal = GOALS[database] if batch > 1 else None
        yield Figure(database=database, what=what, value=best.rate, unit="/s", goal=goal)
        yield Figure(database=database, what=f"{what}, median", value=best.p50, unit="ms")
        p99 = min(each.p99 for each in done)
        yield Figure(database=database, what=f"{what}, p99", value=p99, unit="ms", goal=20)
        cost = min(each.cost for each in done)
        yield Figure(database=database, what=f"{what}, processor time", value=cost, unit="µs")
    yield from proofs(server, database)
    yield from tiles(server, database)


def bare(url: str, folder: Path, database: str, seconds: float) -> Iterator[Figure]:
    """The machine's own limit in the same run."""
    times = commits(url, folder, seconds)
    what = f"bare driver, {GROUP} rows a commit"
    yield Figure(database=database, what=what, value=len(times) * GROUP / sum(times) * 1e3, unit="/s")
    yield Figure(database=database, what=f"{what}, median", value=statistics.median(times), unit="ms")
    yield Figure(database=database, what=f"{what}, p99", value=statistics.quantiles(times, n=100)[-1], unit="ms")


def proofs(server: Server, database: str) -> Iterator[Figure]:
    chance = random.Random(1)
    with client(server) as http:
        size = parse_checkpoint(http.get("/log/checkpoint").text).size
        times: list[float] = []
        for _ in range(PROOFS):
            begun = time.perf_counter()
            http.get(f"/v1/ledger/entries/{chance.randrange(size)}").raise_for_status()
            times.append((time.perf_counter() - begun) * 1e3)
    what = f"proof through HTTP at {size:,} leaves"
    yield Figure(database=database, what=f"{what}, median", value=statistics.median(times), unit="ms")
    yield Figure(database=database, what=f"{what}, p99", value=statistics.quantiles(times, n=100)[-1], unit="ms")


def tiles(server: Server, database: str) -> Iterator[Figure]:
    """Mirror the log over HTTP and verify the copy."""
    mirror = server.folder / "mirror"
    begun = time.perf_counter()
    with client(server) as http:
        note = http.get("/log/checkpoint").text
        size = parse_checkpoint(note).size
        for path in paths(size):
            reply = http.get(f"/log/{path}").raise_for_status()
            place = mirror / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(reply.content)
    (mirror / "checkpoint").write_text(note)
    spent = time.perf_counter() - begun
    key = subprocess.run(
        [sys.executable, "-m", "interlock", "ledger", "key"],
        cwd=server.folder, check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    subprocess.run([sys.executable, VERIFIER, "log", mirror, "--key", key], check=True, capture_output=True)
    yield Figure(database=database, what="entries mirrored as tiles over HTTP", value=size / spent, unit="/s")


def paths(size: int) -> Iterator[str]:
    """Every tile and bundle of a log of ``size`` entries."""
    for number in range(-(-size // TILE_WIDTH)):
        yield entries_path(number, min(TILE_WIDTH, size - number * TILE_WIDTH))
    level = 0
    while nodes := size >> (TILE_HEIGHT * level):
        for number in range(-(-nodes // TILE_WIDTH)):
            yield tile_path(level, number, min(TILE_WIDTH, nodes - number * TILE_WIDTH))
        level += 1


def client(server: Server) -> httpx.Client:
    return httpx.Client(base_url=server.address, headers={"authorization": f"Bearer {server.token}"}, timeout=60)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found: list[Figure] = []
    with ExitStack() as stack:
        for database in ("SQLite", "PostgreSQL"):
            if given.only not in {None, database.lower()}:
                continue
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="interlock-bench-")))
            url = other = f"sqlite:///{folder}/interlock.db"
            if database == "PostgreSQL":
                postgresql = stack.enter_context(PostgreSQL())
                url, other = postgresql.new_database(), postgresql.new_database()
            server = stack.enter_context(serving(folder, url))
            measured = figures(server, database, seconds=given.seconds, rounds=given.rounds)
            for figure in chain(measured, bare(other, folder, database, given.seconds)):
                found.append(figure)
                show(figure)
    if given.json is not None:
        answer = {"title": "Ledger through HTTP", "rows": [row(each) for each in found]}
        given.json.write_text(json.dumps(answer, indent=2))


if __name__ == "__main__":
    main()
