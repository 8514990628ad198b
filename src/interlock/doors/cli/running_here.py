"""A program that is run in front of somebody: what it says is passed on and kept, and how it ended.

Rules:
1. It passed when it ended well, or by the Ctrl-C of whoever tried it, or was ended here once every address had
   answered; and when every address did answer.
2. The transcript stays in a file here, without the values of secret variables.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from interlock.config import Config
from interlock.core.change.canonical import Json, plain, sha256
from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.transcript import Masker, Transcript, secrets_of
from interlock.doors.cli.files import write_whole
from interlock.doors.cli.runner import FOLDER
from interlock.plugins.world.on_terminal import has_terminal, run_on_terminal, run_piped, size
from interlock.plugins.world.rollback_files import keep_out_of_git
from interlock.plugins.world.system import SystemClock
from interlock.plugins.world.visits import Visit, Visits
from interlock.ports.programs import NoCode

STOPPED = frozenset({-signal.SIGINT, 128 + signal.SIGINT})
MOST_COMMAND = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody asks for; ``quiet``: standard output is for something else than what the program says."""

    command: tuple[str, ...]
    service: str | None
    visits: tuple[str, ...]
    seconds: float
    key: str | None
    out: str | None
    quiet: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How it ended, and where its transcript is."""

    code: int | None
    why: NoCode
    seconds: float
    terminal: bool
    visits: tuple[Visit, ...]
    file: Path
    digest: str
    transcript: Transcript
    masked: int
    command: str

    @property
    def good(self) -> bool:
        """By rule 1."""
        stopped = self.terminal and self.code in STOPPED
        shown = self.why == "unwanted" and bool(self.visits)
        return (self.code == 0 or stopped or shown) and all(one.good for one in self.visits)


def run_here(config: Config, run: str, asked: Asked) -> Ended:
    """Run it, and keep what it says.

    Raises:
        InvalidInput: ``local-command`` where it cannot be started.
    """
    terminal = has_terminal() and not asked.quiet
    masker, command = Masker(secrets_of(os.environ)), shlex.join(asked.command)
    columns, rows = size()
    now = int(SystemClock().now().timestamp())
    transcript = Transcript(masker, columns=columns, rows=rows, began=now, command=command)
    visits, began = Visits(asked.visits, asked.seconds), time.monotonic()
    out = sys.stderr.buffer if asked.quiet else sys.stdout.buffer

    def heard(piece: bytes) -> None:
        transcript.said(piece, time.monotonic() - began)
        out.write(piece)
        out.flush()

    act = run_on_terminal if terminal else run_piped
    file = _place(config, run)
    visits.start()
    try:
        code, why = act(
            asked.command,
            root=str(config.root),
            timeout=asked.seconds,
            heard=heard,
            unwanted=_unwanted(visits, asked, terminal=terminal),
        )
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InvalidInput(
            f"expected a command that can be started, got `{asked.command[0][:120]}`: {words.lower()}",
            code="local-command",
            hint="it is no line of a shell: sh -c '…' is one",
        ) from error
    finally:
        found, seconds = visits.stop(), time.monotonic() - began
        content = transcript.over(seconds)
        write_whole(file, content)
    return Ended(
        code=code,
        why=why,
        seconds=round(seconds, 3),
        terminal=terminal,
        visits=found,
        file=file,
        digest=sha256(content),
        transcript=transcript,
        masked=masker.masked,
        command=masker.whole(command)[:MOST_COMMAND],
    )


def _unwanted(visits: Visits, asked: Asked, *, terminal: bool) -> Callable[[], bool]:
    """Without a terminal nobody else ends what has been visited."""
    return lambda: bool(asked.visits) and not terminal and visits.over


def _place(config: Config, run: str) -> Path:
    folder = config.home / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    keep_out_of_git(config.home)
    return folder / f"{run}.cast"


def predicate(ended: Ended) -> dict[str, Json]:
    """The predicate's own part."""
    transcript = ended.transcript
    return {
        "verdict": "passed" if ended.good else "failed",
        "command": ended.command,
        "exit_code": ended.code,
        "ended": ended.why or ("stopped" if ended.code in STOPPED else "by itself"),
        "seconds": ended.seconds,
        "terminal": ended.terminal,
        "transcript": {
            "digest": ended.digest,
            "format": "asciicast/v2",
            "events": transcript.events,
            "left_out": transcript.left_out,
            "masked": ended.masked,
        },
        "visits": [plain(one) for one in ended.visits],
    }
