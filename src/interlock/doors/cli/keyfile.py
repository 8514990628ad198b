"""A key file: whose fingerprint it has, and a signature made with it.

Rules:
1. An unencrypted software key signs in this process; whatever needs a passphrase, an agent or a touch goes
   through ``ssh-keygen -Y sign``, which asks for it.
2. Nothing secret is copied: the statement is the only thing written, to a folder of its own that is removed.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from interlock.core.approval.model import NAMESPACE
from interlock.core.change.errors import InvalidInput, Unavailable
from interlock.doors.cli.files import read_text

MAX_FILE = 64 * 1024
SIGN_SECONDS = 120


def fingerprint_of(key: Path) -> str:
    """The fingerprint of a key file's public half."""
    from interlock.core.approval.keys import parse_key_blob, parse_public_key  # noqa: PLC0415  # only to sign
    from interlock.core.approval.sshsig import public_blob  # noqa: PLC0415  # likewise

    for place in (key, key.with_name(key.name + ".pub")):
        text = read_text(place, limit=MAX_FILE) if place.is_file() else ""
        if text.startswith(("ssh-", "ecdsa-", "sk-")):
            return parse_public_key(text.strip()).fingerprint
    loaded = _software_key(key)
    if loaded is None:
        raise InvalidInput(
            f"expected `{key}.pub` beside an encrypted key, got none",
            code="key-public",
            hint=f"ssh-keygen -y -f {key} > {key}.pub",
        )
    return parse_key_blob(public_blob(loaded)).fingerprint


def sign(key: Path, message: bytes) -> str:
    """The armoured signature over ``message``.

    Raises:
        Unavailable: ``ssh-keygen-missing`` or ``ssh-keygen-failed``.
    """
    from interlock.core.approval.sshsig import sign as sign_here  # noqa: PLC0415  # only to sign

    loaded = _software_key(key)
    if loaded is not None:
        return sign_here(loaded, message, NAMESPACE)
    return _by_ssh_keygen(key, message)


def _software_key(key: Path) -> Any:  # noqa: ANN401  # cryptography's union of private keys
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  # only to sign
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key  # noqa: PLC0415  # likewise

    content = read_text(key, limit=MAX_FILE)
    if "PRIVATE KEY" not in content:
        return None
    try:
        return load_ssh_private_key(content.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None  # encrypted, or on a security key: ssh-keygen knows what to do with it


def _by_ssh_keygen(key: Path, message: bytes) -> str:
    program = shutil.which("ssh-keygen")
    if program is None:
        raise Unavailable(
            "expected ssh-keygen for this key, got none",
            code="ssh-keygen-missing",
            hint="install OpenSSH, or sign elsewhere: --print, then --statement and --signature",
            plugin="ssh-keygen",
        )
    with tempfile.TemporaryDirectory(prefix="interlock-") as folder:
        file = Path(folder) / "statement.json"
        file.write_bytes(message)
        command = [program, "-q", "-Y", "sign", "-n", NAMESPACE, "-f", str(key), str(file)]
        try:
            done = subprocess.run(command, check=False, timeout=SIGN_SECONDS, stderr=subprocess.PIPE)  # noqa: S603  # a program by its path, fixed words
        except subprocess.TimeoutExpired as error:
            raise _not_signed("no touch or passphrase in time") from error
        made = file.with_name("statement.json.sig")
        if done.returncode != 0 or not made.is_file():
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise _not_signed(said[-1][:120] if said else "nothing")
        return made.read_text("ascii")


def _not_signed(got: str) -> Unavailable:
    return Unavailable(
        f"expected ssh-keygen to sign, got: {got}",
        code="ssh-keygen-failed",
        hint="check the key, its passphrase and the agent; touch the security key when it blinks",
        plugin="ssh-keygen",
    )
