"""A desk at which the programs of a plan's steps say that they begin and that they end, and wait to be let go on.

As a program, this runs a step's command between two words to the desk:

    python -m interlock.testing.kills.desk PORT NAME COMMAND…

Rules:
1. ``reached`` is asked before the command runs and after it has ended. The step goes on whatever it says, as a
   program goes on whose server was killed; but not before it has said it.
2. Marks are kept in the order in which the programs came to the desk. How a command ended is not asked: one whose
   server was killed has nobody to speak to, and may end by that.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from interlock.testing.kills.door import Door
from interlock.testing.kills.gate import Reached
from interlock.testing.proxies.proxy import LOCAL

BEFORE, AFTER = "before", "after"
_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Mark:
    """A step's command is about to run (``before``), or has ended (``after``), of one rollout."""

    rollout: str
    step: str
    moment: str


@dataclass(slots=True)
class Desk:
    """On a port of its own. Use as a context manager."""

    reached: Reached
    marks: list[Mark] = field(default_factory=list)
    _door: Door = field(init=False)

    def __post_init__(self) -> None:
        self._door = Door(self.hear)

    def __enter__(self) -> Self:
        self._door.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._door.__exit__(*error)

    def hear(self, step: socket.socket) -> None:
        """Take one word down."""
        mark = Mark(*step.makefile("r").readline().split())
        self.marks.append(mark)
        self.reached(f"{mark.moment} {mark.step}", 0)
        step.sendall(b"go on\n")

    def told(self, step: str, command: Sequence[str]) -> list[str]:
        """The command that says at this desk when ``command`` begins and ends."""
        port = str(self._door.port)
        return [sys.executable, "-m", "interlock.testing.kills.desk", port, step, *command]

    def ran(self, rollout: str, step: str) -> list[str]:
        """What was said of one step, in order: ``before`` and ``after``."""
        return [mark.moment for mark in self.marks if (mark.rollout, mark.step) == (rollout, step)]


def _say(port: str, step: str, moment: str) -> None:
    with socket.create_connection((LOCAL, int(port)), timeout=_SECONDS) as line:
        line.sendall(f"{os.environ['ROLLOUT_ID']} {step} {moment}\n".encode())
        line.recv(64)


def main(arguments: Sequence[str]) -> int:
    """The exit code of the command."""
    port, step, *command = arguments
    _say(port, step, BEFORE)
    code = subprocess.run(command, check=False).returncode  # noqa: S603  # the plan's own command
    _say(port, step, AFTER)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
