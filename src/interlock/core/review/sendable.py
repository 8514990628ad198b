"""Which files of a change may be sent, and why the others are not.

Rules:
1. A file is sent when ``send`` covers its path and neither ``never_send`` nor what holds secrets by its name does;
   the name a file had before counts like its own.
2. A file in which something looks like a secret is not sent at all: a secret has neighbours. Lines that the change
   takes away count too, and whoever has the whole file says so of lines that would not be sent (``beforehand``).
3. What is too large is not sent, and neither is what comes after the room is used up. Every file that is not sent
   is named with its reason: what was not looked at is never silent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from interlock.core.change.parts import FileChange
from interlock.core.change.paths import glob_matcher
from interlock.core.review.hunks import Line, read_hunks
from interlock.core.review.secrets import secret_in
from interlock.core.review.settings import NEVER, ReviewerSettings


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
    if any(glob_matcher(NEVER)(path.lower()) for path in paths):
        return "holds secrets, by its name"
    if settings.never_send and any(glob_matcher(settings.never_send)(path) for path in paths):
        return "a pattern of `never_send` covers it"
    return ""


def sort_out(
    patches: Iterable[tuple[FileChange, bytes]],
    settings: ReviewerSettings,
    *,
    beforehand: Mapping[str, str] = MappingProxyType({}),
) -> tuple[tuple[Sent, ...], tuple[Kept, ...]]:
    """The files that may go by their content too and have room, and those that stay, each in order.

    ``beforehand`` is why a file stays by what was seen in it before, by its path.
    """
    sent: list[Sent] = []
    kept: list[Kept] = []
    room = settings.max_bytes
    for file, patch in patches:
        lines = read_hunks(patch)
        size = sum(len(line.text.encode("utf-8", "replace")) + 1 for line in lines)
        why = "" if lines else "no line of it changed"
        why = why or beforehand.get(file.path, "") or secret_in(file.path, lines)
        why = why or ("" if size <= room else "no room: reviewer.max_bytes is used up")
        if why:
            kept.append(Kept(path=file.path, why=why))
        else:
            room -= size
            sent.append(Sent(path=file.path, status=file.status, lines=lines))
    return tuple(sent), tuple(kept)
