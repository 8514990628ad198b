"""The content behind a git range, read lazily from the repository's objects.

A submodule has no content here; a symbolic link's content is its target.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from interlock.core.change.parts import FileChange
from interlock.core.change.paths import path_bytes
from interlock.plugins.readers.gitbox import Glass


class GitMaterial:
    """Blobs before and after. Safe to use from several threads; reads after ``close`` raise."""

    def __init__(self, glass: Glass, base: str, tree: str, files: Sequence[FileChange]) -> None:
        self._glass = glass
        self._tree = tree
        self._base = base
        self._before = {file.old_path or file.path: file for file in files if file.old_blob}
        self._after = {file.path: file for file in files if file.new_blob}
        gone = {file.old_path for file in files if file.status == "renamed" and file.old_path}
        self._changed = tuple(sorted({file.path for file in files} | gone))

    def changed(self) -> Iterable[str]:
        """Paths that differ, sorted; of a rename both."""
        return self._changed

    def before(self, path: str) -> bytes | None:
        """Content before, None where the path did not exist or was a submodule.

        Raises:
            InvalidInput: ``file-too-large``.
        """
        file = self._before.get(path)
        if file is not None:
            return None if file.old_mode == "160000" else self._glass.blob(file.old_blob or "")
        return None if path in self._after else self._in_tree(self._base, path)

    def after(self, path: str) -> bytes | None:
        """Content after, None where the path is gone or is a submodule.

        Raises:
            InvalidInput: ``file-too-large``.
        """
        file = self._after.get(path)
        if file is not None:
            return None if file.new_mode == "160000" else self._glass.blob(file.new_blob or "")
        return None if path in self._before else self._in_tree(self._tree, path)

    def exists(self, path: str) -> bool:
        """Whether a file or folder is in the tree after the change."""
        if path in self._after:
            return True
        return bool(self._listed(path.rstrip("/") or "."))

    def close(self) -> None:
        """Let go of the object pipe. Idempotent."""
        self._glass.close()

    def _in_tree(self, tree: str, path: str) -> bytes | None:
        raw = path_bytes(path)
        if b"\n" in raw or not raw:
            return None
        return self._glass.file(tree, raw)

    def _listed(self, path: str) -> bool:
        if path == ".":
            return True
        raw = path_bytes(path)
        return b"\n" not in raw and self._glass.has(self._tree, raw)
