"""The three checks that would have prevented the outage, on the sample shop: what they take of a machine.

A rollback that was rehearsed (real processes in a staging), a canary that is planned (the rules read change.md),
alerts on what the change can break (real promtool): each by the command that a team types, from a process of its
own, with the processor time of everything that it started.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from interlock.core.evidence.dsse import key_id_of
from interlock.registry import bundled_policies
from interlock.testing.shop.make import PEOPLE, Shop
from interlock.testing.shop.staging import Staging
from interlock.testing.signing import UnsafeNamedSigner

TARGET = "below 90 s for all three"
COMMANDS = {
    "rollback rehearsed": ("evidence", "run", "rehearsal", "--key", "../runner.pem"),
    "alerts proven": ("evidence", "run", "alerts", "--key", "../runner.pem"),
    "canary planned, and all else decided": ("check",),
}


def rows() -> list[dict[str, object]]:
    """One row for each check, and one for all."""
    with tempfile.TemporaryDirectory(prefix="interlock-checks-") as name:
        folder = Path(name)
        staging = Staging(folder / "staging", folder / "shop" / ".interlock" / "order-service.tar")
        try:
            environment = _founded(folder, staging)
            took = {what: _timed(folder / "shop", environment, words) for what, words in COMMANDS.items()}
        finally:
            staging.close()
    each: list[dict[str, object]] = [
        {"figure": what, "value": wall, "unit": "s", "note": f"{cpu:.1f} s of processor time"}
        for what, (wall, cpu) in took.items()
    ]
    wall, cpu = (sum(one[place] for one in took.values()) for place in (0, 1))
    whole = {"figure": "the three checks, end to end", "value": wall, "unit": "s", "target": TARGET}
    return [*each, whole | {"note": f"{cpu:.1f} s of processor time"}]


def _founded(folder: Path, staging: Staging) -> dict[str, str]:
    """The shop with rules in force and the team's change open; the environment of its commands."""
    keys = {name: UnsafeNamedSigner(name) for name in PEOPLE}
    runner = Ed25519PrivateKey.generate()
    pem = runner.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    (folder / "runner.pem").write_bytes(runner.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    shop = Shop(
        root=folder / "shop",
        keys={name: signer.public_key.line for name, signer in keys.items()},
        runner=(key_id_of(runner.public_key()), pem),
        policies=bundled_policies(),
        plans=staging.plans(),
        watched=True,
    )
    shop.build()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
    for person in ("vera", "ana"):
        place = folder / person
        private = keys[person].private_key
        place.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
        place.chmod(0o600)
        _run(shop.root, environment, ("rules", "genesis", "--key", str(place)))
    staging.begin(shop)
    shop.second_attempt()
    packed = ["tar", "-cf", ".interlock/order-service.tar", "src", "config"]
    subprocess.run(packed, cwd=shop.root, check=True, timeout=60)
    change = _run(shop.root, environment, ("change", "open", "--base", "main")).stdout.split()[0]
    return environment | {"INTERLOCK_CHANGE": change}


def _timed(root: Path, environment: dict[str, str], words: tuple[str, ...]) -> tuple[float, float]:
    """Seconds by the clock, and of processor time with all that it waited for."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = _run(root, environment, words)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if words[0] == "evidence" and "trusted" not in done.stdout:
        sys.exit(f"expected evidence that counts, got:\n{done.stdout}{done.stderr}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _run(root: Path, environment: dict[str, str], words: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "interlock", *words]
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    if "error[" in done.stderr:
        sys.exit(done.stderr)
    return done
