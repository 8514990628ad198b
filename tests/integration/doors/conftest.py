"""A sample shop with people's keys, and a terminal in it: commands run whole, in this process."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from interlock.bootstrap import build
from interlock.config import from_environment
from interlock.core.evidence.dsse import key_id_of
from interlock.doors.cli.main import main
from interlock.registry import bundled_policies
from interlock.testing.shop import PEOPLE, Shop
from interlock.testing.signing import UnsafeNamedSigner


@dataclass(frozen=True)
class Said:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal:
    """Runs ``interlock …`` in the current folder."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str | Path) -> Said:
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        said = self._capsys.readouterr()
        code = left.value.code
        return Said(code if isinstance(code, int) else 0, said.out, said.err)

    def ok(self, *arguments: str | Path) -> Said:
        said = self(*arguments)
        assert said.code == 0, f"{arguments}: {said}"
        return said

    def entries(self) -> int:
        """How many entries the ledger has."""
        interlock = build(from_environment(os.environ, Path.cwd()))
        try:
            return int(interlock.station.store.checkpoint().splitlines()[1])
        finally:
            interlock.close()


@dataclass(frozen=True)
class Place:
    """The shop's repository and a folder with everybody's private key."""

    root: Path
    keys: Path

    def key(self, person: str) -> Path:
        return self.keys / person


def write_keys(folder: Path) -> dict[str, str]:
    folder.mkdir()
    lines = {}
    for person in (*PEOPLE, "stranger"):
        signer = UnsafeNamedSigner(person)
        file = folder / person
        file.write_bytes(signer.private_key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
        file.chmod(stat.S_IRUSR | stat.S_IWUSR)
        lines[person] = signer.public_key.line
    return lines


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("shop")
    place = Place(root=folder / "shop", keys=folder / "keys")
    keys = write_keys(place.keys)
    runner = UnsafeNamedSigner("ci-runner").private_key.public_key()
    pem = runner.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    shop = Shop(root=place.root, keys=keys, runner=(key_id_of(runner), pem), policies=bundled_policies())
    shop.build()
    shop.first_attempt()
    return place


@pytest.fixture(scope="session")
def built_and_founded(built: Place, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The shop with its first rules in force, signed by two people."""
    root = tmp_path_factory.mktemp("founded") / "shop"
    shutil.copytree(built.root, root, symlinks=True)
    for person in ("vera", "ana"):
        said = run_quietly(root, "rules", "genesis", "--key", str(built.key(person)))
    assert "in force" in said
    return Place(root=root, keys=built.keys)


def run_quietly(root: Path, *arguments: str) -> str:
    """What a command prints, run in ``root`` outside of any one test."""
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(io.StringIO()) as said,
        contextlib.redirect_stderr(io.StringIO()),
        contextlib.suppress(SystemExit),
    ):
        at_home(patch, root)
        main(list(arguments))
    return said.getvalue()


@pytest.fixture(scope="session")
def quietly() -> Callable[..., str]:
    """``quietly(root, …)`` runs a command outside of any one test."""
    return run_quietly


def at_home(patch: pytest.MonkeyPatch, root: Path) -> None:
    """In ``root``, without any INTERLOCK_ setting, with an empty home beside it."""
    patch.chdir(root)
    patch.setenv("HOME", str(root.parent))
    for name in [name for name in os.environ if name.startswith("INTERLOCK_")]:
        patch.delenv(name)


def copied(place: Place, folder: Path, patch: pytest.MonkeyPatch) -> Place:
    root = folder / "shop"
    shutil.copytree(place.root, root, symlinks=True)
    at_home(patch, root)
    return Place(root=root, keys=place.keys)


@pytest.fixture
def shop(built: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A copy of the built shop, as the current folder."""
    return copied(built, tmp_path, monkeypatch)


@pytest.fixture
def founded(built_and_founded: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The same with rules in force."""
    return copied(built_and_founded, tmp_path, monkeypatch)


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(capsys)


class Judged:
    """What the rules say of the change that is named by ``INTERLOCK_CHANGE``."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    @property
    def shown(self) -> Any:
        return self._terminal("change", "show", os.environ["INTERLOCK_CHANGE"], "--json").json

    def met(self, rule: str) -> bool:
        return bool(next(one["met"] for one in self.shown["decision"]["obligations"] if one["id"] == rule))

    def fired(self, rule: str) -> bool:
        """Whether this rule asks for something now."""
        said = self.shown["decision"]
        return rule in {one["id"] for one in (*said["reasons"], *said["observed"])}

    def light(self, fact: str) -> Any:
        return next(one for one in self.shown["lights"] if one["fact"] == fact)


@pytest.fixture
def judged(terminal: Terminal) -> Judged:
    return Judged(terminal)


@dataclass(frozen=True)
class Governed:
    """A folder with a shop whose rules are in force, and the id of the change that is open in it."""

    folder: Path
    change: str


@pytest.fixture(scope="session")
def once_governed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Mapping[str, bytes]], Governed]:
    """``once_governed(files)``: made once for the same files, to be copied and left as it is."""
    made: dict[tuple[tuple[str, bytes], ...], Governed] = {}

    def once(files: Mapping[str, bytes]) -> Governed:
        key = tuple(sorted(files.items()))
        if key not in made:
            made[key] = _governed(tmp_path_factory.mktemp("governed"), files)
        return made[key]

    return once


def _governed(folder: Path, files: Mapping[str, bytes]) -> Governed:
    root, keys = folder / "shop", folder / "keys"
    lines = write_keys(keys)
    runner = UnsafeNamedSigner("ci-runner").private_key
    pem = runner.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    private = runner.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "runner.pem").write_bytes(private)
    known = (key_id_of(runner.public_key()), pem)
    shop = Shop(root=root, keys=lines, runner=known, policies=bundled_policies(), plans=files)
    shop.build()
    for person in ("vera", "ana"):
        run_quietly(root, "rules", "genesis", "--key", str(keys / person))
    shop.second_attempt()
    opened = run_quietly(root, "change", "open", "--base", "main", "--json")
    return Governed(folder=folder, change=json.loads(opened)["id"])


@pytest.fixture
def governed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    once_governed: Callable[[Mapping[str, bytes]], Governed],
) -> Callable[[Mapping[str, bytes]], Path]:
    """``governed(files)``: a shop with these files besides, its rules in force, the second attempt open here.

    In its folder lies ``runner.pem``, the key of the runner that the rules trust.
    """

    def made(files: Mapping[str, bytes]) -> Path:
        found = once_governed(files)
        shutil.copytree(found.folder, tmp_path, symlinks=True, dirs_exist_ok=True)
        at_home(monkeypatch, tmp_path / "shop")
        monkeypatch.setenv("INTERLOCK_CHANGE", found.change)
        return tmp_path

    return made


@dataclass
class Server:
    """One ``interlock serve`` process; its log is read as it is written."""

    root: Path
    process: subprocess.Popen[str] = field(init=False)
    address: str = ""
    log: list[dict[str, object]] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        command = [sys.executable, "-m", "interlock", "serve", "--port", "0", "--log", "json"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
        self.process = subprocess.Popen(
            command, cwd=self.root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        assert first, self.process.stderr.read() if self.process.stderr else ""
        self.address = str(json.loads(first)["address"])
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.log.append(json.loads(line))

    def stop(self) -> int:
        """Idempotent; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        self._reader.join(timeout=5)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return code


SCOPES = {
    "ana": ("person", "read", "open", "approve", "evidence", "gate", "rules", "admin"),
    "helper-bot": ("agent", "read", "open"),
    "ci": ("pipeline", "read", "gate", "evidence"),
}


def started(place, folder: Path, quietly) -> Server:
    root = folder / "shop"
    shutil.copytree(place.root, root, symlinks=True)
    tokens = {}
    for principal, (kind, *scopes) in SCOPES.items():
        wanted = [part for scope in scopes for part in ("--scope", scope)]
        tokens[principal] = quietly(root, "token", "create", principal, "--kind", kind, *wanted).strip()
    running = Server(root)
    running.tokens = tokens
    return running


@pytest.fixture(scope="module")
def shared(built_and_founded, tmp_path_factory, quietly) -> Iterator[Server]:
    """One server for every test that leaves it standing."""
    running = started(built_and_founded, tmp_path_factory.mktemp("served"), quietly)
    yield running
    assert running.stop() == 0


def speak_to(server: Server, patch: pytest.MonkeyPatch) -> None:
    patch.chdir(server.root)
    patch.setenv("INTERLOCK_SERVER", server.address)
    patch.setenv("INTERLOCK_TOKEN", server.tokens["ana"])


@pytest.fixture
def server(shared, monkeypatch) -> Server:
    """The shared server, spoken to by the terminal as ana, with no change open."""
    speak_to(shared, monkeypatch)
    headers = {"authorization": f"Bearer {shared.tokens['ana']}"}
    for item in httpx.get(f"{shared.address}/v1/changes?state=open", headers=headers).json()["items"]:
        httpx.post(f"{shared.address}/v1/changes/{item['id']}/withdrawal", headers=headers)
    return shared


@pytest.fixture
def own_server(built_and_founded, tmp_path, quietly, monkeypatch) -> Iterator[Server]:
    """A server that the test may stop."""
    running = started(built_and_founded, tmp_path, quietly)
    speak_to(running, monkeypatch)
    yield running
    running.stop()
