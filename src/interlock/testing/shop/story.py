"""The demonstration: a change at the gate, what it takes until it may go, and what stops it all the same.

Rules:
1. Nothing is printed that a command did not say or a measurement did not give.
2. The people's security keys are simulated in software, and the demonstration says so: everything else is what a
   team would do.
3. What a command says a second time (notes, what is met anyway) is left out; whoever runs it reads all of it.
4. The change that is approved carries a defect that really is in the code, and loses orders by itself.
"""

from __future__ import annotations

import json
import textwrap
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from interlock.core.approval.model import Statement
from interlock.core.change.canonical import Json
from interlock.core.change.parse import parse_json
from interlock.core.evidence.dsse import key_id_of, read_envelope
from interlock.testing.authenticator import UnsafeSimulatedAuthenticator
from interlock.testing.replay.outcome import Outcome, outcome
from interlock.testing.replay.scene import Scene
from interlock.testing.shop.make import PEOPLE, Shop
from interlock.testing.shop.staging import Staging
from interlock.testing.shop.terminal import Say, Terminal, typed

ENFORCED = (
    "ai-senior-approval",
    "alert-proven",
    "artefact-pinned",
    "blast-radius",
    "canary-plan",
    "configuration-valid",
    "configuration-validated",
    "conflicting-change",
    "documentation-complete",
    "known-authors",
    "risk-questions",
    "rollback-in-time",
    "rollback-rehearsed",
    "no-new-findings",
    "no-new-secrets",
    "scanned",
    "tests-bite",
    "tests-listed-first",
    "tests-pass",
    "tier1-presence",
    "tier1-two-approvals",
)
ANSWERS_OF = {
    "breaks": "carts stop when the promise cannot be computed",
    "alert": "OrdersDrop, within two minutes",
}
RUNNER = "runner.pem"
"""The runner's private key, beside the shop."""
ANSWERS = json.dumps(ANSWERS_OF)

NO_PROMTOOL = (
    "promtool is not installed here, so no alert is proven, and the rule that asks for it is only watched: "
    "apt-get install prometheus"
)
_MARKS, _ITEM = "✗✓→·", 12
"""What a listed line begins with, and how far one that goes on is indented."""

DEFECT = (
    "What nobody saw: src/order.py, untouched here, hands promise.py metres where it takes kilometres, so all "
    "were promised the maximum. For seven days there is a carrier; for five there is none, and such an order is "
    "parked without an error."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was measured on the way. ``refused`` is how much the gate missed at first.

    ``shown`` is what the runner's statements say, by producer.
    """

    refused: str
    shown: Mapping[str, Mapping[str, Json]]
    reasons: tuple[str, ...]
    barred: str
    ran: Outcome
    entries: str


@dataclass(slots=True, kw_only=True)
class Story:
    """The whole demonstration in ``scene.folder``; ``policies`` are the shop's policy files, ``wide`` columns.

    ``proves_alerts`` is whether promtool is there to do it with.
    """

    scene: Scene
    policies: dict[str, bytes]
    say: Say
    proves_alerts: bool = True
    wide: int = 120
    _keys: dict[str, UnsafeSimulatedAuthenticator] = field(init=False)
    _runner: Ed25519PrivateKey = field(init=False)
    _titled: bool = field(init=False, default=False)
    _shown: dict[str, Mapping[str, Json]] = field(init=False, default_factory=dict)

    @property
    def root(self) -> Path:
        """Where all of it lies."""
        return self.scene.folder

    def tell(self) -> Seen:
        """Run it all; what was seen."""
        self._keys = {name: UnsafeSimulatedAuthenticator(name) for name in PEOPLE}
        self._runner = Ed25519PrivateKey.generate()
        staging = Staging(self.root / "staging", self.scene.artefact)
        try:
            return self._told(staging)
        finally:
            staging.close()

    def _told(self, staging: Staging) -> Seen:
        shop = self._shop(staging)
        terminal = Terminal(root=self.root / "shop", say=self.say, wide=self.wide)
        self._open_shop(shop, terminal)
        staging.begin(shop)
        first, refused = self._operator_alone(shop, terminal)
        change = self._team(shop, terminal, first)
        ticket = self._permitted(terminal, change)
        ran = self._rolled_out(shop, terminal, change, ticket)
        barred, entries = self._afterwards(terminal, change, ran)
        return Seen(
            refused=_first(refused).split(" · ")[1],
            shown=self._shown,
            reasons=items(refused, "config/"),
            barred=barred,
            ran=ran,
            entries=entries,
        )

    def _shop(self, staging: Staging) -> Shop:
        public = self._runner.public_key()
        (self.root / RUNNER).write_bytes(
            self._runner.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        (self.root / RUNNER).chmod(0o600)
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        return Shop(
            root=self.root / "shop",
            keys={name: key.public_key.line for name, key in self._keys.items()},
            runner=(key_id_of(public), pem),
            policies=self.policies,
            plans=self.scene.plans() | staging.plans(),
            watched=True,
        )

    def _open_shop(self, shop: Shop, terminal: Terminal) -> None:
        self._title("A shop: five services, five people, a plan. Two stand for its first rules.")
        shop.build()
        for person, exits in (("ana", 1), ("ben", 0)):
            files = self._signed(terminal, person, "rules", "genesis")
            words = ("rules", "genesis", "--statement", files[0], "--signature", files[1])
            terminal.run(*words, exits=exits, why="as it must be: nobody founds a shop alone")

    def _operator_alone(self, shop: Shop, terminal: Terminal) -> tuple[str, str]:
        self._title("5 March, again: one operator and an assistant push to every order.")
        shop.first_attempt()
        change = self._open(terminal, "Promise delivery sooner")
        return change, self._gate(terminal, change, exits=1)

    def _team(self, shop: Shop, terminal: Terminal, first: str) -> str:
        self._title("The team starts anew: plan, values, tests, artefact, two people, the gate.")
        terminal.run("change", "withdraw", first, show=False)
        shop.second_attempt()
        self.scene.build(shop)
        change = self._open(terminal, "Promise delivery within five days", "--artefact", self._artefact())
        self._gathered(terminal, change)
        for person in ("ana", "ben"):
            files = self._signed(terminal, person, "approve", change, "--answers", ANSWERS)
            terminal.run("approve", change, "--statement", files[0], "--signature", files[1])
        return change

    def _gathered(self, terminal: Terminal, change: str) -> None:
        """What a runner shows by running it."""
        for producer in ("rehearsal", "alerts", "tests", "scan"):
            if producer == "alerts" and not self.proves_alerts:
                self.say("\n".join(textwrap.wrap(NO_PROMTOOL, self.wide)))
                continue
            terminal.run("evidence", "run", producer, change, "--key", f"../{RUNNER}")
            self._shown[producer] = _newest(terminal.root / ".interlock" / "evidence")

    def _artefact(self) -> str:
        """As somebody in the shop's folder types it."""
        return self.scene.artefact.relative_to(self.root / "shop").as_posix()

    def _permitted(self, terminal: Terminal, change: str) -> str:
        ticket = "../ticket.json"
        self._gate(terminal, change, "--ticket-file", ticket)
        return ticket

    def _gate(self, terminal: Terminal, change: str, *more: str, exits: int = 0) -> str:
        """What the gate says, its notes left out."""
        words = ("gate", change, "--environment", "production", *more)
        self.say(typed(words, self.wide))
        said = terminal.run(*words, exits=exits, show=False)
        self.say("\n".join(without(said, "note")))
        if exits:
            self.say(f"exit {exits}")
        return said

    def _rolled_out(self, shop: Shop, terminal: Terminal, change: str, ticket: str) -> Outcome:
        stack = self.scene.stack
        rate = f"{stack.rate:g} orders a second"
        self._title(f"It goes out: 1 % of {rate}, through a real {stack.proxy.name}.")
        self.say("\n".join(textwrap.wrap(DEFECT, self.wide)))
        server = self.scene.begin(shop)
        terminal.environment.update(server.reached_by)
        since = time.time()
        words = ("rollout", "start", change, "--ticket", ticket)
        self.say(typed(words, self.wide))
        started = json.loads(terminal.run(*words, "--json", show=False))
        rollout: str = started["id"]
        terminal.watch("rollout", "watch", rollout, exits=1)
        return outcome(stack, server.rollout(rollout), since=since, entries=server.entries(rollout))

    def _afterwards(self, terminal: Terminal, change: str, ran: Outcome) -> tuple[str, str]:
        self._title("Afterwards: the gate knows it, verdicts can be computed again.")
        words = ("gate", change, "--environment", "production")
        self.say(typed(words, self.wide))
        barred = terminal.run(*words, exits=1, show=False)
        self.say("\n".join(only(barred, "refused", "needs")) + "\nexit 1")
        terminal.run("rollout", "verify", ran.rollout)
        terminal.environment.clear()
        self.say("$ interlock ledger verify")
        holds = _first(terminal.run("ledger", "verify", show=False))
        self.say(holds)
        return _first(barred), holds

    def _open(self, terminal: Terminal, title: str, *more: str) -> str:
        words = ("change", "open", "--title", title, "--base", "main", *more)
        self.say(typed(words, self.wide))
        opened = json.loads(terminal.run(*words, "--json", show=False))
        change: str = opened["id"]
        digest = f"{change} {opened['digest']}"
        self.say(digest if len(digest) <= self.wide else f"{digest[: self.wide - 1]}…")
        return change

    def _signed(self, terminal: Terminal, person: str, *words: str) -> tuple[str, str]:
        """Let a person sign on another machine, with a (simulated) security key."""
        printed = terminal.run(*words, "--as", person, "--print", show=False)
        said = parse_json(Statement, printed, what="the statement")
        names = (f"{person}.json", f"{person}.sig")
        (self.root / names[0]).write_text(printed, encoding="utf-8")
        (self.root / names[1]).write_text(self._keys[person].sign(said), encoding="utf-8")
        return f"../{names[0]}", f"../{names[1]}"

    def _title(self, text: str) -> None:
        lines = textwrap.wrap(f"── {text}", self.wide, subsequent_indent="   ")
        self.say("\n".join(["", *lines] if self._titled else lines))
        self._titled = True


def _newest(folder: Path) -> Mapping[str, Json]:
    """What the runner signed last."""
    last = max(folder.glob("*.dsse"), key=lambda path: path.stat().st_mtime_ns)
    said = json.loads(read_envelope(last.read_bytes()).payload)["predicate"]
    return dict(said)


def _first(text: str) -> str:
    return text.strip().splitlines()[0]


def without(said: str, label: str) -> list[str]:
    """A screen's lines but those of a label, with what is wrapped or listed under it."""
    return [line for name, line in _labelled(said) if name != label]


def only(said: str, *labels: str) -> list[str]:
    """A screen's lines of these labels."""
    return [line for name, line in _labelled(said) if name in labels]


def items(said: str, begins: str) -> tuple[str, ...]:
    """What is listed with a dot and begins so, each in one line however it was wrapped."""
    found: list[str] = []
    inside = False
    for line in said.splitlines():
        text = line.strip()
        if text.startswith("· "):
            inside = text.removeprefix("· ").startswith(begins)
            found += [text.removeprefix("· ")] if inside else []
        elif inside and line.startswith(" " * _ITEM) and text[:1] not in _MARKS:
            found[-1] += f" {text}"
        else:
            inside = False
    return tuple(found)


def _labelled(said: str) -> list[tuple[str, str]]:
    """Each line with the label it stands under."""
    label, found = "", []
    for line in said.strip("\n").splitlines():
        if not line.startswith(" "):
            label = line.split(" ")[0]
        found.append((label, line))
    return found
