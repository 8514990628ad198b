"""The shop's own deployer, as small as can be: puts a built version up as the canary, takes it down, looks.

    python -m interlock.testing.stack.deploy PLACE up ARTEFACT
    python -m interlock.testing.stack.deploy PLACE down
    python -m interlock.testing.stack.deploy PLACE serves ARTEFACT | serves nothing

Rules:
1. ``PLACE`` is the folder that the stack wrote ``place.json`` into: the canary's port, and whose companion it is.
2. What is put up is the artefact's own content and nothing else; a version's name is its SHA-256.
3. Each command may be repeated: what is up is left up, what is down is left down. ``serves`` asks the port itself,
   never a note of what was done.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from interlock.testing.proxies.proxy import LOCAL
from interlock.testing.stack.behaviour import Behaviour

PLACE, PID = "place.json", "canary.pid"
NOTHING = "nothing"
SECONDS = 15.0


def version_of(artefact: Path) -> str:
    """The name of the version in an artefact."""
    return hashlib.sha256(artefact.read_bytes()).hexdigest()[:12]


def build(root: Path, artefact: Path) -> str:
    """Pack the shop's code and configuration as they lie in ``root``; the version's name."""
    with tarfile.open(artefact, "w") as archive:
        for name in ("src", "config"):
            archive.add(root / name, arcname=name)
    return version_of(artefact)


def prepare(folder: Path, *, port: int, companion: int, behaviour: Behaviour) -> None:
    """Write what the deployer is to know; ``behaviour`` is everything about a version but its code and name."""
    given = {"port": port, "companion": companion, "behaviour": json.loads(behaviour.to_json())}
    (folder / PLACE).write_text(json.dumps(given), encoding="utf-8")


def unpacked(artefact: Path, folder: Path) -> Path:
    """The artefact's content, in a folder of its version's name."""
    target = folder / "versions" / version_of(artefact)
    if not target.exists():
        part = target.with_suffix(".part")
        with tarfile.open(artefact) as archive:
            archive.extractall(part, filter="data")
        part.rename(target)
    return target


class Deployer:
    """Acts on the place in ``folder``."""

    def __init__(self, folder: Path) -> None:
        read = json.loads((folder / PLACE).read_text(encoding="utf-8"))
        self._folder, self._port, self._companion = folder, int(read["port"]), str(read["companion"])
        self._behaviour = Behaviour(**read["behaviour"])

    def up(self, artefact: Path) -> str:
        """Put a version up; what it serves then."""
        version = version_of(artefact)
        if self.serving() == version:
            return version
        self.down()
        behaviour = replace(self._behaviour, version=version, shop=str(unpacked(artefact, self._folder)))
        written = self._folder / "canary.json"
        written.write_text(behaviour.to_json(), encoding="utf-8")
        options = ("--behaviour", str(written), "--port", str(self._port), "--companion", self._companion)
        with (self._folder / "canary.log").open("ab") as log:
            running = subprocess.Popen(  # noqa: S603  # our own module
                [sys.executable, "-m", "interlock.testing.stack.service", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,
            )
        (self._folder / PID).write_text(f"{running.pid}\n", encoding="utf-8")
        _until(lambda: self.serving() == version or running.poll() is not None)
        return self.serving()

    def down(self) -> str:
        """Take whatever is up down; what is served then."""
        note = self._folder / PID
        if note.exists():
            pid = int(note.read_text(encoding="utf-8"))
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            _until(lambda: self.serving() == NOTHING)
            note.unlink()
        return self.serving()

    def serving(self) -> str:
        """The version that answers on the canary's port."""
        try:
            with urlopen(f"http://{LOCAL}:{self._port}/healthz", timeout=1.0) as reply:
                return str(json.load(reply)["version"])
        except (URLError, OSError, ValueError):
            return NOTHING


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)


def main(arguments: Sequence[str]) -> int:
    """Exit 0 when what is served is what was asked for, else 1; one line says what that is."""
    parser = argparse.ArgumentParser(prog="interlock.testing.stack.deploy")
    parser.add_argument("place", type=Path)
    parser.add_argument("act", choices=("up", "down", "serves"))
    parser.add_argument("artefact", nargs="?", default=NOTHING)
    given = parser.parse_args(arguments)
    deployer = Deployer(given.place)
    wanted = NOTHING if given.artefact == NOTHING else version_of(Path(given.artefact))
    acts = {"up": lambda: deployer.up(Path(given.artefact)), "down": deployer.down, "serves": deployer.serving}
    served = acts[given.act]()
    sys.stdout.write(f"the canary's port serves {served}\n")
    return 0 if served == wanted else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
