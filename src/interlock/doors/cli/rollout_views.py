"""Three ways to show a rollout as it goes: a picture drawn anew, one line for each change, one JSON object a line.

Rules:
1. A picture is drawn only where somebody looks; a pipe gets lines that can be read later.
2. Lines come when something changed, and once a minute when nothing did: a log shows that somebody watched.
3. In JSON each tick is told once: ``recent`` holds those that are newer than the line before.
"""

from __future__ import annotations

import json
import os
import re
import sys
from types import TracebackType
from typing import Any, Protocol, Self

import click

from interlock.doors.cli.screens.rollout import one_line, screen
from interlock.doors.cli.screens.rollout_blind import blind
from interlock.doors.cli.text import width, wrap

Told = dict[str, Any]
QUIET_SECONDS = 60.0
_AGE = re.compile(r"since [0-9.]+ [a-z]+")


class View(Protocol):
    """One way to show; ``at`` are monotonic seconds."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was found."""

    def show(self, shown: Told, at: float) -> None:
        """What the API answered just now."""

    def contact(self, text: str) -> None:
        """No answer just now: the picture is old, and says so."""


def view(*, as_json: bool) -> View:
    """The one that fits where the output goes."""
    if as_json:
        return JsonLines()
    if sys.stdout.isatty() and os.environ.get("TERM", "") not in {"", "dumb"}:
        return Picture()
    return Lines()


class Silent:
    """What the views share: nothing to begin or to leave."""

    def __enter__(self) -> Self:
        """Nothing to begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to leave."""


class Picture(Silent):
    """Drawn over itself."""

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415  # only where it is drawn
        from rich.live import Live  # noqa: PLC0415  # likewise

        console = Console(highlight=False)
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="crop")
        self._last: Told | None = None

    def __enter__(self) -> Self:
        """Hide the cursor."""
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The last picture stays, the cursor comes back."""
        self._live.stop()

    def show(self, shown: Told, at: float) -> None:
        """Draw it."""
        del at
        self._last = shown
        self._draw(screen(shown))

    def contact(self, text: str) -> None:
        """The same picture, under a line that says how old it is."""
        self._draw(screen(self._last, contact=text) if self._last else [text])

    def _draw(self, lines: list[str]) -> None:
        from rich.text import Text  # noqa: PLC0415  # only where it is drawn

        text = Text.from_ansi("\n".join(lines), no_wrap=True, overflow="crop")
        self._live.update(text, refresh=True)


class Lines(Silent):
    """One line for each change; the whole screen at the end."""

    def __init__(self) -> None:
        self._before: object = None
        self._said_at = 0.0
        self._said = ""
        self._contact = ""

    def show(self, shown: Told, at: float) -> None:
        """A line, when there is something to say."""
        now = _what_counts(shown)
        if shown["record"]["ended_at"]:
            _say("\n".join(screen(shown)))
        elif now != self._before or self._contact or at - self._said_at >= QUIET_SECONDS:
            self._tell(one_line(shown), at)
        self._before, self._contact = now, ""

    def _tell(self, line: str, at: float) -> None:
        """Not twice the same but for its time, unless it was quiet for long."""
        said = _AGE.sub("", line.partition(" UTC ")[2])
        if said != self._said or self._contact or at - self._said_at >= QUIET_SECONDS:
            _say(_fitted(line))
            self._said, self._said_at = said, at

    def contact(self, text: str) -> None:
        """Once for each time that contact was lost."""
        if not self._contact:
            _say(text)
        self._contact = text


class JsonLines(Silent):
    """What the API answered, each time it is another."""

    def __init__(self) -> None:
        self._before = ""
        self._newest = -1.0

    def show(self, shown: Told, at: float) -> None:
        """One object, one line."""
        del at
        fresh = [tick for tick in shown["recent"] if tick["t"] > self._newest]
        compared = json.dumps({**shown, "recent": fresh, "now": None}, sort_keys=True)
        if compared == self._before:
            return
        self._newest = fresh[-1]["t"] if fresh else self._newest
        # The same without new ticks is the same again.
        self._before = json.dumps({**shown, "recent": [], "now": None}, sort_keys=True)
        line = json.dumps({**shown, "recent": fresh}, ensure_ascii=False, separators=(",", ":"))
        _say(line.replace("##", "#\\u0023"))

    def contact(self, text: str) -> None:
        """Nothing: the last line before the end says that contact was lost."""


def _what_counts(shown: Told) -> object:
    record, verdict = shown["record"], shown["verdict"]
    fields = ("state", "phase", "hold", "stage", "weight", "granted", "cause")
    acts = tuple((one["number"], one["state"]) for one in shown["effects"])
    return (*(record[name] for name in fields), verdict and verdict["kind"], blind(shown) is None, acts)


def _fitted(line: str) -> str:
    """Broken at spaces where somebody said how wide it is, under its word; one line where a log is written."""
    if not sys.stdout.isatty() and not os.environ.get("COLUMNS", "").isdecimal():
        return line
    head, dot, rest = line.partition("· ")
    margin = len(head) + len(dot)
    first, *more = wrap(rest, width() - margin)
    return "\n".join([f"{head}{dot}{first}", *(" " * margin + part for part in more)])


def _say(text: str) -> None:
    click.echo(text)
    sys.stdout.flush()
