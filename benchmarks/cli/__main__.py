"""How long a command takes from the shell, and how much memory a server holds.

    python -m benchmarks.cli [--runs 9] [--json FILE]

Each command is a process of its own in a sample shop with rules in force and one change open; the median of the
runs is told, with the processor time beside it, because a shared machine stretches the first and not the second.
Bytecode is compiled once before, as an installation does it; ``--help`` is told without it too.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from interlock.core.evidence.dsse import key_id_of
from interlock.registry import bundled_policies
from interlock.testing.shop import PEOPLE, Shop
from interlock.testing.signing import UnsafeNamedSigner

INTERLOCK = [sys.executable, "-m", "interlock"]
REQUESTS = 300


@dataclass(frozen=True)
class Bench:
    """The shop, and the environment its commands run in."""

    root: Path
    environment: dict[str, str]

    def run(self, *arguments: str, **more: str) -> str:
        """What the command prints; an error ends the benchmark."""
        done = subprocess.run(
            [*INTERLOCK, *arguments],
            cwd=self.root,
            env=self.environment | more,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if "error[" in done.stderr:
            sys.exit(done.stderr)
        return done.stdout.strip()

    def timed(self, runs: int, *arguments: str, **more: str) -> tuple[float, float]:
        """Median wall and processor time of one process, in milliseconds."""
        self.run(*arguments, **more)
        walls, cpus = [], []
        for _ in range(runs):
            before, started = _cpu(), time.perf_counter()
            self.run(*arguments, **more)
            walls.append(1000 * (time.perf_counter() - started))
            cpus.append(1000 * (_cpu() - before))
        return statistics.median(walls), statistics.median(cpus)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def founded(folder: Path) -> Bench:
    """A shop with rules in force, signed by two people."""
    keys = {}
    for person in PEOPLE:
        signer = UnsafeNamedSigner(person)
        file = folder / f"key-{person}"
        file.write_bytes(signer.private_key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
        file.chmod(0o600)
        keys[person] = signer.public_key.line
    runner = UnsafeNamedSigner("ci-runner").private_key.public_key()
    pem = runner.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    shop = Shop(root=folder / "shop", keys=keys, runner=(key_id_of(runner), pem), policies=bundled_policies())
    shop.build()
    shop.first_attempt()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment |= {"PYTHONPYCACHEPREFIX": str(folder / "bytecode"), "HOME": str(folder)}
    bench = Bench(root=folder / "shop", environment=environment)
    for person in ("vera", "ana"):
        bench.run("rules", "genesis", "--key", str(folder / f"key-{person}"))
    return bench


def server_figures(bench: Bench, runs: int, change: str) -> dict[str, float]:
    """``change show`` through a server, and the server's memory before and after some hundred requests."""
    token = bench.run("token", "create", "reader", "--kind", "pipeline", "--scope", "read")
    command = [*INTERLOCK, "serve", "--port", "0", "--log", "json"]
    with subprocess.Popen(
        command, cwd=bench.root, env=bench.environment, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        address = json.loads(server.stdout.readline())["address"]
        started = _resident(server.pid)
        asked = urllib.request.Request(
            f"{address}/v1/changes/{change}/judgement", headers={"authorization": f"Bearer {token}"}
        )
        for _ in range(REQUESTS):
            with urllib.request.urlopen(asked, timeout=30) as reply:
                reply.read()
        worked = _resident(server.pid)
        wall, cpu = bench.timed(runs, "change", "show", change, INTERLOCK_SERVER=address, INTERLOCK_TOKEN=token)
        server.send_signal(signal.SIGTERM)
        server.stdout.read()
    return {"started": started, "worked": worked, "wall": wall, "cpu": cpu}


def _resident(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def rows(runs: int, folder: Path) -> list[dict[str, object]]:
    bench = founded(folder)
    change = bench.run("change", "open")
    told: list[dict[str, object]] = []

    def add(figure: str, value: float, unit: str, target: str = "", note: str = "") -> None:
        told.append({"figure": figure, "value": round(value, 1), "unit": unit, "target": target, "note": note})

    cold, _ = bench.timed(runs, "--help", PYTHONDONTWRITEBYTECODE="1", PYTHONPYCACHEPREFIX="")
    for words, target in (
        (("--help",), "< 250 ms"),
        (("change", "show", change), "< 500 ms"),
        (("check",), "< 2,000 ms"),
    ):
        wall, cpu = bench.timed(runs, *words)
        name = " ".join(word for word in words if word != change)
        add(f"interlock {name}", wall, "ms", target, f"{cpu:.0f} ms of processor time, in process on SQLite")
    add("interlock --help without bytecode", cold, "ms", "< 250 ms")
    served = server_figures(bench, runs, change)
    add(
        "interlock change show, through a server",
        served["wall"],
        "ms",
        "< 500 ms",
        f"{served['cpu']:.0f} ms of processor time",
    )
    add("server memory when started", served["started"], "MiB", "< 120 MB")
    add(f"server memory after {REQUESTS} judgements", served["worked"], "MiB", "< 120 MB")
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        told = rows(given.runs, Path(folder))
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    print(f"{platform.python_implementation()} {platform.python_version()}, {load}")
    for row in told:
        print(f"{row['figure']:44} {row['value']:>8} {row['unit']:4} {row['target']:12} {row['note']}")
    if given.json:
        given.json.write_text(json.dumps({"title": "Command line and server", "rows": told}, indent=2) + "\n")


if __name__ == "__main__":
    main()
