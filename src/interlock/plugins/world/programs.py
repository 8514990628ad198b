"""Programs of a rollout's steps: run with their arguments, ended with all they started when their time is over.

Rules:
1. Nothing goes through a shell. The environment is this process's, without interlock's own settings (a step that
   asks interlock for something says by itself where), and what the rollout adds.
2. Of what a program says the last line is kept, at most 300 characters; the rest is read and dropped, so that no
   step hangs on a full pipe.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from typing import IO

from interlock.ports.programs import Ran

_MOST = 64 * 1024
_SAID = 300
_PATIENCE = 5.0


class SystemPrograms:
    """Programs of this machine, started in ``root``."""

    def __init__(self, root: str) -> None:
        self._root = root

    def run(self, arguments: tuple[str, ...], *, timeout: float, environment: Mapping[str, str]) -> Ran:
        """Run one to its end; after ``timeout`` seconds it and all it started is ended."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
        with tempfile.TemporaryFile() as said:
            try:
                started = subprocess.Popen(  # noqa: S603  # a plan is a rule: two people signed for it
                    arguments,
                    cwd=self._root,
                    env={**own, **environment},
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:
                return Ran(code=None, said=f"it could not be started: {error}"[:_SAID])
            code = _ended(started, timeout)
            return Ran(code=code, said=_last_line(said))


def _ended(started: subprocess.Popen[bytes], timeout: float) -> int | None:
    try:
        return started.wait(timeout)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(started.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            started.wait(_PATIENCE)


def _last_line(said: IO[bytes]) -> str:
    said.seek(0, os.SEEK_END)
    said.seek(max(0, said.tell() - _MOST))
    lines = said.read().decode(errors="replace").split("\n")
    return next((line.strip()[:_SAID] for line in reversed(lines) if line.strip()), "")
