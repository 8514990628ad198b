"""A sample shop with its first rules in force, stood for by two people whose keys are thrown away afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from interlock.core.evidence.dsse import key_id_of
from interlock.core.policy.modes import default_modes
from interlock.registry import bundled_policies
from interlock.testing.shop.make import PEOPLE, Shop
from interlock.testing.shop.terminal import Say, Terminal
from interlock.testing.signing import UnsafeNamedSigner


def founded(
    root: Path,
    *,
    enforced: Sequence[str],
    plans: Mapping[str, bytes],
    say: Say,
    environment: Mapping[str, str] | None = None,
) -> Shop:
    """The shop at ``root``; of its policies those in ``enforced`` are more than watched.

    ``environment`` is what the commands have that found it, such as where the state is.
    """
    keys = root.with_name(f"{root.name}-keys")
    lines = _written(keys)
    runner = UnsafeNamedSigner("ci-runner").private_key.public_key()
    pem = runner.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    policies = {**bundled_policies(), "modes.yaml": default_modes(enforced).encode()}
    shop = Shop(root=root, keys=lines, runner=(key_id_of(runner), pem), policies=policies, plans=plans)
    shop.build()
    terminal = Terminal(root=root, say=say, environment=dict(environment or {}))
    for person, exits in (("vera", 1), ("ana", 0)):
        terminal.run("rules", "genesis", "--key", str(keys / person), exits=exits, show=False)
    shutil.rmtree(keys)
    return shop


def _written(folder: Path) -> dict[str, str]:
    """Everybody's private key as a file in ``folder``, everybody's public key by name."""
    folder.mkdir(parents=True)
    lines = {}
    for person in PEOPLE:
        signer = UnsafeNamedSigner(person)
        place = folder / person
        place.write_bytes(signer.private_key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
        place.chmod(0o600)
        lines[person] = signer.public_key.line
    return lines
