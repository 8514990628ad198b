"""A runner here: the key it signs with, and how what it signed is handed in.

Rules:
1. The key is ``--key`` or ``INTERLOCK_RUNNER_KEY``, an unencrypted Ed25519 or P-256 key in PEM. A runner
   without one may look and has nothing to say: nothing is handed in.
2. Whether the rules know the key, and for what, is said before anything is run.
3. What was signed is a file below ``.interlock/evidence`` before it is handed in: an answer that is lost, or a
   server that is away, costs no second run.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

from interlock.config import Config
from interlock.core.change.canonical import Json
from interlock.core.change.errors import InterlockError, InvalidInput
from interlock.core.change.parse import parse
from interlock.core.evidence.dsse import PrivateKey, key_id_of, load_public_key, sign_envelope
from interlock.core.evidence.model import Runner as Trusted
from interlock.core.evidence.statement import statement
from interlock.core.evidence.trust import refusal
from interlock.doors.cli.aside import aside
from interlock.doors.cli.client import Client
from interlock.doors.cli.files import read_bytes, write_whole
from interlock.plugins.world.rollback_files import keep_out_of_git
from interlock.plugins.world.system import SystemClock

MAX_KEY = 64 * 1024
FOLDER = "evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """``name`` is what the rules call it, empty where they do not; ``doubt`` is why its word will not count."""

    key: PrivateKey
    key_id: str
    name: str
    doubt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What became of a statement: its file, what the API answered, None with the reason where it did not."""

    file: str
    kept: dict[str, Any] | None
    why: str = ""


def runner_of(
    named: str | None, config: Config, rules: dict[str, Any], predicate_type: str, services: tuple[str, ...]
) -> Runner | None:
    """The runner here, as ``rules`` (what the API shows of them) know it; None without a key.

    Raises:
        InvalidInput: ``runner-key``.
    """
    place = named or config.runner_key
    if place is None:
        return None
    if "-----BEGIN" in str(place):
        # Never said again: it would stand in the pipeline's log.
        raise InvalidInput(
            "expected the name of a file with the runner's key, got a key itself",
            code="runner-key",
            hint="write it to a file that only the runner reads, and name that file; take this one for published "
            "where somebody else reads this output",
        )
    key = _private(place)
    mine = key_id_of(key.public_key())
    for told in rules["settings"]["trust"]["runners"]:
        one = parse(Trusted, told, what="a runner of the rules")
        if key_id_of(load_public_key(one.public_key)) == mine:
            doubt = refusal(one, predicate_type, services, SystemClock().now())
            return Runner(key=key, key_id=one.key_id, name=one.name, doubt=doubt or "")
    doubt = f"no runner that `trust.runners` names has the key in `{place}`"
    return Runner(key=key, key_id=mine, name="", doubt=doubt)


def check_out(named: str | None, option: str = "--out") -> None:
    """Pass a file that can be written later, before anything is run for it; ``option`` names it.

    Raises:
        InvalidInput: ``file-unwritable`` where its folder is none.
    """
    if named is not None and not Path(named).resolve().parent.is_dir():
        raise InvalidInput(
            f"expected `{option}` in a folder that exists, got `{named[:120]}`",
            code="file-unwritable",
            hint="make the folder, or name another",
        )


def sign(
    runner: Runner,
    *,
    subject: str,
    predicate_type: str,
    predicate: dict[str, Json],
    days: int,
    until: datetime | None = None,
) -> bytes:
    """The signed statement about ``subject``, issued now, good for ``days`` and at most ``until`` then."""
    now = SystemClock().now()
    end = now + timedelta(days=days)
    if until is not None:
        end = min(end, until)
    times: dict[str, Json] = {
        "issued_at": now.isoformat(timespec="milliseconds"),
        "expires_at": end.isoformat(timespec="milliseconds"),
    }
    said = statement(subject=subject, predicate_type=predicate_type, predicate={**predicate, **times})
    return sign_envelope(said, runner.key, runner.key_id)


def hand_in(api: Client, config: Config, *, change: str, run: str, signed: bytes, out: str | None) -> Handed:
    """Keep it, and give it to interlock; that this could not be done is a value."""
    file = kept_file(config, run)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    keep_out_of_git(config.home)
    write_whole(file, signed)
    body = {"format": "dsse", "content": base64.b64encode(signed).decode(), "subject": None}
    try:
        handed = Handed(file=str(file), kept=api.post(f"/v1/changes/{change}/evidence", body).json)
    except InterlockError as error:
        handed = Handed(file=str(file), kept=None, why=f"{error.code}: {error.message}")
    try:
        if out is not None:
            write_whole(out, signed)
    except InvalidInput as error:
        aside("doubt", f"{error.message}; it is in {file}")
    return handed


def kept_file(config: Config, run: str) -> Path:
    """Where what a run signed is kept."""
    return config.home / FOLDER / f"{run}.dsse"


def _private(place: str | Path) -> PrivateKey:
    content = read_bytes(place, limit=MAX_KEY)
    load = load_ssh_private_key if b"OPENSSH" in content else load_pem_private_key
    try:
        key = load(content, password=None)
    except TypeError as error:
        raise _unusable(place, "an encrypted one") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _unusable(place, "something else") from error
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise _unusable(place, "one of another kind")


def _unusable(place: str | Path, got: str) -> InvalidInput:
    return InvalidInput(
        f"expected an unencrypted private key in PEM (Ed25519 or ECDSA P-256) at `{place}`, got {got}",
        code="runner-key",
        hint="openssl genpkey -algorithm ed25519 -out KEY makes one; its public half goes into the rules",
    )
