"""What git prints, turned into the parts' nouns. Pure: bytes in, records out.

Rules:
1. Only NUL-separated formats are read, so no path, name or message can pretend to be a separator.
2. Commits come out parents first; where history leaves the order open, by commit time, then by id, so that
   every version of git gives the same sequence.
3. Output that does not fit the format is an ``IntegrityError``: git and we disagree, nothing may be decided.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from interlock.core.change.errors import IntegrityError
from interlock.core.change.parts import Commit, FileChange, FileStatus, Identity
from interlock.core.change.paths import path_text, readable

LOG_FORMAT = (
    "%H%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B%x00T"
    "%(trailers:only=true,unfold=true,separator=%x00T,key_value_separator=%x3A%x20)"
)
"""``git log -z --format=…``: nine fields, then one or more that start with ``T``, one for each trailer."""

_FIELDS = 9
_MAX_MESSAGE = 64 * 1024
_SUBMODULE = "160000"
_STATUS: dict[str, FileStatus] = {
    "A": "added",
    "M": "modified",
    "D": "deleted",
    "R": "renamed",
    "C": "copied",
    "T": "type-changed",
}


@dataclass(frozen=True, slots=True)
class Touch:
    """One commit's version of one path: what ``diff-tree --stdin --raw`` says of it. None is a deletion."""

    commit: str
    path: bytes
    blob: str | None


def empty_tree(object_format: str) -> str:
    """The id of the tree that holds nothing, for ``sha1`` or ``sha256`` repositories."""
    return hashlib.new(object_format, b"tree 0\0", usedforsecurity=False).hexdigest()


def read_commits(output: bytes) -> tuple[Commit, ...]:
    """Commits of ``LOG_FORMAT`` output, ordered by rule 2."""
    fields = output.removesuffix(b"\0").split(b"\0") if output else []
    found: list[Commit] = []
    at = 0
    while at < len(fields):
        head = fields[at : at + _FIELDS]
        at += _FIELDS
        end = at
        while end < len(fields) and fields[end].startswith(b"T"):
            end += 1
        if len(head) < _FIELDS or end == at:
            raise _unexpected("log")
        found.append(_commit(head, [field[1:] for field in fields[at:end]]))
        at = end
    return parents_first(found)


def _commit(fields: Sequence[bytes], trailers: Sequence[bytes]) -> Commit:
    return Commit(
        id=fields[0].decode("ascii"),
        parents=tuple(fields[1].decode("ascii").split()),
        author=Identity(name=readable(fields[2]), email=readable(fields[3])),
        authored_at=_moment(fields[4]),
        committer=Identity(name=readable(fields[5]), email=readable(fields[6])),
        committed_at=_moment(fields[7]),
        message=_cut(fields[8]),
        trailers=tuple(_trailer(line) for line in trailers if line),
    )


def _cut(message: bytes) -> str:
    if len(message) <= _MAX_MESSAGE:
        return readable(message)
    return message[:_MAX_MESSAGE].decode("utf-8", "ignore")


def _trailer(line: bytes) -> tuple[str, str]:
    key, _, value = readable(line).partition(": ")
    return key, value.strip()


def _moment(seconds: bytes) -> datetime:
    """A commit's time; one that no calendar has counts as 1970, as git itself shows it."""
    try:
        return datetime.fromtimestamp(int(seconds or b"0"), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def parents_first(commits: Sequence[Commit]) -> tuple[Commit, ...]:
    """Commits ordered by rule 2."""
    known = {commit.id: commit for commit in commits}
    children: dict[str, list[str]] = {}
    waiting = {commit.id: 0 for commit in commits}
    for commit in commits:
        for parent in set(commit.parents) & known.keys():
            children.setdefault(parent, []).append(commit.id)
            waiting[commit.id] += 1
    ready = [(known[name].committed_at, name) for name, count in waiting.items() if not count]
    heapq.heapify(ready)
    ordered: list[Commit] = []
    while ready:
        name = heapq.heappop(ready)[1]
        ordered.append(known[name])
        for child in children.get(name, ()):
            waiting[child] -= 1
            if not waiting[child]:
                heapq.heappush(ready, (known[child].committed_at, child))
    return tuple(ordered)


def read_files(output: bytes) -> tuple[FileChange, ...]:
    """File changes of ``diff-tree -r -z -M --raw --numstat`` output, sorted by path."""
    tokens = iter(output.removesuffix(b"\0").split(b"\0") if output else [])
    changes: dict[str, FileChange] = {}
    for token in tokens:
        if token.startswith(b":"):
            change = _raw(token, tokens)
            changes[change.path] = change
        else:
            _count(token, tokens, changes)
    return tuple(changes[path] for path in sorted(changes))


def _raw(token: bytes, tokens: Iterator[bytes]) -> FileChange:
    old_mode, new_mode, old_blob, new_blob, letters = token[1:].decode("ascii").split(" ")
    status = _STATUS.get(letters[:1])
    first = next(tokens, None)
    second = next(tokens, None) if status in {"renamed", "copied"} else first
    if status is None or first is None or second is None:
        raise _unexpected("diff-tree")
    return FileChange(
        path=path_text(second),
        status=status,
        old_path=path_text(first) if second is not first else None,
        old_mode=old_mode,
        new_mode=new_mode,
        old_blob=_blob(old_blob),
        new_blob=_blob(new_blob),
        submodule=_SUBMODULE in {old_mode, new_mode},
    )


def _blob(text: str) -> str | None:
    return None if not text.strip("0") else text


def _count(token: bytes, tokens: Iterator[bytes], changes: dict[str, FileChange]) -> None:
    added, removed, path = token.split(b"\t", 2)
    if not path:
        next(tokens, None)
        path = next(tokens, b"")
    change = changes.get(path_text(path))
    if change is None:
        raise _unexpected("diff-tree")
    if change.submodule:
        return
    if added == b"-":
        changes[change.path] = replace(change, binary=True)
    else:
        # A type change is printed as a removal and an addition, each with its own count.
        changes[change.path] = replace(
            change, added=(change.added or 0) + int(added), removed=(change.removed or 0) + int(removed)
        )


def read_touches(output: bytes) -> Iterator[Touch]:
    """Versions from ``diff-tree --stdin -r -z --raw`` output, in the order the commits were given."""
    commit = ""
    tokens = iter(output.removesuffix(b"\0").split(b"\0") if output else [])
    for token in tokens:
        if not token.startswith(b":"):
            commit = token.decode("ascii").strip()
            continue
        path = next(tokens, None)
        if path is None or not commit:
            raise _unexpected("diff-tree")
        yield Touch(commit, path, _blob(token.split(b" ")[3].decode("ascii")))


def _unexpected(command: str) -> IntegrityError:
    return IntegrityError(
        f"expected the documented output of `git {command}`, got something else",
        code="git-output",
        hint="check the repository with git fsck, and that git is 2.31 or newer",
    )
