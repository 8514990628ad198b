"""Runs the tests of a plan in copies of the repository, with few variables and a home of their own.

Rules:
1. Modules come from the copy: its folders stand first on the path, and pytest is asked where each was loaded from.
2. A run gets the variables that every program needs and those the plan names; home and the folder for temporary
   files are empty ones. No key, no token of interlock's is among them. What is run has the rights of this user.
3. Each run has a copy of its own in the same place, and a folder for what it writes that is gone after it: nothing
   but the product's files says which side it is of.
4. Each run is ended with all it started after the plan's time; what it writes is bounded before it is read.
5. Pytest is asked for every test by a plug-in of our own (``witness``); another runner by its JUnit report, and of
   it all tests are run each time.
6. Whether a file was read is asked of the system: its time of access is set to long ago before a watched run.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from interlock.core.bite.cover import Covered, changed_lines, covered
from interlock.core.bite.modules import from_elsewhere, module_names
from interlock.core.bite.plan import JUNIT_PLACE, TestPlan
from interlock.core.bite.reach import Reached
from interlock.core.bite.seen import MOST_BYTES, Seen, from_junit, read_witness
from interlock.core.bite.stand_ins import MODULE
from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.junit import MAX_JUNIT, read_junit
from interlock.plugins.bite.copies import Copies
from interlock.plugins.world.programs import NEEDED, SystemPrograms
from interlock.ports.bite import Edited, Side
from interlock.ports.programs import Output

PYTHON_PLACE = "{python}"
"""What every program needs."""
PROBE_SECONDS = 60.0
_LONG_AGO = 1_000_000_000.0
_WITNESS, _FOLDER = "tests_witness", "TESTS_WITNESS_FOLDER"
_RAN = frozenset({0, 1})
"""Pytest ran what it found; whatever else it ends with, it did not."""
_OPTIONS = (
    "-p", _WITNESS, "-p", "no:cacheprovider", "--continue-on-collection-errors", "--maxfail=0", "-q", "--tb=no",
)  # fmt: skip


class GitBench:
    """See the rules above; the contract is in ``ports.bite``. ``checkout`` is where a relative ``python`` lies."""

    def __init__(self, copies: Copies, plan: TestPlan, checkout: Path) -> None:
        self._copies, self._plan = copies, plan
        self._python = str(checkout / plan.python) if os.sep in plan.python else plan.python
        self._modules: tuple[str, ...] | None = None
        self._over: dict[Side, Mapping[str, bytes]] = {}

    def __enter__(self) -> Self:
        for name in ("home", "tmp", "witness"):
            (self._copies.folder / name).mkdir()
        for ours, theirs in (("witness.py", _WITNESS), ("stranger.py", MODULE)):
            written = resources.files("interlock.plugins.bite").joinpath(ours).read_bytes()
            (self._copies.folder / "witness" / f"{theirs}.py").write_bytes(written)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._copies.close()

    def missing(self) -> str:
        """See ``ports.bite``."""
        first = self._plan.command[0].replace(PYTHON_PLACE, self._python) if self._plan.command else self._python
        if why := SystemPrograms(str(self._copies.folder)).missing(first):
            return f"`{first}` to run tests, got none ({why}): install it, or correct {self._plan.path}"
        if self._plan.command or self._asked("-c", "import pytest").ran.good:
            return ""
        return f"pytest for `{self._plan.python}`, got none: {self._plan.python} -m pip install pytest"

    def edited(self) -> tuple[Edited, ...]:
        """See ``ports.bite``."""
        return self._copies.edited()

    def run(self, side: Side, only: Collection[str] | None = None, *, listing: bool = False) -> Seen:
        """See ``ports.bite``."""
        place, folder = self._place(side), self._folder()
        try:
            if self._plan.command:
                return self._by_command(place, folder)
            return self._by_pytest(place, side, only, folder, ("--collect-only",) if listing else ())
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def mutate(self, side: Literal["mutant", "stood-in"], files: Mapping[str, bytes]) -> None:
        """See ``ports.bite``."""
        self._over[side] = files

    def reached(self, only: Collection[str], watched: Collection[str], *, lines: bool) -> Reached:
        """See ``ports.bite``."""
        if self._plan.command:
            return Reached(covered=Covered(why="it is counted for pytest alone"))
        place, folder = self._place("head"), self._folder()
        why = "the plan does not want it"
        if lines and not self._asked("-c", "import coverage").ran.good:
            why, lines = f"coverage.py is not there for {self._plan.python}", False
        kept = folder / "coverage"
        # Nobody's settings: what the repository says of coverage is about its own reports.
        counting = ("-m", "coverage", "run", f"--rcfile={os.devnull}", f"--data-file={kept}", "--include=./*")
        try:
            files = [file for path in watched if (file := place / path).is_file() and not file.is_symlink()]
            asked = _unread_yet([*files, probe := folder / "probe"])
            seen = self._seen(place, folder, only, counting if lines else (), files)
            probe.read_bytes()
            read = frozenset(str(file.relative_to(place)) for file in files if _was_read(file))
            told = self._counted(place, folder, kept) if lines else Covered(why=why)
            return Reached(seen=seen, read=read if asked and _was_read(probe) else None, covered=told)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _seen(
        self, place: Path, folder: Path, only: Collection[str], through: tuple[str, ...], files: Collection[Path]
    ) -> Seen:
        done = self._pytest(place, folder, only, through=through, watched=[str(file) for file in files])
        return Seen(fault=f"pytest {done.ran.told}") if done.ran.code is None else self._written(place, folder)

    def _counted(self, place: Path, folder: Path, kept: Path) -> Covered:
        told = folder / "coverage.json"
        saying = ("-m", "coverage", "json", f"--rcfile={os.devnull}", f"--data-file={kept}", "-o", str(told))
        self._python_in(place, folder, *saying)
        product = set(self._copies.product())
        lines = {path: found for path, found in changed_lines(self._copies.patch()).items() if path in product}
        try:
            return covered(_bounded(told, MOST_BYTES), lines)
        except (InvalidInput, OSError):
            return Covered(why="coverage.py gave no report")

    def _place(self, side: Side) -> Path:
        old = {"base": self._copies.base, "base-alone": self._copies.base_alone, "stood-in": self._copies.base}
        return _over(old.get(side, self._copies.head)(), self._over.get(side, {}))

    def _written(self, place: Path, folder: Path) -> Seen:
        try:
            written = b"".join(_bounded(file, MOST_BYTES) for file in sorted(folder.glob("seen-*.jsonl")))
            return read_witness(written, root=str(place))
        except (InvalidInput, OSError) as error:
            return Seen(fault=f"what the tests wrote cannot be read: {error}")

    def _by_pytest(
        self, place: Path, side: Side, only: Collection[str] | None, folder: Path, more: tuple[str, ...]
    ) -> Seen:
        done = self._pytest(place, folder, only, more=more)
        seen = self._written(place, folder)
        if seen.fault:
            return seen
        fault = self._against(done, seen, place) if side in {"head", "base"} else ""
        if side == "head" and not fault and (done.ran.code not in _RAN or seen.origins is None):
            fault = f"pytest {done.ran.told}"
        if side == "base-alone" and done.ran.code is None:
            fault = f"pytest on the old code {done.ran.told}"
        return replace(seen, fault=fault)

    def _against(self, done: Output, seen: Seen, place: Path) -> str:
        if done.ran.why == "unstarted" or done.cut:
            return f"pytest {done.ran.told}"
        strangers = from_elsewhere(seen.origins or {}, str(place))
        if not strangers:
            return ""
        name, file = strangers[0]
        more = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
        return f"the tests read an installed copy, not the change: `{name}`{more} came from {file}"

    def _pytest(
        self,
        place: Path,
        folder: Path,
        only: Collection[str] | None,
        *,
        through: tuple[str, ...] = (),
        more: tuple[str, ...] = (),
        watched: Collection[str] | None = None,
    ) -> Output:
        if self._modules is None:
            self._modules = module_names(self._copies.product(), self._plan.roots)
        files = sorted({str(place / test.partition("::")[0]) for test in only or ()})
        asked: dict[str, Any] = {"only": None if only is None else sorted(only), "files": files}
        asked |= {"modules": self._modules, "watched": watched}
        (folder / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
        options = (*_OPTIONS, f"--rootdir={place}", *more, *self._plan.arguments)
        return self._python_in(place, folder, *through, "-m", "pytest", *options)

    def _by_command(self, place: Path, folder: Path) -> Seen:
        report = folder / "junit.xml"
        words = {JUNIT_PLACE: str(report), PYTHON_PLACE: self._python}
        command = [_filled(word, words) for word in self._plan.command]
        done = self._in(place, folder, *command)
        if done.ran.code is None:
            return Seen(fault=f"the tests' command {done.ran.told}")
        try:
            return from_junit(read_junit(_bounded(report, MAX_JUNIT)).cases)
        except OSError:
            return Seen(fault=f"the tests' command wrote no JUnit report, and {done.ran.told}")
        except InvalidInput as error:
            return Seen(fault=f"the tests' JUnit report cannot be read: {error.message}")

    def _asked(self, *words: str) -> Output:
        folder = self._copies.folder
        programs = SystemPrograms(str(folder), passed_on=NEEDED)
        return programs.output((self._python, *words), timeout=PROBE_SECONDS, environment={"HOME": str(folder)})

    def _python_in(self, place: Path, folder: Path, *words: str) -> Output:
        return self._in(place, folder, self._python, *words)

    def _in(self, place: Path, folder: Path, *command: str) -> Output:
        roots = [str(place / root) for root in self._plan.roots if (place / root).is_dir()]
        environment = {
            "HOME": str(self._copies.folder / "home"),
            "TMPDIR": str(self._copies.folder / "tmp"),
            "PYTHONPATH": os.pathsep.join([*roots, str(self._copies.folder / "witness")]),
            "PYTHONDONTWRITEBYTECODE": "1",
            _FOLDER: str(folder),
        }
        programs = SystemPrograms(str(place), passed_on=NEEDED | set(self._plan.passed_on))
        return programs.output(command, timeout=self._plan.timeout, environment=environment)

    def _folder(self) -> Path:
        folder = self._copies.folder / secrets.token_hex(8)
        folder.mkdir()
        return folder


def _unread_yet(files: Collection[Path]) -> bool:
    """Set their times of access to long ago; the last is made. Whether all of them were."""
    try:
        for file in files:
            file.touch()
            os.utime(file, (_LONG_AGO, time.time()))
    except OSError:
        return False
    return True


def _was_read(file: Path) -> bool:
    try:
        return file.stat().st_atime != _LONG_AGO
    except OSError:
        return True


def _over(place: Path, files: Mapping[str, bytes]) -> Path:
    for path, content in files.items():
        target = place / path
        if not target.parent.resolve().is_relative_to(place):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink():
            target.unlink()
        target.write_bytes(content)
    return place


def _filled(word: str, words: Mapping[str, str]) -> str:
    for name, value in words.items():
        word = word.replace(name, value)
    return word


def _bounded(file: Path, most: int) -> bytes:
    """What a file of the tests has in it, of which nobody knows what they made of it."""
    opened = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(opened, "rb") as reading:
        content = reading.read(most + 1)
    if len(content) > most:
        raise InvalidInput(
            f"expected at most {most >> 20} MiB from the tests, got more",
            code="witness-unreadable",
            hint="look at what they write",
        )
    return content
