"""The files of a range as a scanner is given them: at its head, at its base, and the versions in between.

Rules:
1. Everything is read from git's objects, never from the checkout: no link is followed, no filter runs, and what is
   looked at is what the digest covers.
2. A link's content is where it leads, and is looked at as text; a submodule has no content here, and is told.
3. A file above ``MOST_FILE`` and all above ``MOST_BYTES`` together are not read, and told: nothing is known of
   them. Where that is so at the base, nothing is told: all that is seen above it is new then.
4. A binary file is counted: one of whose first bytes many are no text's. A few of them make none, and a mark of
   UTF-16 or UTF-32 makes it text. One that is named as code is told: it may be run all the same.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from interlock.core.change.errors import InvalidInput
from interlock.core.change.gitlog import read_touches
from interlock.core.change.parts import GitRange
from interlock.core.change.paths import path_text
from interlock.core.scan.languages import named_code
from interlock.core.scan.seen import Side, Source
from interlock.plugins.readers.gitbox import Glass, locate

MOST_FILE = 8 * 1024 * 1024
MOST_BYTES = 256 * 1024 * 1024
MOST_NEAR, MOST_PAST = 50, 20_000
_SUBMODULE, _LINK = "160000", "120000"
_LOOKED_AT, _MOST_STRANGE = 8_000, 0.03
_NO_TEXT = bytes([*range(9), *range(14, 27), *range(28, 32), 127])
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_PLAIN = ("-r", "-z", "--raw", "--full-index", "--no-renames", "--root", "--diff-merges=first-parent")
_NO_SUBMODULES = "--ignore-submodules=all"


@dataclass(slots=True)
class RangeSources:
    """What there is to scan, what of it could not be read, and how much is binary or left out by the plans."""

    sources: list[Source] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    binary: int = 0
    left_out: int = 0
    lines: int = 0
    files: int = 0
    _bytes: int = 0

    def room_for(self, size: int) -> bool:
        """Whether that much more may be read; then it counts."""
        self._bytes += size
        return self._bytes <= MOST_BYTES


class RangeReader:
    """Reads ranges of the repository at ``root``."""

    def __init__(self, glass: Glass, without: Callable[[str], bool]) -> None:
        self._glass, self._without = glass, without

    def read(self, part: GitRange, into: RangeSources) -> None:
        """Both sides of the range and what is in between, into ``into``."""
        known: set[str] = set()
        for file in part.files:
            if self._without(file.path):
                into.left_out += 1
                continue
            into.files += 1
            into.lines += file.added or 0
            if file.submodule:
                into.unread.append(f"{file.path}: a submodule, whose content is another repository's")
                continue
            lineage = file.old_path or file.path
            self._side(file.new_blob, file.new_mode, "head", file.path, lineage, into)
            self._side(file.old_blob, file.old_mode, "base", lineage, lineage, into)
            known |= {name for name in (file.new_blob, file.old_blob) if name}
        self._past(part, known, into)

    def near(self, part: GitRange, expression: str) -> Sequence[Source]:
        """A few Python files of the base that match, whether they are changed or not."""
        words = ("grep", "-l", "-z", "-I", "-E", "-i", "-e", expression, part.base, "--", "*.py")
        listed = self._glass.run(*words, none_is_empty=True) if part.commits else b""
        found = []
        for name in listed.split(b"\0")[:MOST_NEAR]:
            path = name.partition(b":")[2]
            content = self._glass.file(part.base, path) if path else None
            if content is not None and len(content) <= MOST_FILE:
                found.append(Source(side="base", path=path_text(path), content=content))
        return found

    def _side(
        self,
        blob: str | None,
        mode: str,
        side: Side,
        path: str,
        lineage: str,
        into: RangeSources,
        commit: str = "",
    ) -> None:
        if blob is None or mode == _SUBMODULE:
            return
        why, content = self._content(blob, into)
        if why and side != "base":
            into.unread.append(f"{path} in {commit[:12]}: {why}" if commit else f"{path}: {why}")
        elif not why and content is None:
            into.binary += side == "head"
            if side == "head" and (name := named_code(path)):
                into.unread.append(f"{path}: {name} by its name, and not a text")
        elif content is not None:
            link = mode == _LINK
            into.sources.append(
                Source(side=side, path=path, content=content, lineage=lineage, commit=commit, link=link)
            )

    def _content(self, blob: str, into: RangeSources) -> tuple[str, bytes | None]:
        """Why it is not read, else its text; neither of a binary one."""
        try:
            content = self._glass.blob(blob)
        except InvalidInput as error:
            return error.message, None
        if content is None:
            return "git has no content of it", None
        if _is_binary(content):
            return "", None
        if len(content) > MOST_FILE:
            return f"{len(content) >> 20} MiB, and at most {MOST_FILE >> 20} are looked at", None
        if not into.room_for(len(content)):
            return f"all files together are above {MOST_BYTES >> 20} MiB", None
        return "", content

    def _past(self, part: GitRange, known: set[str], into: RangeSources) -> None:
        """Each version that a commit of the range wrote, once."""
        if not part.commits:
            return
        given = "".join(f"{commit.id}\n" for commit in part.commits).encode("ascii")
        output = self._glass.run("diff-tree", "--stdin", *_PLAIN, _NO_SUBMODULES, "--", given=given)
        count = 0
        for touch in read_touches(output):
            path = path_text(touch.path)
            if touch.blob is None or touch.blob in known or self._without(path):
                continue
            known.add(touch.blob)
            count += 1
            if count > MOST_PAST:
                into.unread.append(f"the range wrote more than {MOST_PAST:,} versions of files")
                return
            self._side(touch.blob, "", "past", path, path, into, touch.commit)


@contextmanager
def reading(root: Path, without: Callable[[str], bool]) -> Iterator[RangeReader]:
    """A reader of the repository at ``root``, let go of afterwards.

    Raises:
        InvalidInput: ``git-repository`` where there is none.
    """
    located = locate(root)
    if located is None:
        raise InvalidInput(
            "expected a git repository here, got none",
            code="git-repository",
            hint="run interlock inside a repository, or git init",
        )
    glass = Glass(located)
    try:
        yield RangeReader(glass, without)
    finally:
        glass.close()


def _is_binary(content: bytes) -> bool:
    start = content[:_LOOKED_AT]
    strange = len(start) - len(start.translate(None, _NO_TEXT))
    return strange > len(start) * _MOST_STRANGE and not content.startswith(_MARKS)
