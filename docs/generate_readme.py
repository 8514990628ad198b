"""The README's screen: what ``interlock check`` prints in the sample shop on its first attempt."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

_SCREEN = re.compile(r"(?<=```\n)\$ interlock check\n.*?(?=\n```)", re.DOTALL)
WIDTH = "120"
"""Columns of the screen, whatever terminal it is written from."""

_PROVISIONAL = " · by the rules of this working tree: none are in force yet"


def with_screen(readme: str) -> str:
    """The README with the screen as it is now."""
    with tempfile.TemporaryDirectory(prefix="interlock-readme-") as folder:
        shown = _screen(Path(folder) / "shop")
    return _SCREEN.sub(lambda _: shown, readme, count=1)


def _screen(folder: Path) -> str:
    _first_attempt(folder)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
    kept["COLUMNS"] = WIDTH
    command = [sys.executable, "-m", "interlock", "check"]
    done = subprocess.run(command, cwd=folder, env=kept, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603  # our own command
    head, *rest = done.stdout.splitlines()
    # The demonstration has its genesis behind it, so its first line says nothing of the working tree.
    if not head.endswith(_PROVISIONAL):
        head = f"{head} {rest.pop(0).strip()}"
    if not head.endswith(_PROVISIONAL):
        raise AssertionError(head)
    return "\n".join(["$ interlock check", head.removesuffix(_PROVISIONAL), *rest, f"exit {done.returncode}"])


def _first_attempt(folder: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    from interlock.core.evidence.dsse import key_id_of
    from interlock.core.policy.modes import default_modes
    from interlock.registry import bundled_policies
    from interlock.testing.authenticator import UnsafeSimulatedAuthenticator
    from interlock.testing.shop import PEOPLE, Shop
    from interlock.testing.shop.story import ENFORCED

    public = Ed25519PrivateKey.generate().public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    keys = {name: UnsafeSimulatedAuthenticator(name).public_key.line for name in PEOPLE}
    policies = {**bundled_policies(), "modes.yaml": default_modes(ENFORCED).encode()}
    shop = Shop(root=folder, keys=keys, runner=(key_id_of(public), pem), policies=policies)
    shop.build()
    shop.first_attempt()
