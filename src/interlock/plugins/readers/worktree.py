"""The tree that a commit of the whole work tree would have, without touching the user's index or objects.

Rules:
1. The index is a copy and new objects go into the borrowed repository's own folder: nothing is left behind.
2. No filter, hook or program runs: a file enters as it lies on disk. (A file under Git LFS that was edited
   enters with its whole content, which is what differs.)
3. Ignored files stay out by the repository's own ``.gitignore`` files and ``info/exclude``.
4. A file above 32 MiB is refused before it is read. A nested repository that is no submodule stays out.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from interlock.core.change.errors import InvalidInput
from interlock.core.change.paths import path_text
from interlock.plugins.readers.gitbox import Glass
from interlock.plugins.readers.gitpipe import MAX_BLOB

MAX_UNTRACKED = 100_000


def write_tree(glass: Glass) -> str:
    """The id of the tree of everything in the work tree now.

    Raises:
        InvalidInput: ``git-worktree`` without one or with something in it that git cannot hold,
            ``file-too-large``, ``git-too-large``.
    """
    root = glass.located.work_tree
    if root is None:
        raise _refused("expected a work tree, got a bare repository", "name a commit as the head")
    index = _copied_index(glass)
    place = {"GIT_INDEX_FILE": os.fspath(index), "GIT_WORK_TREE": os.fspath(root)}
    if not index.exists():
        glass.run("read-tree", "--empty", extra=place)
    settings = [word for setting in glass.located.file_settings for word in ("-c", setting)]
    listed = glass.run(
        *settings,
        "ls-files",
        "-z",
        "-m",
        "-d",
        "-o",
        "--exclude-standard",
        "--deduplicate",
        extra=place,
        folder=root,
    )
    names = [name for name in listed.split(b"\0") if name and not name.endswith(b"/")]
    if len(names) > MAX_UNTRACKED:
        raise InvalidInput(
            f"expected at most {MAX_UNTRACKED} changed files in the work tree, got {len(names)}",
            code="git-too-large",
            hint="name folders of generated files in .gitignore",
        )
    for name in names:
        _fits(root, name)
    given = b"".join(name + b"\0" for name in names)
    if names:
        glass.run(
            *settings, "update-index", "-z", "--add", "--remove", "--stdin", given=given, extra=place, folder=root
        )
    return glass.run("write-tree", extra=place).decode("ascii").strip()


def _copied_index(glass: Glass) -> Path:
    source = glass.located.git_dir
    index = glass.folder / "index"
    try:
        if (source / "index").exists():
            shutil.copyfile(source / "index", index)
        for shared in source.glob("sharedindex.*"):
            shutil.copyfile(shared, glass.folder / shared.name)
        exclude = source / "info" / "exclude"
        if exclude.is_file():
            (glass.folder / "info").mkdir(exist_ok=True)
            shutil.copyfile(exclude, glass.folder / "info" / "exclude")
    except OSError as error:
        raise _refused("expected a readable index, got a permission error", "check who owns .git") from error
    return index


def _fits(root: Path, name: bytes) -> None:
    path = os.fsencode(root) + b"/" + name
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise _refused(f"expected a readable file, got `{path_text(name)}`", "check its permissions") from error
    if stat.S_ISREG(found.st_mode) and not os.access(path, os.R_OK):
        raise _refused(f"expected a readable file, got `{path_text(name)}`", "check its permissions")
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        raise _refused(
            f"expected files and links, got a device, socket or pipe at `{path_text(name)}`",
            "remove it, or name it in .gitignore",
        )
    if stat.S_ISREG(found.st_mode) and found.st_size > MAX_BLOB:
        raise InvalidInput(
            f"expected at most {MAX_BLOB >> 20} MiB a file, got {found.st_size >> 20} MiB in `{path_text(name)}`",
            code="file-too-large",
            hint="name it in .gitignore, or keep it outside the repository",
        )


def _refused(message: str, hint: str) -> InvalidInput:
    return InvalidInput(message, code="git-worktree", hint=hint)
