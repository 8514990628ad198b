"""The demonstration: a change that must not ship, what it takes until it may, and who would notice a lie.

Rules:
1. Nothing is printed that a command did not say or a measurement did not give.
2. The people's security keys are simulated in software, and the demonstration says so: everything else is what a
   team would do.
"""

from __future__ import annotations

import json
import shlex
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from interlock.core.approval.model import Statement
from interlock.core.change.canonical import Json, sha256
from interlock.core.change.parse import parse_json
from interlock.core.evidence.dsse import key_id_of, sign_envelope
from interlock.core.evidence.statement import TEST_RESULT, statement
from interlock.testing.authenticator import UnsafeSimulatedAuthenticator
from interlock.testing.shop.make import PEOPLE, Shop
from interlock.testing.shop.terminal import Say, Terminal

ENFORCED = (
    "ai-senior-approval",
    "artefact-pinned",
    "blast-radius",
    "canary-plan",
    "configuration-valid",
    "configuration-validated",
    "conflicting-change",
    "documentation-complete",
    "known-authors",
    "risk-questions",
    "tests-pass",
    "tier1-presence",
    "tier1-two-approvals",
)
ANSWERS_OF = {
    "breaks": "carts stop when the promise cannot be computed",
    "alert": "OrdersDrop, within two minutes",
}
ANSWERS = json.dumps(ANSWERS_OF)


@dataclass(slots=True, kw_only=True)
class Story:
    """The whole demonstration in ``root``; ``policies`` are the shop's policy files."""

    root: Path
    policies: dict[str, bytes]
    say: Say
    _keys: dict[str, UnsafeSimulatedAuthenticator] = field(init=False)
    _runner: Ed25519PrivateKey = field(init=False)
    _seen: list[tuple[str, str]] = field(init=False, default_factory=list)

    def tell(self) -> list[tuple[str, str]]:
        """Run it all; what was seen at each step, for the closing table."""
        self._keys = {name: UnsafeSimulatedAuthenticator(name) for name in PEOPLE}
        self._runner = Ed25519PrivateKey.generate()
        shop = self._shop()
        terminal = Terminal(root=self.root / "shop", say=self.say)
        self._open_shop(shop, terminal)
        first = self._operator_alone(shop, terminal)
        change = self._team(shop, terminal, first)
        ticket = self._permitted(terminal, change)
        self._drift(shop, terminal, change)
        self._offline(terminal, change, ticket)
        self._tampered(terminal)
        return self._seen

    def _shop(self) -> Shop:
        public = self._runner.public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        keys = {name: key.public_key.line for name, key in self._keys.items()}
        return Shop(root=self.root / "shop", keys=keys, runner=(key_id_of(public), pem), policies=self.policies)

    def _open_shop(self, shop: Shop, terminal: Terminal) -> None:
        self._title(
            "A shop: five services, five people, one git repository. Two people stand for its first rules."
        )
        shop.build()
        terminal.run("catalog", "check")
        for person, exits in (("ana", 1), ("ben", 0)):
            statement_file, signature_file = self._signed(terminal, person, "rules", "genesis")
            terminal.run(
                "rules", "genesis", "--statement", statement_file, "--signature", signature_file, exits=exits
            )

    def _operator_alone(self, shop: Shop, terminal: Terminal) -> str:
        self._title("5 March, again: one operator and an assistant push a configuration that reaches every order.")
        shop.first_attempt()
        change = self._open(terminal, "Promise delivery sooner")
        said = terminal.run("gate", change, "--environment", "production", exits=1)
        self._seen.append(("the change of a single operator", said.strip().splitlines()[0]))
        return change

    def _team(self, shop: Shop, terminal: Terminal, first: str) -> str:
        self._title("The team starts again: the plan first, a value in every key, tests, an artefact, two people.")
        terminal.run("change", "withdraw", first)
        shop.second_attempt()
        artefact = self._build(terminal.root)
        change = self._open(terminal, "Promise delivery within five days", "--artefact", artefact)
        terminal.run("evidence", "add", change, self._tested(terminal, change))
        for person in ("ana", "ben"):
            files = self._signed(terminal, person, "approve", change, "--answers", ANSWERS)
            terminal.run("approve", change, "--statement", files[0], "--signature", files[1])
        return change

    def _permitted(self, terminal: Terminal, change: str) -> str:
        self._title("The gate lets it through, for fifteen minutes, to its first stage.")
        ticket = str(self.root / "ticket.json")
        said = terminal.run("gate", change, "--environment", "production", "--ticket-file", ticket)
        self._seen.append(("the same intent, shown and approved", said.strip().splitlines()[0]))
        return ticket

    def _drift(self, shop: Shop, terminal: Terminal, change: str) -> None:
        self._title("Somebody pushes once more after the approvals: one number in one file.")
        shop.one_more_push()
        said = terminal.run("gate", change, "--environment", "production", exits=1)
        self._seen.append(("one more push after the approvals", said.strip().splitlines()[0]))

    def _offline(self, terminal: Terminal, change: str, ticket: str) -> None:
        self._title(
            "The deployer verifies the ticket with nothing but a file of pinned keys, then tries to bend it."
        )
        pins = str(self.root / "pins.json")
        terminal.run("ticket", "pins", "--out", pins)
        digest = json.loads(terminal.run("change", "show", change, "--json", show=False))["change"]["digest"]
        asked = ("ticket", "verify", ticket, "--pins", pins, "--environment", "production")
        terminal.run(*asked, "--digest", digest, "--weight", "1")
        said = terminal.run(*asked, "--digest", digest, "--weight", "100", exits=1)
        self._seen.append(("its ticket, used for all traffic", said.strip().splitlines()[0]))

    def _tampered(self, terminal: Terminal) -> None:
        self._title("At night somebody edits one row of the ledger, straight in the database.")
        terminal.run("ledger", "verify")
        database = terminal.root / ".interlock" / "interlock.db"
        self.say(
            "$ sqlite3 .interlock/interlock.db \"UPDATE ledger_entry SET leaf = replace(leaf, 'omar', 'cleo') …\""
        )
        position, leaf = _edit_last(database, b"omar", b"cleo")
        said = terminal.run("ledger", "verify", exits=1)
        self._seen.append(("a row edited behind interlock's back", said.strip().splitlines()[1].strip()))
        self.say("\nand with the row put back as it was:")
        _write_leaf(database, position, leaf)
        terminal.run("ledger", "verify")

    def _open(self, terminal: Terminal, title: str, *more: str) -> str:
        words = ("change", "open", "--title", title, "--base", "main", *more)
        self.say(f"$ interlock {shlex.join(words)}")
        opened = json.loads(terminal.run(*words, "--json", show=False))
        change: str = opened["id"]
        self.say(f"{change} {opened['digest']}")
        return change

    def _signed(self, terminal: Terminal, person: str, *words: str) -> tuple[str, str]:
        """Let a person sign on another machine, with a (simulated) security key."""
        printed = terminal.run(*words, "--as", person, "--print", show=False)
        said = parse_json(Statement, printed, what="the statement")
        paths = (self.root / f"{person}.json", self.root / f"{person}.sig")
        paths[0].write_text(printed, encoding="utf-8")
        paths[1].write_text(self._keys[person].sign(said), encoding="utf-8")
        return str(paths[0]), str(paths[1])

    def _build(self, shop: Path) -> str:
        """What will run: the code and configuration of the head as one file."""
        path = shop / ".interlock" / "order-service.tar"
        with tarfile.open(path, "w") as archive:
            for name in ("src", "config"):
                archive.add(shop / name, arcname=name)
        return f"{path}"

    def _tested(self, terminal: Terminal, change: str) -> str:
        """Run the shop's tests as its CI would, and sign what came of it."""
        command = [sys.executable, "-m", "unittest", "discover", "-s", "tests", "-v"]
        ran = subprocess.run(  # noqa: S603  # the shop's own tests
            command, cwd=terminal.root, capture_output=True, text=True, check=False, timeout=60
        )
        passed = [line.split(" ")[0] for line in ran.stderr.splitlines() if line.endswith("... ok")]
        failed = [line.split(" ")[0] for line in ran.stderr.splitlines() if line.endswith(("FAIL", "ERROR"))]
        digest = json.loads(terminal.run("change", "show", change, "--json", show=False))["change"]["digest"]
        suite: dict[str, Json] = {
            "name": "unittest",
            "digest": {"sha256": sha256(b"unittest").removeprefix("sha256:")},
        }
        predicate: dict[str, Json] = {
            "result": "PASSED" if ran.returncode == 0 else "FAILED",
            "configuration": [suite],
            "passedTests": [*passed],
            "failedTests": [*failed],
        }
        said = statement(subject=digest, predicate_type=TEST_RESULT, predicate=predicate, name=change)
        path = self.root / "tests.dsse"
        path.write_bytes(sign_envelope(said, self._runner, key_id_of(self._runner.public_key())))
        return str(path)

    def _title(self, text: str) -> None:
        self.say(f"\n── {text}\n")


def _edit_last(database: Path, old: bytes, new: bytes) -> tuple[int, bytes]:
    """Replace ``old`` in the newest leaf that has it; the leaf as it was, with its position."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT position, leaf FROM ledger_entry ORDER BY position DESC")
        position, leaf = next((position, leaf) for position, leaf in rows if old in leaf)
    _write_leaf(database, position, leaf.replace(old, new))
    return position, leaf


def _write_leaf(database: Path, position: int, leaf: bytes) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE ledger_entry SET leaf = ? WHERE position = ?", (leaf, position))
