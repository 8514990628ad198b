"""``interlock serve`` as a real process in a folder: started, paused, killed, asked.

Rules:
1. It is the command that users run, with nothing of the caller's interlock settings in its environment.
2. Whoever asks it has a token, as everybody has.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from interlock.core.change.errors import BadReply
from interlock.testing.programs import Program

SCOPES = ("read", "open", "gate", "evidence")
ANSWER_SECONDS = 10.0
INTERLOCK = (sys.executable, "-m", "interlock")
Told = dict[str, Any]


def own_environment() -> dict[str, str]:
    """This process's environment without interlock's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}


class Server(Program):
    """One server over the state in ``root``; each start picks a free port, and has ``more`` in its environment."""

    def __init__(self, root: Path, *, database: str = "", more: Mapping[str, str] | None = None) -> None:
        super().__init__("serve")
        self.more = dict(more or {})
        self._root, self._database = root, database
        self._token = ""
        self._begun = 0

    def command(self) -> Sequence[str | Path]:
        """See ``Program``."""
        self._begun = self.log_file.stat().st_size if self.log_file.exists() else 0
        return (*INTERLOCK, "serve", "--port", "0", "--log", "json", *self._more())

    def environment(self) -> dict[str, str]:
        """See ``Program``."""
        return {**own_environment(), "PWD": str(self._root), **self.more}

    def start(self, seconds: float = 60.0) -> None:
        """See ``Program``; its working folder is the state's."""
        if self.alive:
            raise RuntimeError("expected the server not to run, it does")
        command = [str(part) for part in self.command()]
        with self.log_file.open("ab") as log:
            self._running = subprocess.Popen(  # noqa: S603  # our own command
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._root,
                env=self.environment(),
                start_new_session=True,
            )
        self.wait_until_ready(seconds)

    def ready(self) -> bool:
        """Whether it has said where it listens."""
        return bool(self.address)

    @property
    def address(self) -> str:
        """Where this run listens, empty before it said so."""
        if not self.log_file.exists():
            return ""
        for line in self.log_file.read_bytes()[self._begun :].splitlines():
            if b'"address"' in line:
                return str(json.loads(line)["address"])
        return ""

    @property
    def token(self) -> str:
        """A token for a pipeline that opens, gates and looks; made when it is first asked for."""
        if not self._token:
            scopes = [part for scope in SCOPES for part in ("--scope", scope)]
            words = ["token", "create", "pipeline", "--kind", "pipeline", *scopes]
            self._token = subprocess.run(  # noqa: S603  # our own command
                [*INTERLOCK, *words],
                cwd=self._root,
                env={**own_environment(), **({"INTERLOCK_DATABASE": self._database} if self._database else {})},
                capture_output=True,
                check=True,
                text=True,
                timeout=60,
            ).stdout.strip()
        return self._token

    @property
    def reached_by(self) -> Mapping[str, str]:
        """The settings of whoever asks it."""
        return {"INTERLOCK_SERVER": self.address, "INTERLOCK_TOKEN": self.token}

    def get(self, path: str) -> Told:
        """What the API says there."""
        asked = Request(f"{self.address}{path}", headers={"authorization": f"Bearer {self.token}"})  # noqa: S310  # ours
        with urlopen(asked, timeout=ANSWER_SECONDS) as reply:  # noqa: S310  # an address of our own
            found: Told = json.load(reply)
        return found

    def rollout(self, name: str) -> Told:
        """One rollout, as ``watch`` reads it."""
        return self.get(f"/v1/rollouts/{name}")

    def entries(self, subject: str) -> Sequence[Told]:
        """What the ledger has about it, newest first."""
        found: Sequence[Told] = self.get(f"/v1/ledger/entries?limit=200&subject={subject}")["items"]
        return found

    def until(self, name: str, condition: Callable[[Told], object], *, seconds: float) -> Told:
        """The rollout as soon as ``condition`` holds of it.

        Raises:
            BadReply: ``rollout-late`` when it does not in time, with where it stands.
        """
        end = time.monotonic() + seconds
        while True:
            shown = self.rollout(name)
            if condition(shown):
                return shown
            if time.monotonic() > end:
                record = shown["record"]
                raise BadReply(
                    f"expected more of rollout {name} within {seconds:g} s, got {record['state']}, "
                    f"{record['phase']}, {record['weight']:g} %: {record['why'] or record['told']}",
                    code="rollout-late",
                    hint=f"look at {self.log_file}",
                    plugin="serve",
                )
            time.sleep(0.05)

    def _more(self) -> Sequence[str]:
        return ("--database", self._database) if self._database else ()


def ended(shown: Told) -> bool:
    """Whether nobody moves the rollout any more."""
    return shown["record"]["state"] in {"completed", "returned", "failed"}
