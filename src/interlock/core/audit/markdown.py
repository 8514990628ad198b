"""Text from outside in a Markdown page, and commands that can be copied from it as they stand.

Rules:
1. What people wrote stays text: no heading, link, image, HTML or mention, and never a box that is ticked. It
   stands on one line; control and direction characters are shown as escapes.
2. A command is one line for a POSIX shell with `$'…'` (bash, zsh, ksh): every argument is quoted exactly, so that
   what runs is what was rehearsed.
3. A fence is longer than any run of its sign inside.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Sequence

_MEANS = re.compile(r"([\\`*\[\]<#|~$]|(?<!\w)_|_(?!\w)|&(?=[#\w]))")
"""What begins something in Markdown or HTML; an underscore inside a word begins nothing."""

_BEGINS = re.compile(r"^(?:([-+=:>])|(\d{1,9})([.)]))")
_LINKS = re.compile(r"((?<![\w.])@(?=\w)|:(?=//)|\bwww(?=\.))")
"""What a forge makes a link of without any sign around it."""

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "'": "\\'", "\\": "\\\\"}
MOST = 600


def text(given: str) -> str:
    """``given`` as plain text on one line, at most 600 characters of it."""
    flat = " ".join(_seen(given).split())
    short = flat if len(flat) <= MOST else f"{flat[:MOST].rstrip()}…"
    escaped = _MEANS.sub(r"\\\1", short)
    escaped = _LINKS.sub("\\1\u2060", escaped)
    return _BEGINS.sub(lambda match: f"\\{match[1]}" if match[1] else f"{match[2]}\\{match[3]}", escaped)


def code(given: str) -> str:
    """A name or a command as code inside a line."""
    flat = " ".join(_seen(given).split())
    ticks = "`" * (1 + max((len(run) for run in re.findall(r"`+", flat)), default=0))
    around = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{ticks}{around}{flat}{around}{ticks}" if flat else ""


def fenced(lines: Sequence[str], language: str = "") -> list[str]:
    """A block of lines as they are."""
    longest = max((len(run) for line in lines for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *lines, fence]


def command(arguments: Sequence[str]) -> str:
    """A program with its arguments, on one line."""
    return " ".join(_quoted(each) for each in arguments)


def _quoted(given: str) -> str:
    if given.isprintable():
        return shlex.quote(given)
    return "$'" + "".join(_in_quotes(letter) for letter in given) + "'"


def _in_quotes(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if letter.isprintable():
        return letter
    raw = letter.encode("utf-8", "surrogateescape")
    return "".join(f"\\x{byte:02x}" for byte in raw)


def _seen(given: str) -> str:
    return "".join(
        f"\\u{ord(letter):04x}" if letter not in "\n\t\r" and unicodedata.category(letter) in _UNSEEN else letter
        for letter in given
    )
