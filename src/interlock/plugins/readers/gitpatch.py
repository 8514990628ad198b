"""What git shows of the files of a range, one patch each, through clean glass.

Rules:
1. One file at a time and by its literal path: no name of a file is ever read as a pattern, an option or a head.
2. No attribute, filter, external diff or text conversion of the repository has a say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from interlock.core.change.errors import InvalidInput
from interlock.core.change.parts import FileChange, GitRange
from interlock.core.change.paths import path_bytes
from interlock.plugins.readers.gitbox import Glass, locate

CONTEXT = 8
"""Lines shown around each that changed."""
WHOLE = 100_000_000
"""As many as any file has."""
_SHAPE = (
    "--literal-pathspecs", "diff-tree", "-p", "-r", "-M", "-l1000", "--no-commit-id", "--no-color",
    "--no-ext-diff", "--no-textconv", "--no-relative", "--diff-algorithm=myers",
    "--full-index",
)  # fmt: skip


def patches(root: Path, part: GitRange, files: Sequence[FileChange]) -> Iterator[tuple[FileChange, bytes]]:
    """The patch of each of ``files``, in their order, as git writes it.

    Raises:
        InvalidInput: ``git-repository``, ``git-object-missing`` or ``git-too-large``.
    """
    with _glass(root) as glass:
        for file in files:
            yield file, _patch(glass, part, file, CONTEXT)


def wholes(root: Path, part: GitRange, files: Sequence[FileChange]) -> Iterator[tuple[FileChange, bytes | None]]:
    """The same with all lines of each file around what changed; None of a file too large for that.

    Raises:
        InvalidInput: ``git-repository`` or ``git-object-missing``.
    """
    with _glass(root) as glass:
        for file in files:
            try:
                found = _patch(glass, part, file, WHOLE)
            except InvalidInput as error:
                if error.code != "git-too-large":
                    raise
                found = None
            yield file, found


def _patch(glass: Glass, part: GitRange, file: FileChange, context: int) -> bytes:
    paths = [path_bytes(path) for path in dict.fromkeys((file.old_path, file.path)) if path]
    named = [path.decode("utf-8", "surrogateescape") for path in paths]
    return glass.run(*_SHAPE, f"--unified={context}", part.base, part.head_tree, "--", *named)


@contextmanager
def _glass(root: Path) -> Iterator[Glass]:
    located = locate(root)
    if located is None:
        raise InvalidInput(
            "expected a git repository here, got none",
            code="git-repository",
            hint="run interlock inside the repository of the change",
        )
    glass = Glass(located)
    try:
        yield glass
    finally:
        glass.close()
