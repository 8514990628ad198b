"""``interlock ticket`` offline: the same file, the same answer, the right exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from interlock.core.change.canonical import sha256
from interlock.core.change.catalog import Role
from interlock.core.change.change import Change, Submission
from interlock.core.change.parts import Artefact
from interlock.core.evidence.dsse import key_id_of
from interlock.core.ledger.checkpoint import sign_checkpoint
from interlock.core.ledger.merkle import hash_leaf
from interlock.core.ledger.note import NoteSigner
from interlock.core.policy.decision import Decision, Outcome
from interlock.core.ticket.issue import draw, issued_entry, seal
from interlock.core.ticket.model import Inclusion
from interlock.core.ticket.pins import (
    PinnedEnvironment,
    PinnedIssuer,
    PinnedKey,
    PinnedPerson,
    Pins,
    Quorum,
)
from interlock.doors.cli.main import main

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
AT = "2026-03-05T12:05:00Z"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
LOG = NoteSigner("ledger.example.com", bytes([1]) * 32)
IMAGE = sha256(b"image")
SUBMISSION = Submission(parts=(Artefact(name="shop", digest=IMAGE, media="oci-image"),))


def _ticket() -> bytes:
    change = Change(
        id="chg-1",
        title="t",
        change_class="normal",
        services=("docs",),
        submission=SUBMISSION,
        digest=SUBMISSION.digest,
        opened_by="eve",
        opened_at=NOW,
    )
    decision = Decision(
        outcome=Outcome.ALLOW,
        reasons=(),
        observed=(),
        obligations=(),
        layers=(),
        bundle_digest=sha256(b"b"),
        input_digest=sha256(b"i"),
        decided_at=NOW,
        expires=NOW + timedelta(minutes=15),
    )
    drawn = draw(
        change,
        decision,
        id="tkt-1",
        environment="production",
        services=("docs",),
        authors=("eve",),
        approvals=(),
        max_weight=5.0,
        rules_digest=sha256(b"rules"),
        issuer=key_id_of(KEY.public_key()),
        now=NOW,
    )
    leaf = issued_entry(drawn, actor="gate").leaf()
    note = sign_checkpoint(LOG, size=1, root=hash_leaf(leaf))
    return seal(drawn, Inclusion(index=0, leaf=leaf.decode(), proof=(), checkpoint=note), KEY)


def _pins(approvals: int = 0) -> bytes:
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return Pins(
        rules_digest=sha256(b"rules"),
        issuers=(PinnedIssuer(key_id=key_id_of(KEY.public_key()), public_key=pem),),
        log=str(LOG.verifier),
        people={"ana": PinnedPerson(role=Role.SENIOR, keys=(PinnedKey(fingerprint="SHA256:x"),), principal="ana")},
        environments={"production": PinnedEnvironment(quorum=Quorum(approvals=approvals))},
    ).to_bytes()


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ticket.json").write_bytes(_ticket())
    (tmp_path / "interlock-pins.json").write_bytes(_pins())
    return tmp_path


def _run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(["ticket", *arguments])
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


def test_a_valid_ticket(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(
        "verify", "ticket.json", "--at", AT, "--digest", SUBMISSION.digest, "--weight", "5", capsys=capsys
    )
    assert code == 0
    assert out.startswith("valid    ")
    assert "for 600 s more" in out
    assert "chg-1 · docs" in out
    assert "not compared: change, environment, artefact, service" in out


def test_how_much_is_sent_must_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run("verify", "ticket.json", "--at", AT, capsys=capsys)
    assert code == 1
    assert "--weight 5" in out


def test_every_reason_with_what_to_do(capsys: pytest.CaptureFixture[str], here: Path) -> None:
    (here / "strict.json").write_bytes(_pins(approvals=2))
    options = (
        "--pins",
        "strict.json",
        "--weight",
        "50",
        "--environment",
        "staging",
        "--at",
        "2026-03-05T13:00:00Z",
    )
    code, out, _ = _run("verify", "ticket.json", *options, capsys=capsys)
    assert code == 1
    assert out.startswith("refused  ")
    assert out.count("✗") == 4
    for reason in ("0 of 2 people", "at most 5 %", "not `staging`", "expired at"):
        assert reason in " ".join(out.split())


def test_now_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run("verify", "ticket.json", capsys=capsys)
    assert (code, "expired" in out) == (1, True)


def test_json_has_the_same_keys_either_way(capsys: pytest.CaptureFixture[str]) -> None:
    good = _run("verify", "ticket.json", "--at", AT, "--weight", "5", "--json", capsys=capsys)
    bad = _run("verify", "ticket.json", "--at", AT, "--weight", "50", "--json", capsys=capsys)
    assert (good[0], bad[0]) == (0, 1)
    valid, refused = json.loads(good[1]), json.loads(bad[1])
    assert set(valid) == set(refused)
    assert (valid["valid"], refused["valid"]) == (True, False)
    assert [one["code"] for one in refused["reasons"]] == ["other-weight"]


def test_an_image_reference_is_read_as_its_digest(capsys: pytest.CaptureFixture[str]) -> None:
    named = f"registry.example.com/shop@{IMAGE}"
    assert _run("verify", "ticket.json", "--at", AT, "--weight", "5", "--artefact", named, capsys=capsys)[0] == 0
    other = f"registry.example.com/shop@{sha256(b'x')}"
    assert _run("verify", "ticket.json", "--at", AT, "--weight", "5", "--artefact", other, capsys=capsys)[0] == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("verify", "absent.json"), "file-unreadable"),
        (("verify", "."), "file-unreadable"),
        (("verify", "ticket.json", "--pins", "absent.json"), "file-unreadable"),
        (("verify", "ticket.json", "--pins", "ticket.json"), "input-shape"),
        (("verify", "interlock-pins.json"), "envelope-shape"),
        (("verify", "ticket.json", "--at", "noon"), "statement-time"),
        (("verify", "ticket.json", "--digest", "abc"), "digest-malformed"),
        (("verify", "ticket.json", "--artefact", "shop:latest"), "digest-malformed"),
        (("verify", "ticket.json", "--weight", "much"), "usage"),
        (("show", "interlock-pins.json"), "envelope-shape"),
        (("show", "cut.json"), "json-unreadable"),
        (("show", "large.json"), "file-too-large"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_what_cannot_be_read_ends_with_two(
    capsys: pytest.CaptureFixture[str], here: Path, arguments: tuple[str, ...], code: str
) -> None:
    (here / "cut.json").write_bytes(_ticket()[:-40])
    (here / "large.json").write_bytes(b" " * (1024 * 1024 + 1))
    ended, out, err = _run(*arguments, capsys=capsys)
    assert (ended, out) == (2, "")
    assert f"[{code}]" in err
    assert "hint: " in err


def test_show_says_that_nothing_is_verified(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run("show", "ticket.json", capsys=capsys)
    assert code == 0
    assert "nothing is verified" in " ".join(out.split())
    assert "approved nobody · written by eve" in out
    shown = json.loads(_run("show", "ticket.json", "--json", capsys=capsys)[1])
    assert shown["id"] == "tkt-1"


def test_verifying_opens_no_database_and_asks_no_server(here: Path) -> None:
    code = (
        "import sys; from interlock.doors.cli.main import main\n"
        f"try: main(['ticket', 'verify', 'ticket.json', '--weight', '5', '--at', '{AT}'])\n"
        "except SystemExit as left: print(left.code, file=sys.stderr)\n"
        "print('|'.join(sorted({name.partition('.')[0] for name in sys.modules})), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30, cwd=here
    )
    ended, modules = done.stderr.splitlines()
    assert ended == "0"
    assert not {"sqlalchemy", "fastapi", "httpx", "cedarpy", "yaml", "rich"} & set(modules.split("|"))
    assert not (here / ".interlock").exists()
