"""A small world with people, keys, a ledger and a server that can be told to lie."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from interlock.core.approval.keys import parse_key_blob
from interlock.core.approval.model import NAMESPACE, Purpose, SignedStatement, Statement
from interlock.core.approval.sshsig import enclose, public_blob, sign, signed_bytes, sk_preimage
from interlock.core.approval.wire import wire_string
from interlock.core.change.canonical import sha256
from interlock.core.change.catalog import Role
from interlock.core.change.change import Change, Submission
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parts import Artefact, Configuration, ConfigurationFile
from interlock.core.evidence.dsse import key_id_of, sign_envelope
from interlock.core.ledger.checkpoint import sign_checkpoint
from interlock.core.ledger.entry import Entry
from interlock.core.ledger.merkle import hash_children, hash_leaf, inclusion_proof, tree_root
from interlock.core.ledger.note import NoteSigner
from interlock.core.policy.decision import Decision, Outcome
from interlock.core.ticket.issue import draw, issued_entry, seal
from interlock.core.ticket.model import Inclusion, Ticket
from interlock.core.ticket.pins import (
    PinnedEnvironment,
    PinnedIssuer,
    PinnedKey,
    PinnedPerson,
    Pins,
    Quorum,
)
from interlock.core.ticket.verify import Expected, Refused, verify

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
ARTEFACT = sha256(b"the image")
RULES = sha256(b"the rules")


def secret(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


@dataclass(frozen=True)
class Signer:
    """A key of a person: of software, or a security key that says how present its holder was."""

    key: Ed25519PrivateKey
    flags: int | None = None

    @property
    def blob(self) -> bytes:
        if self.flags is None:
            return public_blob(self.key)
        raw = self.key.public_key().public_bytes_raw()
        return b"".join(map(wire_string, (b"sk-ssh-ed25519@openssh.com", raw, b"ssh:")))

    @property
    def fingerprint(self) -> str:
        return parse_key_blob(self.blob).fingerprint

    def sign(self, message: bytes, namespace: str = NAMESPACE) -> str:
        if self.flags is None:
            return sign(self.key, message, namespace)
        inner = signed_bytes(message, namespace=namespace, hash_name="sha512")
        raw = self.key.sign(sk_preimage("ssh:", self.flags, 7, inner))
        signature = wire_string(b"sk-ssh-ed25519@openssh.com") + wire_string(raw)
        return enclose(
            self.blob,
            signature + bytes([self.flags]) + (7).to_bytes(4, "big"),
            namespace=namespace,
            hash_name="sha512",
        )


VERIFIED, TOUCHED = 0x05, 0x01


def tree(leaves: list[bytes]) -> Callable[[int, int], bytes]:
    def node(level: int, index: int) -> bytes:
        if level == 0:
            return hash_leaf(leaves[index])
        return hash_children(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))

    return node


@dataclass
class Log:
    """A ledger in memory."""

    signer: NoteSigner
    leaves: list[bytes]

    def append(self, entry: Entry) -> int:
        self.leaves.append(entry.leaf())
        return len(self.leaves) - 1

    def inclusion(self, index: int) -> Inclusion:
        node, size = tree(self.leaves), len(self.leaves)
        note = sign_checkpoint(self.signer, size=size, root=tree_root(size, node))
        proof = tuple(base64.b64encode(one).decode() for one in inclusion_proof(index, size, node))
        return Inclusion(index=index, leaf=self.leaves[index].decode(), proof=proof, checkpoint=note)


def new_log(number: int, name: str = "ledger.example.com") -> Log:
    signer = NoteSigner(name, bytes([number]) * 32)
    return Log(signer=signer, leaves=[f'{{"n":{n}}}'.encode() for n in range(6)])


@dataclass
class World:
    """A server that issues tickets for one change, and everything a deployer pins."""

    server: Ed25519PrivateKey = field(default_factory=lambda: secret(1))
    log: Log = field(default_factory=lambda: new_log(2))
    people: dict[str, tuple[Role, Signer]] = field(
        default_factory=lambda: {
            "ana": (Role.SENIOR, Signer(secret(11), VERIFIED)),
            "ben": (Role.ENGINEER, Signer(secret(12), VERIFIED)),
            "cleo": (Role.ENGINEER, Signer(secret(13))),
            "dan": (Role.SENIOR, Signer(secret(14), VERIFIED)),
        }
    )
    change: Change = field(
        default_factory=lambda: _change(
            (
                Configuration(
                    files=(
                        ConfigurationFile(
                            path="delivery.yaml",
                            format="yaml",
                            before_digest=None,
                            after_digest=sha256(b"7"),
                            changes=(),
                        ),
                    )
                ),
                Artefact(name="shop", digest=ARTEFACT, media="oci-image"),
            )
        )
    )

    def approval(self, name: str, *, signer: Signer | None = None, **said: object) -> SignedStatement:
        purpose: Purpose = "approve"
        statement = replace(
            Statement(
                purpose=purpose,
                subject=self.change.id,
                digest=self.change.digest,
                environment="production",
                approver=name,
                nonce=f"nonce-of-{name}-1",
                issued_at=NOW - timedelta(hours=1),
                expires_at=NOW + timedelta(hours=5),
            ),
            **said,
        )
        by = signer or self.people[name][1]
        return SignedStatement(
            id=f"sig-{name}",
            statement=statement,
            signature=by.sign(statement.to_bytes()),
            fingerprint=by.fingerprint,
            presence="verified",  # what the server says; the verifier must not believe it
            received_at=NOW - timedelta(hours=1),
            received_from=f"local:{name}",
        )

    def ticket(self, *approvals: SignedStatement, **changed: object) -> Ticket:
        drawn = draw(
            self.change,
            decision(),
            id="tkt-1",
            environment="production",
            services=("order-service",),
            authors=("eve",),
            approvals=approvals or (self.approval("ana"), self.approval("ben")),
            max_weight=5.0,
            rules_digest=RULES,
            issuer=key_id_of(self.server.public_key()),
            now=NOW,
        )
        return replace(drawn, **changed)

    def sealed(self, ticket: Ticket | None = None) -> bytes:
        whole = ticket or self.ticket()
        index = self.log.append(issued_entry(whole, actor="gate"))
        self.log.append(Entry(kind="later", subject="x", actor="y", at=NOW, body={}))
        return seal(whole, self.log.inclusion(index), self.server)

    def signed(self, ticket: Ticket) -> bytes:
        """``ticket`` as it is, whatever its proof says, signed by the server."""
        return sign_envelope(ticket.statement(), self.server, ticket.issuer) + b"\n"

    def pins(self, **changed: object) -> Pins:
        pem = self.server.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        pins = Pins(
            rules_digest=RULES,
            issuers=(PinnedIssuer(key_id=key_id_of(self.server.public_key()), public_key=pem),),
            log=str(self.log.signer.verifier),
            people={
                name: PinnedPerson(role=role, keys=(PinnedKey(fingerprint=signer.fingerprint),), principal=name)
                for name, (role, signer) in self.people.items()
            },
            environments={
                "production": PinnedEnvironment(
                    quorum=Quorum(approvals=0),
                    services={"order-service": Quorum(approvals=2, seniors=1, presence="verified")},
                ),
                "staging": PinnedEnvironment(quorum=Quorum(approvals=0)),
            },
        )
        return replace(pins, **changed)

    def expected(self, **changed: object) -> Expected:
        """What an honest deployer of this change expects."""
        whole = Expected(
            change=self.change.id,
            digest=self.change.digest,
            environment="production",
            artefact=ARTEFACT,
            service="order-service",
            weight=5.0,
        )
        return replace(whole, **changed)

    def codes(
        self, content: bytes, *, pins: Pins | None = None, now: datetime = NOW, **expected: object
    ) -> set[str]:
        """The codes of all reasons; an unreadable file is refused with its own code."""
        try:
            found = verify(content, pins=pins or self.pins(), now=now, expected=self.expected(**expected))
        except InvalidInput as error:
            return {error.code}
        return {one.code for one in found.reasons} if isinstance(found, Refused) else set()


def decision(**changed: object) -> Decision:
    made = Decision(
        outcome=Outcome.ALLOW,
        reasons=(),
        observed=(),
        obligations=(),
        layers=(("base", sha256(b"base")),),
        bundle_digest=sha256(b"bundle"),
        input_digest=sha256(b"input"),
        decided_at=NOW,
        expires=NOW + timedelta(minutes=15),
    )
    return replace(made, **changed)


def _change(parts: tuple[Configuration | Artefact, ...]) -> Change:
    submission = Submission(parts=parts)
    return Change(
        id="chg-1",
        title="Longer promise",
        change_class="normal",
        services=("order-service",),
        submission=submission,
        digest=submission.digest,
        opened_by="eve",
        opened_at=NOW - timedelta(hours=2),
    )


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def make() -> dict[str, object]:
    """What tests need of this module, which they cannot import."""
    return {"NOW": NOW, "Signer": Signer, "secret": secret, "new_log": new_log, "decision": decision}
