"""What git shows of the files of a range, one patch each, through clean glass.

Rules:
1. One file at a time and by its literal path: no name of a file is ever read as a pattern, an option or a head.
2. No attribute, filter, external diff or text conversion of the repository has a say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from interlock.core.change.errors import InvalidInput
from interlock.core.change.parts import FileChange, GitRange
from interlock.core.change.paths import path_bytes
from interlock.plugins.readers.gitbox import Glass, locate

CONTEXT = 8
"""Lines shown around each that changed."""
_SHAPE = (
    "--literal-pathspecs", "diff-tree", "-p", "-r", "-M", "-l1000", "--no-commit-id", "--no-color",
    "--no-ext-diff", "--no-textconv", "--no-relative", "--diff-algorithm=myers",
    f"--unified={CONTEXT}", "--full-index",
)  # fmt: skip


def patches(root: Path, part: GitRange, files: Sequence[FileChange]) -> Iterator[tuple[FileChange, bytes]]:
    """The patch of each of ``files``, in their order, as git writes it.

    Raises:
        InvalidInput: ``git-repository``, ``git-object-missing`` or ``git-too-large``.
    """
    located = locate(root)
    if located is None:
        raise InvalidInput(
            "expected a git repository here, got none",
            code="git-repository",
            hint="run interlock inside the repository of the change",
        )
    glass = Glass(located)
    try:
        for file in files:
            paths = [path_bytes(path) for path in dict.fromkeys((file.old_path, file.path)) if path]
            named = [path.decode("utf-8", "surrogateescape") for path in paths]
            yield file, glass.run(*_SHAPE, part.base, part.head_tree, "--", *named)
    finally:
        glass.close()
