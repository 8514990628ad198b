"""What is said on the error stream: what went wrong, and what must be known beside an answer.

Rules:
1. On a terminal it is broken at words, as the answer is. In a pipe or a file it is one line, for who searches it.
2. What is said has been made harmless before it comes here.
"""

from __future__ import annotations

import click

from interlock.doors.cli.text import error_width, hung, pad

MARGIN = 9


def aside(word: str, text: str) -> None:
    """A labelled paragraph: ``doubt    this will be kept and not count``."""
    complain(pad(word, MARGIN), text, indent=MARGIN)


def complain(left: str, text: str, *, indent: int = 0) -> None:
    """``left`` and ``text``, with later lines indented."""
    room = error_width()
    lines = [f"{left}{text}"] if room is None else hung(left, text, room, indent=indent)
    click.echo("\n".join(lines), err=True)
