"""Words on a terminal: made harmless, cut to width, coloured only where somebody looks.

Rules:
1. What came from outside (paths, titles, names) never reaches the terminal with control or direction marks.
2. In a pipeline whose runner reads commands from what is printed (``::add-mask::``, ``##[group]``, ``##vso[…]``),
   nothing from outside can be one: its signs are pulled apart.
3. Colour goes only to a terminal and never when ``NO_COLOR`` is set; nothing is said by colour alone.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import unicodedata

import click

MARKS = {True: "✓", False: "✗", None: "·"}
_COLOURS = {"✓": "green", "✗": "red", "·": "bright_black"}
_RUNNERS = frozenset({"GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION"})
"""Where GitHub, Azure and TeamCity read commands from the log. GitLab's begin with a control character."""

_COMMAND = re.compile(r"^(\s*):(?=:)", re.MULTILINE)
_MARKED = re.compile(r"##(?=\[|vso\[|teamcity\[)", re.IGNORECASE)

_STYLE = re.compile(r"\x1b\[[0-9;]*m")

MIN_WIDTH, MAX_WIDTH, PIPE_WIDTH, PLAIN_WIDTH = 60, 132, 120, 80


def safe(text: str) -> str:
    """``text`` on one line, with control and direction characters shown as escapes."""
    shown = text if text.isascii() and text.isprintable() else "".join(_shown(character) for character in text)
    return inert(shown) if _RUNNERS & os.environ.keys() else shown


def logged(text: str) -> str:
    """A whole page for the log: in a pipeline whose runner reads commands there, without any.

    Only what is a command is pulled apart: headings, and shell commands that people copy, stay as they are.
    """
    if not _RUNNERS & os.environ.keys():
        return text
    return _MARKED.sub("# #", _COMMAND.sub(r"\1: ", text))


def inert(text: str) -> str:
    """``text`` in which no pipeline's runner finds a command."""
    return text.replace("::", ": :").replace("::", ": :").replace("##", "# #").replace("##", "# #")


def _shown(character: str) -> str:
    if character in "\n\t":
        return " "
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}:
        return f"\\u{ord(character):04x}"
    return character


def width() -> int:
    """Columns to write in, between 60 and 132: COLUMNS, else the terminal's, else 120 in a pipe."""
    if not sys.stdout.isatty() and not os.environ.get("COLUMNS", "").isdecimal():
        return PIPE_WIDTH
    return max(MIN_WIDTH, min(MAX_WIDTH, shutil.get_terminal_size().columns))


def error_width() -> int | None:
    """Columns to write errors in; None where they go to a pipe or a file, in which nothing is broken.

    Their own terminal is asked: ``NAME=$(interlock …)`` has the answer in a pipe and the errors before a person.
    """
    if not sys.stderr.isatty():
        return None
    wide = os.environ.get("COLUMNS", "")
    try:
        found = int(wide) if wide.isdecimal() else os.get_terminal_size(sys.stderr.fileno()).columns
    except OSError:
        found = 0
    # A terminal that does not know its width says 0.
    return max(MIN_WIDTH, min(MAX_WIDTH, found or PLAIN_WIDTH))


def columns(text: str) -> int:
    """How many columns ``text`` takes; colours take none."""
    text = _STYLE.sub("", text) if "\x1b" in text else text
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def cut(text: str, room: int) -> str:
    """``text`` in at most ``room`` columns, with an ellipsis where something is left out."""
    if columns(text) <= room:
        return text
    while text and columns(text) > room - 1:
        text = text[:-1]
    return f"{text.rstrip()}…"


def pad(text: str, room: int) -> str:
    """``text`` cut or filled to ``room`` columns."""
    short = cut(text, room)
    return short + " " * (room - columns(short))


def wrap(text: str, room: int, *, taken: int = 0) -> list[str]:
    """``text`` in lines of at most ``room`` columns, broken at spaces where there are any, none before a ``%``.

    ``taken`` columns of the first line are somebody else's; it is empty where no word fits beside them.
    """
    lines: list[str] = []
    line = ""
    for held in text.replace(" %", "\x00%").split():
        word = held.replace("\x00", " ")
        left = room if lines else room - taken
        if (line or left < room) and columns(line) + bool(line) + columns(word) > left:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line]


def hung(left: str, text: str, room: int, *, indent: int | None = None) -> list[str]:
    """``left`` and then ``text`` in ``room`` columns; later lines are below the first's text, or indented."""
    indent = columns(left) if indent is None else indent
    first, *rest = wrap(text, room - indent, taken=columns(left) - indent)
    return [(left + first).rstrip(), *(" " * indent + line for line in rest)]


def fitting(text: str, room: int) -> str:
    """``text`` with words longer than ``room`` in parts, broken after a ``/``, ``_`` or comma where there is one.

    Never for what is there to be typed.
    """
    return re.sub(r"\S+", lambda each: " ".join(_parts(each[0], room)), text)


def _parts(word: str, room: int) -> list[str]:
    parts: list[str] = []
    while columns(word) > room:
        end = len(word)
        while columns(word[:end]) > room:
            end -= 1
        seam = max(word.rfind(sign, 0, end) for sign in "/_,") + 1
        end = seam if seam > end // 2 else max(end, 1)
        parts.append(word[:end])
        word = word[end:]
    return [*parts, word]


def paint(text: str, **style: object) -> str:
    """``text`` in a style where colour is wanted, else as it is."""
    if "NO_COLOR" in os.environ or not sys.stdout.isatty():
        return text
    return click.style(text, **style)  # type: ignore[arg-type]  # click's own keywords, passed through


def mark(met: bool | None) -> str:  # noqa: FBT001  # the one thing a mark says
    """✓, ✗ or ·, in colour where wanted."""
    sign = MARKS[met]
    return paint(sign, fg=_COLOURS[sign], bold=True)


def short(digest: str) -> str:
    """A digest as people read it: ``7f3a…c1``."""
    digits = digest.removeprefix("sha256:")
    return f"{digits[:4]}…{digits[-2:]}" if len(digits) > 8 else digits  # noqa: PLR2004  # shorter needs no cut


def plural(count: int, word: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
