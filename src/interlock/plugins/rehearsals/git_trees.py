"""Trees of git, put into folders: of this checkout without touching it, or fetched from a repository.

Rules:
1. The checkout's index and files are not touched: what is put elsewhere has an index of its own.
2. A repository is asked for the commit itself; one that gives out none by name is asked for the ref, and else for
   everything it has. Nobody is asked for a password: what needs one and has none fails.
3. Line ends are those of the commit, whatever this machine is set to.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from interlock.core.rehearsal.brief import brief
from interlock.ports.programs import Programs

_QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes", "GIT_LFS_SKIP_SMUDGE": "1"}
_SAFE = ("-c", "protocol.ext.allow=never", "-c", "core.autocrlf=false", "-c", "core.hooksPath=/dev/null")


class Unfetched(Exception):
    """It could not be fetched, or is not what it was; the message is for people, in one line."""


class Trees:
    """Git, run in ``root``; every call ends within ``timeout`` seconds."""

    def __init__(self, programs: Programs, *, root: str, timeout: float) -> None:
        self._programs, self._root, self._timeout = programs, root, timeout

    def local(self, commit: str, folder: Path, paths: Sequence[str]) -> None:
        """The files of a commit that this checkout has; the folder is theirs alone.

        Raises:
            Unfetched: it has no such commit or path.
        """
        self.checked_out(Path(self._git("rev-parse", "--absolute-git-dir")), commit, folder, paths)

    def checked_out(self, repository: Path, commit: str, folder: Path, paths: Sequence[str]) -> None:
        """The files of a commit of that repository on this machine; the folder is theirs alone.

        Raises:
            Unfetched: it has no such commit or path.
        """
        _emptied(folder)
        with tempfile.TemporaryDirectory(prefix="interlock-index-") as own:
            names = {"GIT_INDEX_FILE": str(Path(own, "index"))}
            where = (f"--git-dir={repository}", f"--work-tree={folder}")
            self._git(*where, "read-tree", f"{commit}^{{commit}}", names=names)
            self._git(*where, "checkout", "--quiet", "--force", commit, "--", *paths, names=names)

    def leads(self, repository: str, ref: str) -> str:
        """The commit that a tag or a branch of that repository leads to now.

        Raises:
            Unfetched: it cannot be reached, or has none of that name.
        """
        said = self._git("ls-remote", "--", repository, ref, f"{ref}^{{}}")
        lines = [line.partition("\t") for line in said.splitlines()]
        found = {name: commit for commit, _, name in lines}
        names = (f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}", f"refs/heads/{ref}", f"{ref}^{{}}", ref)
        for name in names:
            if name in found:
                return found[name]
        raise Unfetched(f"`{repository}` has no `{ref}`")

    def fetch(self, repository: str, commit: str, ref: str, into: Path) -> None:
        """That commit, into a bare repository of its own.

        Raises:
            Unfetched: it cannot be reached, or does not give that commit out.
        """
        self._git("init", "--quiet", "--bare", str(into))
        where, quiet = f"--git-dir={into}", ("--quiet", "--no-tags", "--no-write-fetch-head")
        wanted = [["--depth=1", "--", repository, commit]]
        wanted += [["--", repository, ref]] if ref else []
        wanted += [["--", repository, "+refs/*:refs/there/*"]]
        why = ""
        for each in wanted:
            try:
                self._git(where, "fetch", *quiet, *each)
                self._git(where, "cat-file", "-e", f"{commit}^{{commit}}")
            except Unfetched as error:
                why = str(error)
            else:
                return
        raise Unfetched(f"{commit[:12]} cannot be fetched from `{repository}`: {why}")

    def _git(self, *arguments: str, names: dict[str, str] | None = None) -> str:
        command = ("git", *_SAFE, *arguments)
        ran = self._programs.output(command, timeout=self._timeout, environment=_QUIET | (names or {}))
        if not ran.ran.good:
            lines = ran.error.decode(errors="replace").splitlines()
            fatal = next((line for line in lines if line.startswith(("fatal:", "error:"))), ran.ran.told)
            raise Unfetched(brief(fatal.removeprefix("fatal: ").removeprefix("error: "), 200))
        return ran.out.decode(errors="replace").strip()


def _emptied(folder: Path) -> None:
    if folder.is_dir():
        for each in folder.iterdir():
            if each.is_dir() and not each.is_symlink():
                _emptied(each)
                each.rmdir()
            else:
                each.unlink()
    folder.mkdir(parents=True, exist_ok=True)
