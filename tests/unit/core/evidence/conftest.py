"""Runners with keys, a change, and one call that takes evidence in."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from interlock.core.change.canonical import sha256
from interlock.core.change.change import Change, Submission
from interlock.core.change.parts import Artefact
from interlock.core.change.settings import Settings
from interlock.core.evidence.accept import accept
from interlock.core.evidence.dsse import sign_envelope
from interlock.core.evidence.model import Evidence, Runner
from interlock.core.evidence.statement import TEST_RESULT, statement

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
DATA = Path(__file__).parents[3] / "data"
PASSED = {
    "result": "PASSED",
    "configuration": [],
    "passedTests": ["test_pays"],
    "warnedTests": [],
    "failedTests": [],
}


@dataclass(frozen=True)
class Ci:
    """A runner with its private key."""

    name: str
    key: Any

    def runner(self, **changed: Any) -> Runner:
        pem = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        made = Runner(name=self.name, public_key=pem, key_id=f"key-of-{self.name}", predicates=(TEST_RESULT,))
        return replace(made, **changed)

    def signs(self, value: Any, key_id: str | None = None) -> bytes:
        return sign_envelope(value, self.key, key_id or f"key-of-{self.name}")


@pytest.fixture
def ci() -> Ci:
    return Ci("ci", ed25519.Ed25519PrivateKey.from_private_bytes(bytes([5]) * 32))


@pytest.fixture
def stranger() -> Ci:
    return Ci("stranger", ec.derive_private_key(99, ec.SECP256R1()))


@pytest.fixture
def change() -> Change:
    submission = Submission(parts=(Artefact(name="shop", digest=sha256(b"image"), media="oci-image"),))
    return Change(
        id="chg-1",
        title="t",
        change_class="normal",
        services=("order-service",),
        submission=submission,
        digest=submission.digest,
        opened_by="eve",
        opened_at=NOW - timedelta(hours=1),
    )


@pytest.fixture
def passed(change: Change) -> dict[str, Any]:
    """A statement that the tests of the change passed."""
    return statement(subject=change.digest, predicate_type=TEST_RESULT, predicate=json.loads(json.dumps(PASSED)))


@pytest.fixture
def take(change: Change, ci: Ci) -> Any:
    """Evidence from bytes, with everything else as usual."""

    def taken(content: bytes, **changed: Any) -> Evidence:
        usual: dict[str, Any] = {
            "format": None,
            "change": change,
            "services": ("order-service",),
            "runners": (ci.runner(),),
            "settings": Settings(),
            "now": NOW,
            "received_from": "pipeline:ci",
            "id": "evd-1",
        }
        evidence, blob = accept(content, **{**usual, **changed})
        assert blob == content
        return evidence

    return taken


@pytest.fixture
def sample() -> Any:
    """The bytes of one file of the test data."""

    def read(name: str) -> bytes:
        return (DATA / name).read_bytes()

    return read
