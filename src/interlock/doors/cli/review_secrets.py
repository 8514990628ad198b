"""What of the files that would be sent looks like a secret, by everything that is here to see it.

Rules:
1. A file is looked at as a whole, with the lines that would not be sent: what a line is may stand far above it.
2. Where detect-secrets is installed, it looks at every line that would be sent too. It asks nobody.
3. A program that does not come to its end has not looked: then nothing is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from interlock import registry
from interlock.core.change.errors import Unavailable
from interlock.core.change.parts import FileChange, GitRange
from interlock.core.review.hunks import Line, read_hunks
from interlock.core.review.secrets import secret_in
from interlock.core.review.sendable import Kept, Sent
from interlock.core.scan.seen import Source
from interlock.plugins.readers.gitpatch import wholes
from interlock.ports.scanner import Look, Scanner

_SCANNER = "secrets"


def in_wholes(root: Path, part: GitRange, files: Sequence[FileChange]) -> dict[str, str]:
    """Why files stay here by all that is in them, by path."""
    found = {}
    for file, patch in wholes(root, part, files):
        why = "too large to be looked through" if patch is None else secret_in(file.path, read_hunks(patch))
        if why:
            found[file.path] = why
    return found


def scanner() -> Scanner:
    """What looks besides."""
    return registry.scanners()[_SCANNER]({})


def scanned(looks: Scanner, sent: Sequence[Sent]) -> tuple[list[Sent], list[Kept]]:
    """Of what would be sent, what still may, and what stays by what ``looks`` saw.

    Raises:
        Unavailable: ``review-scan``.
    """
    if looks.missing() or not sent:
        return [*sent], []
    sources = [Source(side="head", path=one.path, content=_text(one.lines)) for one in sent]
    done = looks.scan(Look(sources=sources))
    if done.fault or done.unread:
        raise Unavailable(
            f"expected detect-secrets to look at what would be sent, got none: {done.fault or 'files unread'}",
            code="review-scan",
            hint="nothing was sent; ask again, or for a smaller change",
            plugin=_SCANNER,
        )
    lines = {one.path: one.lines for one in sent}
    why: dict[str, str] = {}
    for seen in done.seen:
        number = lines[seen.source.path][seen.line - 1].number
        place = f": line {number}" if number else ""
        why.setdefault(seen.source.path, f"detect-secrets sees a {seen.rule}{place}")
    kept = [Kept(path=path, why=told) for path, told in why.items()]
    return [one for one in sent if one.path not in why], kept


def _text(lines: Sequence[Line]) -> bytes:
    """One line each; nothing in a line ends it."""
    return b"\n".join(line.text.replace("\r", " ").encode("utf-8", "replace") for line in lines)
