"""``interlock judge``: the judge over recorded counts, with no server, no state and no rollout.

Rules:
1. It is the code that judges rollouts, fed line by line; what it says of your history it would have said then.
2. Without φ, from the settings or measured on ``--history``, nothing passes and only catastrophes stop.
3. Settings are written as the section `judge` of a rollout plan is, and read by the same reader.
4. Exit 0 is a PASS and nothing else; 1 is STOP; 3 is everything that was not decided.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from interlock.core.change.errors import InvalidInput
from interlock.doors.cli.desk import REFUSED, UNDECIDED, as_json, leave, show_json
from interlock.doors.cli.files import read_bytes
from interlock.doors.cli.reading import progress

if TYPE_CHECKING:
    from interlock.core.judge.course import Course
    from interlock.core.judge.history import Measured
    from interlock.core.judge.settings import JudgeSettings

_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,9})?) ?(%)?")
MOST_TICKS = 1_000_000
MOST_CONFIG = 1 << 20
EXITS = {"pass": 0, "stop": REFUSED}


@click.command()
@click.argument("counts", metavar="COUNTS.jsonl")
@click.option(
    "--config",
    "config",
    metavar="FILE",
    required=True,
    help="The judge's settings, as in a plan's `judge`; YAML or JSON.",
)
@click.option(
    "--history",
    metavar="FILE",
    help="Ticks without harm, the control a list of shards: φ is measured on them. No canary is needed.",
)
@click.option("--margin", metavar="SHARE", help="What must be ruled out to pass, as 50% or 0.5; default 90%.")
@click.option("--verify", is_flag=True, help="Compare every recorded verdict and log E, and refuse a deviation.")
@as_json
def judge(
    *, counts: str, config: str, history: str | None, margin: str | None, verify: bool, as_json: bool
) -> None:
    """Judge recorded counts: one line a tick, from a file or - for standard input."""
    from interlock.core.judge.course import course, report  # noqa: PLC0415  # numpy is loaded only when something is judged

    wanted = None if margin is None else _share(margin)
    settings = _settings(config)
    with progress() as tell:
        missing = None
        if history is not None:
            measured = _measured(settings, history, tell)
            settings, missing = measured.settings, measured.missing
        found = course(settings, _lines(counts, tell), where=f"{counts}:", margin=wanted, verify=verify)
    if as_json:
        show_json({**report(found), "unmeasured": dict(missing or {})})
    else:
        click.echo("\n".join(_screen(found, missing)))
    leave(EXITS.get(found.word, UNDECIDED))


def _share(text: str) -> float:
    """``50%`` or ``0.5``; the judge looks at its range.

    Raises:
        InvalidInput: ``judge-margin``.
    """
    found = _SHARE.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(
            f"expected a share for --margin, got `{text[:40]}`", code="judge-margin", hint="write 50%, or 0.5"
        )
    return float(found[1]) / (100.0 if found[2] else 1.0)


def _settings(config: str) -> JudgeSettings:
    from interlock.core.rollout.plan_read import read_judge  # noqa: PLC0415  # likewise

    return read_judge(config, read_bytes(config, limit=MOST_CONFIG))


def _measured(settings: JudgeSettings, history: str, tell: Callable[[str], None]) -> Measured:
    """The settings with φ of every metric that they have none of."""
    from interlock.core.judge.history import measured  # noqa: PLC0415  # likewise

    return measured(settings, _lines(history, tell), where=f"{history}:")


def _lines(named: str, tell: Callable[[str], None]) -> Iterator[bytes]:
    """Lines of a file or of standard input, bounded each and in number."""
    if named == "-":
        yield from _bounded(sys.stdin.buffer, named, tell)
        return
    path = Path(named)
    try:
        if not path.is_file():
            raise _unreadable(named)
        with path.open("rb") as opened:
            yield from _bounded(opened, named, tell)
    except OSError as error:
        raise _unreadable(named) from error


def _bounded(opened: BinaryIO, named: str, tell: Callable[[str], None]) -> Iterator[bytes]:
    from interlock.core.judge.record import MOST_BYTES  # noqa: PLC0415  # likewise

    number = 0
    while line := opened.readline(MOST_BYTES + 2):
        number += 1
        if number > MOST_TICKS:
            raise InvalidInput(
                f"expected at most {MOST_TICKS:,} lines, got more in `{named}`",
                code="ticks-too-many",
                hint="judge one rollout at a time, or cut it into longer ticks",
            )
        if number % 1000 == 0:
            tell(f"{named}: {number:,} lines")
        yield line


def _screen(found: Course, missing: Mapping[str, str] | None) -> list[str]:
    from interlock.doors.cli.screens.judge import screen  # noqa: PLC0415  # --json draws nothing

    return screen(found, missing)


def _unreadable(named: str) -> InvalidInput:
    return InvalidInput(
        f"expected a readable file of ticks, got none at `{named}`",
        code="file-unreadable",
        hint="check the path and its permissions, or give - and pipe the lines in",
    )
