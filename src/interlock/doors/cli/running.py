"""A change that is run and tried by somebody here, and the transcript of it.

Rules:
1. What is run is the content on record: another one, or edits that are in no commit, are refused.
2. It passed when the program ended well, or by the Ctrl-C of whoever tried it, or was ended here once every
   address had answered; and when every address did answer.
3. The transcript stays in a file here, without the values of secret variables; the statement has its digest.
4. Nobody's word counts more than it did: a runner's key must sign it, and no rule for Tier-1 asks for it.
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
from typing import Any

import click

from interlock.config import Config
from interlock.core.change.canonical import Json, plain, sha256
from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.statement import OURS
from interlock.core.evidence.transcript import Masker, Transcript, secrets_of
from interlock.doors.cli.at_hand import AtHand, exactly
from interlock.doors.cli.client import Client
from interlock.doors.cli.files import write_whole
from interlock.doors.cli.run_record import begun, over
from interlock.doors.cli.runner import FOLDER, check_out, hand_in, runner_of, sign
from interlock.doors.cli.text import safe
from interlock.plugins.world.on_terminal import has_terminal, run_on_terminal, run_piped, size
from interlock.plugins.world.rollback_files import keep_out_of_git
from interlock.plugins.world.system import RandomIds, SystemClock
from interlock.plugins.world.visits import Visit, Visits
from interlock.ports.programs import NoCode

Told = dict[str, Any]
LOCAL = OURS + "local/v1"
"""``{verdict, service, command, exit_code, seconds, terminal, transcript: {digest, …}, visits: [{url, …}, …]}``"""
INTERRUPTED = 130
STOPPED = frozenset({-signal.SIGINT, INTERRUPTED})
MOST_COMMAND = 2_000
MOST_VISITS = 50


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
        """By rule 2."""
        stopped = self.terminal and self.code in STOPPED
        shown = self.why == "unwanted" and bool(self.visits)
        return (self.code == 0 or stopped or shown) and all(one.good for one in self.visits)


def tried(api: Client, config: Config, name: str, asked: Asked) -> Told:
    """Run it, keep what it said, and hand that in.

    Raises:
        InvalidInput: ``local-service``, ``local-visit``, ``local-command``, or what is wrong with the key.
        Conflict: the checkout is not the change.
    """
    check_out(asked.out)
    _check_visits(asked.visits)
    here = exactly(api, name, config)
    service = _service(here, asked.service)
    rules = api.get("/v1/rules").json
    runner = runner_of(asked.key, config, rules, LOCAL, tuple(here.change["services"]))
    if runner is not None and runner.doubt:
        click.echo(f"doubt    {safe(runner.doubt)}: this will be kept and not count", err=True)
    run = RandomIds().new("lcl")
    begun(api, change=here.change["id"], run=run, producer="local", about=service, seconds=asked.seconds + 60.0)
    try:
        ended = _run(config, run, asked)
    except BaseException:
        over(api, run, "cancelled")
        raise
    said: dict[str, Json] = {"run": run, "tool": f"run of {service}", "service": service, **_predicate(ended)}
    handed = None
    if runner is not None:
        days = rules["settings"]["thresholds"]["evidence_days"]
        signed = sign(runner, subject=here.change["digest"], predicate_type=LOCAL, predicate=said, days=days)
        handed = hand_in(api, config, change=here.change["id"], run=run, signed=signed, out=asked.out)
    kept = handed.kept["id"] if handed and handed.kept else None
    over(api, run, "passed" if ended.good else "failed", evidence=kept)
    about = {"change": here.change["id"], **said, "good": ended.good, "file": str(ended.file)}
    return {**about, "evidence": None if handed is None else plain(handed)}


def _check_visits(visits: tuple[str, ...]) -> None:
    for url in visits:
        if not url.startswith(("http://", "https://")) or len(visits) > MOST_VISITS:
            raise InvalidInput(
                f"expected at most {MOST_VISITS} addresses to visit, got `{url[:120]}`",
                code="local-visit",
                hint="write http://… or https://…",
            )


def _service(here: AtHand, named: str | None) -> str:
    touched = here.change["services"]
    if named is None and len(touched) == 1:
        return str(touched[0])
    if named is None or named not in touched:
        raise InvalidInput(
            f"expected a service that the change touches, got `{named}`"
            if named
            else "expected a service, got none",
            code="local-service",
            hint=f"name one: --service {' | '.join(touched)}" if touched else "the change touches no service",
        )
    return named


def _run(config: Config, run: str, asked: Asked) -> Ended:
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


def _predicate(ended: Ended) -> dict[str, Json]:
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
