"""What the README shows of ``interlock check`` is what the sample shop's operator sees."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from interlock.core.evidence.dsse import key_id_of
from interlock.core.policy.modes import default_modes
from interlock.registry import bundled_policies
from interlock.testing.authenticator import UnsafeSimulatedAuthenticator
from interlock.testing.shop import PEOPLE, Shop
from interlock.testing.shop.story import ENFORCED

README = Path(__file__).parents[2] / "README.md"
PROVISIONAL = " · by the rules of this working tree: none are in force yet"


def shop_at(folder):
    public = Ed25519PrivateKey.generate().public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    keys = {name: UnsafeSimulatedAuthenticator(name).public_key.line for name in PEOPLE}
    policies = {**bundled_policies(), "modes.yaml": default_modes(ENFORCED).encode()}
    return Shop(root=folder, keys=keys, runner=(key_id_of(public), pem), policies=policies)


def test_the_screen_is_what_check_prints(tmp_path):
    shop = shop_at(tmp_path / "shop")
    shop.build()
    shop.first_attempt()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
    done = subprocess.run(
        [sys.executable, "-m", "interlock", "check"],
        cwd=shop.root,
        env=kept,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    first, second, *rest = done.stdout.splitlines()
    # The demonstration has its genesis behind it, so its first line says nothing of the working tree.
    assert f"{first} {second.strip()}".endswith(PROVISIONAL)
    printed = [f"{first} {second.strip()}".removesuffix(PROVISIONAL), *rest]
    shown = README.read_text(encoding="utf-8").partition("```\n$ interlock check\n")[2].partition("\n```")[0]
    assert shown.splitlines() == [*printed, f"exit {done.returncode}"]
