"""Which files of a change may be sent, and why the others are not.

Rules:
1. A file is sent when ``send`` covers its path and neither ``never_send`` nor what holds secrets by its name does;
   the name a file had before counts like its own.
2. A file in whose lines something looks like a secret is not sent at all: a secret has neighbours. Lines that the
   change takes away count too.
3. What is too large is not sent, and neither is what comes after the room is used up. Every file that is not sent
   is named with its reason: what was not looked at is never silent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from interlock.core.change.parts import FileChange
from interlock.core.change.paths import glob_matcher
from interlock.core.change.redact import looks_secret, secret_key
from interlock.core.review.hunks import Line, read_hunks
from interlock.core.review.settings import NEVER, ReviewerSettings

_ASSIGNED = re.compile(
    r"""([A-Za-z_][\w.-]{0,80})["']?\s{0,4}(?::=|=>|[:=])\s{0,4}["'][^"'\s$<{][^"']{5,200}["']"""
)
"""A name, and a text of its own that is given to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A file that stays here, and why."""

    path: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A file that may go: its path as people read it, what happened to it, and its lines."""

    path: str
    status: str
    lines: tuple[Line, ...]

    @property
    def numbers(self) -> frozenset[int]:
        """The lines of the new file that are shown."""
        return frozenset(line.number for line in self.lines if line.number)


def by_name(file: FileChange, settings: ReviewerSettings) -> str:
    """Why this file stays here by what it is called; empty where it may go."""
    paths = [path for path in (file.path, file.old_path) if path]
    if file.submodule:
        return "a submodule"
    if file.binary:
        return "binary"
    if not all(glob_matcher(settings.send)(path) for path in paths):
        return "no pattern of `send` covers it"
    if any(glob_matcher(NEVER)(path) for path in paths):
        return "holds secrets, by its name"
    if settings.never_send and any(glob_matcher(settings.never_send)(path) for path in paths):
        return "a pattern of `never_send` covers it"
    return ""


def by_content(lines: Iterable[Line]) -> str:
    """Why a file with these lines stays here; empty where it may go."""
    for line in lines:
        if looks_secret(line.text) or any(secret_key(name) for name in _ASSIGNED.findall(line.text)):
            return f"a line looks like a secret{f': line {line.number}' if line.number else ''}"
    return ""


def sort_out(
    patches: Iterable[tuple[FileChange, bytes]], settings: ReviewerSettings
) -> tuple[tuple[Sent, ...], tuple[Kept, ...]]:
    """The files that may go by their content too and have room, and those that stay, each in order."""
    sent: list[Sent] = []
    kept: list[Kept] = []
    room = settings.max_bytes
    for file, patch in patches:
        lines = read_hunks(patch)
        size = sum(len(line.text.encode("utf-8", "replace")) + 1 for line in lines)
        why = "" if lines else "no line of it changed"
        why = why or by_content(lines) or ("" if size <= room else "no room: reviewer.max_bytes is used up")
        if why:
            kept.append(Kept(path=file.path, why=why))
        else:
            room -= size
            sent.append(Sent(path=file.path, status=file.status, lines=lines))
    return tuple(sent), tuple(kept)
