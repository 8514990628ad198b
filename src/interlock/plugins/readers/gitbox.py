"""A git repository seen through clean glass: nothing but its objects and the refs we ask for can speak.

Rules:
1. Every question about history is asked in an empty repository made for the occasion that borrows the real one's
   objects. There is no configuration, attribute, hook, alias, graft, replacement or cached graph in it, so none
   can change an answer or run a program.
2. The real repository is asked for little: where its objects are, whether it is shallow, what a revision names,
   its origin's address, and how its files lie on disk. Revisions travel on standard input, never as options.
3. No transport is permitted, so a partial clone fails with a clear error instead of fetching.
4. Every call is bounded in time and in bytes of output.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from interlock.core.change.errors import IntegrityError, InvalidInput, Unavailable
from interlock.core.change.paths import readable, repository_address
from interlock.plugins.readers.gitpipe import ObjectPipe, too_late

TIMEOUT = 60.0
MAX_OUTPUT = 256 * 1024 * 1024
_MAX_REVISION = 1_000
_ORIGIN = "remote.origin.url"
_FILE_SETTINGS = ("filemode", "symlinks", "ignorecase", "precomposeunicode", "autocrlf", "eol")
_PINNED = (
    "-c", "core.fsmonitor=false",
    "-c", "core.commitGraph=false",
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.quotePath=false",
    "-c", "core.abbrev=no",
    "-c", "safe.directory=*",
    "-c", "protocol.allow=never",
)  # fmt: skip


def clean_environment() -> dict[str, str]:
    """The only variables git sees."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "TZ": "UTC",
        "HOME": os.devnull,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Where a repository keeps what. ``work_tree`` is None for a bare one.

    ``file_settings`` are ``core.…=value`` of how its files lie on this disk, for reading the work tree only.
    ``sparse`` are the same for a sparse checkout, empty where none is on.
    """

    git_dir: Path
    objects: Path
    object_format: str
    shallow: frozenset[str]
    work_tree: Path | None
    origin: str
    file_settings: tuple[str, ...] = ()
    sparse: tuple[str, ...] = ()


def locate(folder: Path) -> Located | None:
    """The repository that ``folder`` lies in, None when there is none."""
    asked = ("--absolute-git-dir", "--show-object-format", "--is-inside-work-tree", "--git-path", "objects")
    found = _run(["rev-parse", "--path-format=absolute", *asked], folder, check=False)
    if found is None:
        return None
    git_dir, object_format, inside, objects = os.fsdecode(found).splitlines()[:4]
    more = _run(["rev-parse", "--path-format=absolute", "--git-path", "shallow"], folder) or b""
    top = _run(["rev-parse", "--show-toplevel"], folder) if inside == "true" else None
    settings = _settings(folder)
    return Located(
        git_dir=Path(git_dir),
        objects=Path(objects),
        object_format=object_format,
        shallow=_shallow(Path(os.fsdecode(more.rstrip(b"\n")))),
        work_tree=Path(os.fsdecode(top.rstrip(b"\n"))) if top else None,
        origin=repository_address(settings.get(_ORIGIN, "")),
        file_settings=tuple(f"{name}={value}" for name, value in sorted(settings.items()) if name != _ORIGIN),
        sparse=_sparse(folder),
    )


def _settings(folder: Path) -> dict[str, str]:
    """The few settings of the repository that are asked for; the last one of a name counts."""
    wanted = f"^({re.escape(_ORIGIN)}|core\\.({'|'.join(_FILE_SETTINGS)}))$"
    found = _run(["config", "--local", "--no-includes", "-z", "--get-regexp", wanted], folder, check=False) or b""
    pairs = (line.partition("\n") for line in readable(found).split("\0") if line)
    return {name: value for name, _, value in pairs}


def _sparse(folder: Path) -> tuple[str, ...]:
    """Whether a sparse checkout is on, and how it reads its patterns; of this work tree, which may differ."""
    names = ("core.sparseCheckout", "core.sparseCheckoutCone")
    asked = (_run(["config", "--no-includes", "--bool", name], folder, check=False) or b"" for name in names)
    on, cone = (answer.strip() == b"true" for answer in asked)
    return ("core.sparseCheckout=true", f"core.sparseCheckoutCone={str(cone).lower()}") if on else ()


def _shallow(path: Path) -> frozenset[str]:
    try:
        return frozenset(path.read_text("ascii").split())
    except (OSError, UnicodeDecodeError):
        return frozenset()


def resolve(located: Located, revisions: Sequence[str]) -> list[str | None]:
    """The object id that each revision names in the real repository, None where it names none.

    Raises:
        InvalidInput: ``revision-invalid`` for text that cannot be a revision.
    """
    for revision in revisions:
        if not revision or len(revision) > _MAX_REVISION or not revision.isprintable():
            raise InvalidInput(
                f"expected a revision, got `{revision[:60]!a}`",
                code="revision-invalid",
                hint="name a commit, a branch or a tag",
            )
    asked = "".join(f"{revision}\n" for revision in revisions).encode("utf-8", "surrogateescape")
    command = ["--git-dir", os.fspath(located.git_dir), "cat-file", "--batch-check=%(objectname)"]
    answer = _run(command, located.git_dir, given=asked) or b""
    lines = answer.decode("utf-8", "replace").splitlines()
    if len(lines) != len(revisions):
        raise _broken("cat-file", "one answer for each revision")
    size = len("0" * (40 if located.object_format == "sha1" else 64))
    return [line if len(line) == size and line.isalnum() else None for line in lines]


def tags(located: Located, most: int) -> list[list[str]]:
    """The newest ``most`` tags of the real repository, each with its seconds since 1970; names as they stand.

    Of an annotated tag that is the tagger's time, else the commit's.
    """
    shape = "--format=%(refname)%00%(creatordate:unix)"
    asked = ["for-each-ref", "--sort=-creatordate", f"--count={most}", shape, "refs/tags"]
    answer = _run(["--git-dir", os.fspath(located.git_dir), *asked], located.git_dir) or b""
    return [line.split("\0") for line in readable(answer).split("\n") if line.count("\0") == 1]


class Glass:
    """The empty repository that borrows ``located``'s objects. Safe to use from several threads.

    It is removed by ``close``, or when it is forgotten, or when the interpreter ends.
    """

    def __init__(self, located: Located) -> None:
        self.located = located
        self.folder = Path(tempfile.mkdtemp(prefix="interlock-git-"))
        command = ["git", *_PINNED, "--git-dir", os.fspath(self.folder), "cat-file", "--batch"]
        self._pipe = ObjectPipe(command, clean_environment(), self.folder)
        self._end = weakref.finalize(self, _remove, self.folder, self._pipe)
        _furnish(self.folder, located)

    def close(self) -> None:
        """Stop the object pipe and remove the folder. Idempotent."""
        self._end()

    def run(
        self,
        *arguments: str,
        given: bytes = b"",
        extra: dict[str, str] | None = None,
        folder: Path | None = None,
        none_is_empty: bool = False,
        whole: bool = False,
    ) -> bytes:
        """Standard output of one git command in the empty repository, run in ``folder`` (default: its own).

        ``none_is_empty``: exit code 1 without a word means nothing was found, and gives ``b""``. ``whole``: an
        answer is none where git had to pass over something.

        Raises:
            InvalidInput: ``git-object-missing`` or ``git-too-large``.
            IntegrityError: ``git-failed``.
            Unavailable: ``git-missing`` or ``git-timeout``.
        """
        command = ["--git-dir", os.fspath(self.folder), *arguments]
        where = folder or self.folder
        found = _run(command, where, given=given, extra=extra, silent_is_none=none_is_empty, whole=whole)
        return found or b""

    def blob(self, name: str) -> bytes | None:
        """The content of an object (an id, or ``id:path``), None when there is no such file.

        Raises:
            InvalidInput: ``file-too-large`` above 32 MiB.
            Unavailable: ``git-timeout``.
        """
        return self._pipe.ask(name.encode("utf-8", "surrogateescape"), TIMEOUT)

    def file(self, tree: str, path: bytes) -> bytes | None:
        """The content of a file in a tree, None when there is none; errors as ``blob``."""
        return self._pipe.ask(tree.encode("ascii") + b":" + path, TIMEOUT)

    def has(self, tree: str, path: bytes) -> bool:
        """Whether a tree has something at ``path``: a file, a folder, a link or a submodule."""
        if self._pipe.has(tree.encode("ascii") + b":" + path, TIMEOUT):
            return True
        # The commit of a submodule is no object of this repository, but the tree lists it.
        return bool(self.run("ls-tree", "-z", "--full-tree", tree, "--", os.fsdecode(path)))


def _furnish(folder: Path, located: Located) -> None:
    if "\n" in os.fspath(located.objects):
        raise InvalidInput(
            "expected a repository whose folder has no line break in its name",
            code="git-repository",
            hint="rename the folder",
        )
    (folder / "objects" / "info").mkdir(parents=True)
    (folder / "objects" / "info" / "alternates").write_bytes(os.fsencode(located.objects) + b"\n")
    (folder / "refs").mkdir()
    (folder / "HEAD").write_text("ref: refs/heads/none\n")
    version = (
        "" if located.object_format == "sha1" else f"[extensions]\n\tobjectFormat = {located.object_format}\n"
    )
    (folder / "config").write_text(f"[core]\n\trepositoryformatversion = {1 if version else 0}\n{version}")
    if located.shallow:
        (folder / "shallow").write_text("".join(f"{name}\n" for name in sorted(located.shallow)))


def _remove(folder: Path, pipe: ObjectPipe) -> None:
    pipe.close()
    shutil.rmtree(folder, ignore_errors=True)


def _run(
    arguments: Sequence[str],
    folder: Path,
    *,
    given: bytes = b"",
    check: bool = True,
    silent_is_none: bool = False,
    whole: bool = False,
    extra: dict[str, str] | None = None,
) -> bytes | None:
    command = ["git", *_PINNED, *arguments]
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as said:
        asked.write(given)
        asked.seek(0)
        try:
            child = subprocess.Popen(  # noqa: S603  # fixed words, no shell; revisions come on standard input
                command,
                cwd=folder,
                env=clean_environment() | (extra or {}),
                stdin=asked,
                stdout=subprocess.PIPE,
                stderr=said,
            )
        except FileNotFoundError as error:
            raise _missing_git() from error
        output = _bounded(child)
        said.seek(0)
        words = said.read(4_000)
        if not child.returncode and not (whole and words):
            return output
        if not check or (silent_is_none and child.returncode == 1 and not words):
            return None
        raise _failed(arguments, words)


def _bounded(child: subprocess.Popen[bytes]) -> bytes:
    late = threading.Event()

    def stop() -> None:
        late.set()
        child.kill()

    timer = threading.Timer(TIMEOUT, stop)
    timer.start()
    with child:
        output = child.stdout.read(MAX_OUTPUT + 1) if child.stdout else b""
        if len(output) > MAX_OUTPUT:
            child.kill()
    timer.cancel()
    if late.is_set():
        raise too_late(TIMEOUT)
    if len(output) > MAX_OUTPUT:
        raise InvalidInput(
            f"expected at most {MAX_OUTPUT >> 20} MiB about the range, got more",
            code="git-too-large",
            hint="name a smaller range",
        )
    return output


def _missing_git() -> Unavailable:
    return Unavailable(
        "expected the git program, got none on the path",
        code="git-missing",
        hint="install git 2.36 or newer",
        plugin="git",
    )


def _failed(arguments: Sequence[str], said: bytes) -> InvalidInput | IntegrityError:
    text = " ".join(readable(said).split())[:200]
    signs = ("unable to read", "bad object", "bad tree object", "missing", "not found", "could not fetch")
    if any(sign in text for sign in signs):
        return InvalidInput(
            f"expected all objects of the range, got `{text}`",
            code="git-object-missing",
            hint="fetch what is missing: git fetch --refetch origin (partial clone), or git fetch --unshallow",
        )
    word = next((word for word in arguments if not word.startswith(("-", "/"))), "")
    return _broken(word, f"an answer, got `{text}`")


def _broken(command: str, expected: str) -> IntegrityError:
    return IntegrityError(
        f"expected `git {command}` to give {expected}",
        code="git-failed",
        hint="check the repository with git fsck, and that git is 2.36 or newer",
    )
