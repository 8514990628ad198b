"""The files of a work tree beside what its HEAD says, by their content.

Rules:
1. The index of the work tree is not asked what changed: ``assume-unchanged`` and ``skip-worktree`` hide nothing.
2. A file that is gone is an edit, unless a sparse checkout is on and its patterns leave the file out.
3. A file in no commit at a path that the rules call configuration is an edit too, whoever ignores it.
4. A Git LFS file is compared with its pointer.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from interlock.core.change.errors import InvalidInput
from interlock.core.change.paths import glob_matcher, path_text
from interlock.plugins.readers.gitbox import Glass

_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\n")
_MAX_POINTER = 1024


def differing(glass: Glass, head: str, watched: Sequence[str] = ()) -> tuple[list[str], list[str]]:
    """Files that are not what HEAD says, and others that are neither tracked nor ignored.

    ``watched`` are the globs of configuration: what lies there and is not tracked differs from HEAD too.
    """
    root = glass.located.work_tree
    if root is None:
        return [], []
    place = {"GIT_INDEX_FILE": os.fspath(glass.folder / "gate-index"), "GIT_WORK_TREE": os.fspath(root)}
    settings = [word for setting in glass.located.file_settings for word in ("-c", setting)]
    glass.run("read-tree", head, extra=place)
    gone = _listed(glass.run(*settings, "ls-files", "-z", "-d", extra=place, folder=root))
    edited = _listed(glass.run(*settings, "ls-files", "-z", "-m", extra=place, folder=root)) - gone
    others = ("-o", "--exclude-standard", "--directory", "--no-empty-directory")
    exclude = glass.located.git_dir / "info" / "exclude"
    extra = [f"--exclude-from={exclude}"] if exclude.is_file() else []
    untracked = _listed(glass.run(*settings, "ls-files", "-z", *others, *extra, extra=place, folder=root))
    wrong = {name for name in edited if not _is_stored_elsewhere(glass, root, head, name)}
    wrong |= gone - _sparse(glass, head, gone)
    if watched:
        covers = glob_matcher(watched)
        every = _listed(glass.run(*settings, "ls-files", "-z", "-o", extra=place, folder=root))
        wrong |= {name for name in every if covers(path_text(name))}
    return sorted(map(path_text, wrong)), sorted(map(path_text, untracked - wrong))


def _listed(output: bytes) -> set[bytes]:
    return {name for name in output.split(b"\0") if name}


def _sparse(glass: Glass, head: str, gone: set[bytes]) -> set[bytes]:
    """Those of the ``gone`` files that the checkout was told to leave out: by its patterns and in its index."""
    index = glass.located.git_dir / "index"
    patterns = glass.located.git_dir / "info" / "sparse-checkout"
    if not gone or not glass.located.sparse or not index.is_file() or not patterns.is_file():
        return set()
    marked = _marked(glass, {"GIT_INDEX_FILE": os.fspath(index), "GIT_WORK_TREE": os.fspath(glass.folder)})
    empty = glass.folder / "sparse"
    empty.mkdir()
    (glass.folder / "info").mkdir(exist_ok=True)
    shutil.copyfile(patterns, glass.folder / "info" / "sparse-checkout")
    place = {"GIT_INDEX_FILE": os.fspath(glass.folder / "sparse-index"), "GIT_WORK_TREE": os.fspath(empty)}
    glass.run("read-tree", head, extra=place)
    # Against an empty folder the patterns are applied to the index, and no file is written.
    settings = [word for setting in glass.located.sparse for word in ("-c", setting)]
    glass.run(*settings, "read-tree", "-m", "-u", head, extra=place, folder=empty)
    return gone & marked & _marked(glass, place)


def _marked(glass: Glass, place: dict[str, str]) -> set[bytes]:
    """The files that an index says are not in the work tree."""
    output = glass.run("ls-files", "-z", "-t", extra=place, folder=Path(place["GIT_WORK_TREE"]))
    return {line[2:] for line in output.split(b"\0") if line.startswith(b"S ")}


def _is_stored_elsewhere(glass: Glass, root: Path, head: str, name: bytes) -> bool:
    """Whether the file on disk is what HEAD's Git LFS pointer names."""
    try:
        pointer = glass.file(head, name)
        found = _POINTER.match(pointer) if pointer and len(pointer) <= _MAX_POINTER else None
        if not found:
            return False
        with open(os.fsencode(root) + b"/" + name, "rb") as file:  # noqa: PTH123  # a name that need not be UTF-8
            return hashlib.file_digest(file, "sha256").hexdigest().encode() == found[1]
    except (OSError, InvalidInput):
        return False
