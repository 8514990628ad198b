"""The whole road in one object, for tests: a real store, the sample shop's rules, and people who can sign.

Rules:
1. The store, the engine, the signatures and the ledger are the real ones; only the clock stands still, ids count
   up, and security keys are simulated.
2. What a person does goes through the same functions as the API calls.
3. An empty SQLite store is made by the product once in each process; every road begins with a copy of that file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from interlock.core.approval.actor import NEVER_FOR_AGENTS, Actor, Scope
from interlock.core.approval.model import SignedStatement, Statement
from interlock.core.change.change import Change, Submission
from interlock.core.change.gitlog import empty_tree
from interlock.core.change.parts import Artefact, Commit, FileChange, GitRange, Identity, Part
from interlock.core.change.settings import RULES_ARTEFACT
from interlock.core.evidence.dsse import key_id_of
from interlock.core.ledger.note import NoteSigner
from interlock.core.policy.modes import default_modes
from interlock.core.policy.rules import Rules, load_rules, rules_digest_of
from interlock.core.ticket.shipped import Checkout
from interlock.registry import bundled_policies, validators
from interlock.road import gather, intake, permit
from interlock.road import rules as road_rules
from interlock.road.station import Station
from interlock.storage import open_store
from interlock.storage.kinds import RECORD_TYPES
from interlock.testing.authenticator import TOUCH_AND_PIN, UnsafeSimulatedAuthenticator
from interlock.testing.shop.make import PEOPLE, Shop
from interlock.testing.shop.story import ANSWERS_OF

START = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)
PERSON_SCOPES = frozenset(Scope)


@dataclass
class StandingClock:
    """Stands still; ``pass_by`` moves it, backwards too."""

    moment: datetime = START

    def now(self) -> datetime:
        """Where it stands."""
        return self.moment

    def pass_by(self, **amount: float) -> None:
        """Move it by a ``timedelta``'s arguments."""
        self.moment += timedelta(**amount)


@dataclass
class CountingIds:
    """Ids that count up: ``chg-0000000001``, ``sig-0000000002``."""

    numbers: count[int] = field(default_factory=lambda: count(1))

    def new(self, prefix: str) -> str:
        """The next one."""
        return f"{prefix}-{next(self.numbers):010d}"


@dataclass
class Road:
    """A shop whose rules are in force. ``files`` are its rule files, ``keys`` the people's simulated keys."""

    folder: Path
    enforced: Collection[str]
    clock: StandingClock = field(default_factory=StandingClock)
    founders: tuple[str, ...] = ("ana", "ben")
    database: str = ""
    keys: dict[str, UnsafeSimulatedAuthenticator] = field(init=False)
    runner: Ed25519PrivateKey = field(init=False)
    files: dict[str, bytes] = field(init=False)
    station: Station = field(init=False)

    def __post_init__(self) -> None:
        """Open the store and let the founders stand for the first rules."""
        self.keys = {name: UnsafeSimulatedAuthenticator(name) for name in PEOPLE}
        self.runner = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        self.files = self._first_files()
        self.database = self.database or _empty_store_in(self.folder, self.clock)
        self.station = self.another_server(CountingIds())
        for person in self.founders:
            said = self._genesis(person)
            road_rules.sign_genesis(
                self.station, self.person(person), self.files, said, self.keys[person].sign(said)
            )

    def another_server(self, ids: CountingIds) -> Station:
        """A station of its own over the same database, with the same keys."""
        signer = _signer()
        store = open_store(self.database, signer=signer, clock=self.clock, record_types=RECORD_TYPES)
        key = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
        return Station(
            store=store,
            clock=self.clock,
            ids=ids,
            ticket_key=key,
            ledger_key=str(signer.verifier),
            validators=validators,
        )

    def person(self, name: str) -> Actor:
        """A person's token with every scope."""
        return Actor(principal=name, kind="person", scopes=PERSON_SCOPES)

    def agent(self, name: str) -> Actor:
        """An agent's token with every scope it may hold."""
        return Actor(principal=name, kind="agent", scopes=PERSON_SCOPES - NEVER_FOR_AGENTS)

    def pipeline(self) -> Actor:
        """The pipeline that asks the gate."""
        return Actor(principal="ci", kind="pipeline", scopes=frozenset({Scope.READ, Scope.GATE, Scope.EVIDENCE}))

    def open(self, submission: Submission, *, by: Actor | None = None, title: str = "Promise sooner") -> Change:
        """A change, opened by omar unless another is named."""
        request = intake.OpenRequest(title=title, submission=submission)
        return intake.open_change(self.station, by or self.person("omar"), request)

    def prepare(self, change: Change, person: str, **differs: object) -> Statement:
        """The statement a person would sign; keywords replace its fields."""
        request = gather.StatementRequest(
            purpose="approve", subject=change.id, approver=person, answers=dict(ANSWERS_OF)
        )
        said = gather.prepare_statement(self.station, self.person(person), request)
        return replace(said, **differs)  # type: ignore[arg-type]  # a test names fields of Statement

    def hand_in(
        self, said: Statement, *, key: UnsafeSimulatedAuthenticator | None = None, by: Actor | None = None
    ) -> SignedStatement:
        """The statement signed with the approver's key (or another) and handed in by that person (or another)."""
        signature = (key or self.keys[said.approver]).sign(said)
        return gather.add_statement(self.station, by or self.person(said.approver), said, signature)

    def approve(self, change: Change, *people: str) -> list[SignedStatement]:
        """Approvals by these people as it should be."""
        return [self.hand_in(self.prepare(change, person)) for person in people]

    def lend(self, person: str, to: str, *, flags: int = TOUCH_AND_PIN) -> SignedStatement:
        """A delegation as long as one may be, signed with what the key is told to claim."""
        request = gather.StatementRequest(
            purpose="delegation", subject=to, approver=person, digest=self.rules().digest, details={"delegate": to}
        )
        said = gather.prepare_statement(self.station, self.person(person), request)
        signature = self.keys[person].sign(said, flags=flags)
        return gather.add_statement(self.station, self.person(person), said, signature)

    def said_by(self, change: Change, person: str) -> SignedStatement:
        """What the person said last about the change, as it is on record."""
        found = self.station.store.read(lambda tx: gather.statements_about(tx, change.id))
        return [one for one in found if one.statement.approver == person][-1]

    def gate(
        self,
        change: Change,
        submission: Submission | None = None,
        *,
        checkout: Checkout | None = None,
        environment: str = "production",
        artefact: str | None = None,
    ) -> permit.GateResult:
        """What the gate says to the submission as it was opened, or to another."""
        offered = submission or change.submission
        offer = permit.Offer(submission=offered, environment=environment, artefact=artefact, checkout=checkout)
        return permit.gate(self.station, self.pipeline(), change.id, offer)

    def rules_change(self, edits: Mapping[str, bytes]) -> tuple[dict[str, bytes], Submission]:
        """Other rule files, and the submission that would bring them about."""
        files = {**self.files, **edits}
        part = Artefact(name=RULES_ARTEFACT, digest=load_rules(files).digest, media="file")
        return files, submission("rules", paths=tuple(edits), more=(part,))

    def rules(self) -> Rules:
        """The rules in force."""
        return self.station.store.read(self.station.rules).rules

    def close(self) -> None:
        """Let go of the store."""
        self.station.store.close()

    def _first_files(self) -> dict[str, bytes]:
        public = self.runner.public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        policies = {**bundled_policies(), "modes.yaml": default_modes(self.enforced).encode()}
        lines = {name: key.public_key.line for name, key in self.keys.items()}
        return Shop(root=self.folder, keys=lines, runner=(key_id_of(public), pem), policies=policies).rule_files()

    def _genesis(self, person: str) -> Statement:
        return Statement(
            purpose="genesis",
            subject="genesis",
            digest=rules_digest_of(self.files),
            environment="*",
            approver=person,
            nonce=self.station.ids.new("nonce"),
            issued_at=self.clock.now(),
            expires_at=self.clock.now() + timedelta(hours=1),
        )


def _signer() -> NoteSigner:
    return NoteSigner("test.interlock.dev/road", bytes(range(32)))


def _empty_store_in(folder: Path, clock: StandingClock) -> str:
    """The URL of the folder's store; where there is none yet, of one without any entry."""
    file = folder / "state.db"
    if clock.now() >= START and not file.exists():
        file.write_bytes(_empty_store())
    return f"sqlite:///{file}"


@cache
def _empty_store() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "state.db"
        url, clock = f"sqlite:///{file}", StandingClock()
        open_store(url, signer=_signer(), clock=clock, record_types=RECORD_TYPES).close()
        return file.read_bytes()


def submission(
    name: str, *, author: str = "omar", paths: tuple[str, ...] = ("src/promise.py",), more: tuple[Part, ...] = ()
) -> Submission:
    """A git range of one commit by ``author`` over ``paths``; other names give other digests."""
    who = Identity(name=author.capitalize(), email=f"{author}@shop.example")
    made = START - timedelta(hours=1)
    commit = Commit(
        id=f"{name.encode().hex():0>40}"[-40:],
        parents=("0" * 40,),
        author=who,
        committer=who,
        authored_at=made,
        committed_at=made,
        message=f"Change {name}",
    )
    files = tuple(FileChange(path=path, status="modified", added=2, removed=1) for path in paths)
    base = empty_tree("sha1")  # a range from nothing hides nothing that went out before
    git = GitRange(
        repository="shop", base=base, head=commit.id, head_tree=commit.id, commits=(commit,), files=files
    )
    return Submission(parts=(git, *more))
