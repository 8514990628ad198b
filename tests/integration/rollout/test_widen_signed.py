"""Widening by a key of ssh-keygen: over a server that moves the rollout, and without one, by real commands."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from interlock.core.approval.model import NAMESPACE
from interlock.core.evidence.dsse import key_id_of
from interlock.core.policy.modes import default_modes
from interlock.doors.cli.main import main
from interlock.registry import bundled_policies
from interlock.testing.shop.make import BASE, PEOPLE, Shop
from interlock.testing.signing import UnsafeNamedSigner

PLAN = b"""\
service: order-service
environment: production
router: {kind: flag, flag: promise}
meters:
  - {kind: push, service: order-service, metrics: {orders: {}}}
judge:
  metrics:
    orders: {kind: good}
stages:
  - {percent: 10, bake: 2s, margin: 90%, limit: 600s}
  - {percent: 25, bake: 2s, margin: 50%, limit: 600s}
  - {percent: 50, bake: 2s, margin: 25%, limit: 600s}
  - {percent: 100, bake: 2s}
tick: 1s
baseline: 0
apply:
  - {name: up, kind: artefact, run: ["true"], verify: ["true"]}
rollback:
  - {name: down, kind: artefact, run: ["true"], verify: ["true"]}
keep: 1h
"""
WORDS = "orders: nothing is ruled out"
PATIENCE, BAKE = 90.0, 2.0


@dataclass(frozen=True)
class Said:
    """What a command printed."""

    stdout: str
    stderr: str


@dataclass
class Place:
    """A founded shop, everybody's ssh-keygen key, and perhaps a server that moves its rollouts."""

    root: Path
    keys: Path
    change: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def ticket(self) -> Path:
        return self.root.parent / "ticket.json"

    def words(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "interlock", *words]

    def surroundings(self) -> dict[str, str]:
        outer = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
        return {**outer, **self.environment}

    def run(self, *words: str, exits: int = 0) -> Said:
        """A command in this process, whose input is no terminal."""
        out, err = io.StringIO(), io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            for name, value in self.environment.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as left:
                main(list(words))
        said = Said(out.getvalue(), err.getvalue())
        assert (left.value.code or 0) == exits, f"{words}\n{said}"
        return said

    def typed(self, answer: str, *words: str, exits: int = 0) -> tuple[str, str]:
        """A command at a terminal, at which ``answer`` is typed; what it printed and what it asked."""
        outer, inner = pty.openpty()
        try:
            os.write(outer, answer.encode() + b"\n")
            done = subprocess.run(
                self.words(*words),
                cwd=self.root,
                env=self.surroundings(),
                stdin=inner,
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )
        finally:
            os.close(outer)
            os.close(inner)
        assert done.returncode == exits, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout, done.stderr

    def record(self, rollout: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("rollout", "show", rollout, "--json").stdout)["record"]
        return found

    def until(self, rollout: str, found: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE
        while True:
            record = self.record(rollout)
            if found(record):
                return record
            assert time.monotonic() < end, record
            time.sleep(0.5)


def keygen(*arguments: str) -> None:
    subprocess.run(["ssh-keygen", "-q", *arguments], check=True, capture_output=True, timeout=30)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    keys = tmp_path / "keys"
    keys.mkdir()
    for person in PEOPLE:
        keygen("-t", "ed25519", "-N", "", "-C", f"{person}@laptop", "-f", str(keys / person))
    lines = {person: (keys / f"{person}.pub").read_text().strip() for person in PEOPLE}
    runner = UnsafeNamedSigner("ci-runner").private_key.public_key()
    pem = runner.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    policies = {**bundled_policies(), "modes.yaml": default_modes(()).encode()}
    root = tmp_path / "shop"
    shop = Shop(
        root=root,
        keys=lines,
        runner=(key_id_of(runner), pem),
        policies=policies,
        plans={"rollouts/orders.yaml": PLAN},
    )
    shop.build()
    made = Place(root, keys)
    monkeypatch.chdir(root)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in [name for name in os.environ if name.startswith("INTERLOCK_")]:
        monkeypatch.delenv(name)
    settings = root / "interlock.yaml"
    settings.write_text(settings.read_text().replace("trust:\n", "trust:\n  software_keys: all\n"))
    who = ["-c", "user.name=Ana", "-c", "user.email=ana@shop.example"]
    commit = ["git", "-C", str(root), *who, "commit", "--quiet", "--no-gpg-sign", "-am", "Keys in software do"]
    subprocess.run(commit, check=True, capture_output=True, timeout=30)
    for person, exits in (("vera", 1), ("ana", 0)):
        made.run("rules", "genesis", "--key", str(keys / person), exits=exits)
    shop.small_change("one", "# a line more\n")
    made.change = made.run("change", "open", "--title", "One line", "--base", BASE).stdout.split()[0]
    made.run("gate", made.change, "--environment", "production", "--ticket-file", str(made.ticket))
    return made


class Customers(threading.Thread):
    """A few who ask for the flag and order, counted by the service that pushes its counts."""

    def __init__(self, address: str, token: str) -> None:
        super().__init__(daemon=True)
        self._client = httpx.Client(base_url=address, headers={"authorization": f"Bearer {token}"}, timeout=30)
        self._orders = {"canary": 0, "control": 0}
        self._over = threading.Event()
        self.push()

    def run(self) -> None:
        number = 0
        while not self._over.wait(0.3):
            for _ in range(5):
                number += 1
                asked = {"context": {"targetingKey": f"user-{number}"}}
                reply = self._client.post("/ofrep/v1/evaluate/flags/promise", json=asked)
                new = reply.status_code == httpx.codes.OK and reply.json()["value"] is True
                self._orders["canary" if new else "control"] += 1
            self.push()

    def push(self) -> None:
        now = time.time()
        samples = [
            {"metric": "orders", "arm": arm, "shard": arm, "value": orders, "at": now}
            for arm, orders in self._orders.items()
        ]
        pushed = {"source": "orders-1", "sequence": round(now * 1000), "samples": samples}
        self._client.post("/v1/services/order-service/counts", json=pushed).raise_for_status()

    def stop(self) -> None:
        self._over.set()
        self.join(timeout=60)
        self._client.close()


@pytest.fixture
def served(place: Place) -> Iterator[Callable[[], None]]:
    """A server and customers; called, it stops both, and commands go without one from then on."""
    scopes = [part for scope in ("read", "approve", "evidence", "gate") for part in ("--scope", scope)]
    token = place.run("token", "create", "ana", "--kind", "person", *scopes).stdout.strip()
    process = subprocess.Popen(
        place.words("serve", "--port", "0", "--log", "json"),
        cwd=place.root,
        env=place.surroundings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    address = str(json.loads(process.stdout.readline())["address"])
    drained = threading.Thread(target=process.stdout.read, daemon=True)
    drained.start()
    place.environment = {"INTERLOCK_SERVER": address, "INTERLOCK_TOKEN": token}
    customers = Customers(address, token)
    customers.start()

    def stop() -> None:
        assert process.stdout is not None
        place.environment = {}
        if process.poll() is None:
            customers.stop()
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=60) == 0
            drained.join(timeout=10)
            process.stdout.close()

    yield stop
    stop()


def begun(place: Place) -> str:
    started = place.run("rollout", "start", place.change, "--ticket", str(place.ticket), "--json")
    return str(json.loads(started.stdout)["id"])


def believed(stage: int) -> Callable[[dict[str, Any]], bool]:
    def found(record: dict[str, Any]) -> bool:
        where = (record["stage"], record["phase"], record["verdict"])
        watched = record["served"] == record["wanted"] and record["baked"] >= BAKE
        return where == (stage, "watch", "not-enough-data") and watched

    return found


def test_a_person_signs_with_a_key_of_ssh_keygen(place: Place, served: Callable[[], None]) -> None:
    rollout = begun(place)
    place.until(rollout, believed(0))
    why, key = ("--why", "quiet night"), ("--key", str(place.keys / "vera"))

    script = place.run("rollout", "widen", rollout, *why, *key, exits=2)
    assert script.stderr.splitlines() == [
        f"error[widening-words]: expected what is not ruled out to be repeated, got nothing: {WORDS}",
        f'  hint: repeat it: --not-ruled-out "{WORDS}"',
    ]
    _, asked = place.typed("n", "rollout", "widen", rollout, *why, *key, exits=1)
    assert f"not ruled out: {WORDS}" in asked
    assert "nothing was signed" in asked
    alien = place.run("rollout", "widen", rollout, *why, *key, "--as", "ben", "--not-ruled-out", WORDS, exits=2)
    assert alien.stderr.startswith("error[key-not-theirs]")
    assert place.record(rollout)["stage"] == 0

    printed, asked = place.typed("y", "rollout", "widen", rollout, *why, *key)
    assert "to 2 of 4 (25 %)" in asked
    assert "signed by vera · possession · SHA256:" in printed
    place.until(rollout, believed(1))

    served()
    statement, signature = place.root.parent / "statement.json", place.root.parent / "statement.json.sig"
    statement.write_text(place.run("rollout", "widen", rollout, *why, "--as", "cleo", "--print").stdout)
    keygen("-Y", "sign", "-n", NAMESPACE, "-f", str(place.keys / "cleo"), str(statement))
    files = ("--statement", str(statement), "--signature", str(signature))
    other = place.run("rollout", "widen", "rol-elsewhere0", *files, exits=2)
    assert other.stderr.startswith("error[widening-other]")
    wider = json.loads(place.run("rollout", "widen", rollout, *files, "--json").stdout)
    assert (wider["stage"], wider["granted"]) == (2, 50.0)
    assert [(one["by"], one["stage"]) for one in wider["widenings"]] == [("vera", "2 of 4"), ("cleo", "3 of 4")]
    twice = place.run("rollout", "widen", rollout, *files, exits=2)
    assert twice.stderr.startswith("error[statement-twice]")

    shown = " ".join(place.run("rollout", "show", rollout).stdout.split())
    assert f"to 3 of 4, 50 % by cleo, signed {wider['widenings'][1]['statement']} (possession): {WORDS}" in shown
    listed = place.run("statement", "list", "--about", rollout, "--purpose", "widen").stdout.splitlines()
    whose = [line.split()[1:5] for line in listed if line.startswith("sig-")]  # a long line goes on below
    assert whose == [["used", "widen", "by", name] for name in ("cleo", "vera")]
    one = place.run("statement", "show", wider["widenings"][0]["statement"]).stdout
    assert f"not_ruled_out: {WORDS}" in one
    assert f"used by {rollout}" in one
    verified = place.run("rollout", "verify", rollout).stdout
    assert verified.startswith("exact ")
    assert "2 signatures" in verified
    place.run("ledger", "verify")
