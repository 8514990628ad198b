"""One run of a user's program: no shell, a deadline for all of it, bounded output, nothing left behind.

Rules:
1. The program runs in a process group of its own, which is killed when the deadline is over or more than 64 KiB
   come.
2. It gets interlock's environment without the variables that are interlock's own (its token, its database), and
   what the caller adds.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from interlock.core.change.errors import Unavailable
from interlock.plugins.routers.wire import Deadline, bad

MOST = 64 << 10
_OWN = "INTERLOCK_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a program ended; negative codes are signals."""

    code: int
    out: bytes
    err: bytes

    def complaint(self) -> str:
        """The last line of what it said about an error."""
        lines = self.err.decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip()[:160] if lines else "nothing on standard error"


def run(argv: Sequence[str], added: Mapping[str, str], deadline: Deadline, *, plugin: str) -> Ran:
    """Run ``argv`` to its end.

    Raises:
        Unavailable: ``router-unreachable`` when it cannot be started or takes too long.
        BadReply: ``router-reply`` when it says too much.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
    try:
        started = subprocess.Popen(  # noqa: S603  # the plan's own argument list, no shell
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**environment, **added},
            start_new_session=True,
        )
    except OSError as error:
        words = (error.strerror or str(error)).lower()
        raise _unavailable(argv, words, "give a program that this user may run", plugin) from error
    with started:
        try:
            out, err = _heard(started, deadline, plugin)
            return Ran(code=started.wait(timeout=deadline.left()), out=out, err=err)
        except (TimeoutError, subprocess.TimeoutExpired) as error:
            raise _unavailable(argv, "no end in time", "let it end within 2 s", plugin) from error
        finally:
            _end(started)


def _heard(started: subprocess.Popen[bytes], deadline: Deadline, plugin: str) -> tuple[bytes, bytes]:
    heard: dict[IO[bytes], bytes] = {each: b"" for each in (started.stdout, started.stderr) if each is not None}
    with selectors.DefaultSelector() as waiting:
        for pipe in heard:
            waiting.register(pipe, selectors.EVENT_READ)
        while waiting.get_map():
            for key, _ in waiting.select(deadline.left()):
                pipe = next(each for each in heard if each is key.fileobj)
                part = os.read(pipe.fileno(), 1 << 14)
                heard[pipe] += part
                if not part:
                    waiting.unregister(pipe)
                if len(heard[pipe]) > MOST:
                    raise bad(f"at most {MOST} bytes", "more", plugin=plugin)
    out, err = heard.values()
    return out, err


def _end(started: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the group, also what a program that ended left running."""
    try:
        os.killpg(started.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _unavailable(argv: Sequence[str], got: str, hint: str, plugin: str) -> Unavailable:
    return Unavailable(
        f"expected `{argv[0][:80]}` to answer, got {got}", code="router-unreachable", hint=hint, plugin=plugin
    )
