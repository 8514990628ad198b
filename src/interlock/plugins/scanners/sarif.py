"""The scanner ``sarif``: any tool that writes SARIF, by the command that the plan has.

Rules:
1. It is given a folder with the changed files of one side, once for the head and once for the base; both are
   compared here. ``{folder}`` and ``{out}`` stand for the folder and for the file it may write; else it prints.
2. The program is one of this machine, by name or by its whole path: one of the checkout could be the change's own.
3. It gets no variable of this machine but those that every program needs and those named in ``passed_on``.
4. Exit codes by which it says that it found something are named in ``good``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from interlock.core.change.canonical import Json
from interlock.core.change.globs import matches
from interlock.core.scan.seen import Scanned, Source
from interlock.plugins.world.scan_settings import read, refuse
from interlock.plugins.world.scan_tree import both_sides
from interlock.ports.scanner import SECONDS, Look

MOST_WORDS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SarifSettings:
    """``name`` is what the tool is called in what is signed; ``install`` says how one gets it.

    ``reads`` are globs of the files that it understands; of other code that it was given nothing is known.
    ``passed_on`` are variables of the runner that it gets.
    """

    name: str
    run: tuple[str, ...]
    good: tuple[int, ...] = (0, 1)
    install: str = ""
    reads: tuple[str, ...] = ()
    passed_on: tuple[str, ...] = ()
    seconds: float = SECONDS


class SarifScanner:
    """See the rules above; the contract is in ``ports.scanner``."""

    def __init__(self, settings: Mapping[str, Json]) -> None:
        self._settings = read(SarifSettings, settings, what="the scanner `sarif`")
        run = self._settings.run
        if not 1 <= len(run) <= MOST_WORDS or not run[0]:
            raise refuse("a program with its arguments", len(run), hint="run: [program, …]", path=("run",))
        if os.sep in run[0] and not os.path.isabs(run[0]):  # noqa: PTH117  # a name of the plan, not yet a path
            hint = "name one of this machine, by its name or its whole path: the change could bring its own"
            raise refuse("a program outside of the checkout", run[0], hint=hint, path=("run",))
        if not any("{folder}" in word for word in run):
            hint = "write {folder} where the program is told what to look at"
            raise refuse("`{folder}` among the arguments", "none", hint=hint, path=("run",))

    def missing(self) -> str:
        """See ``ports.scanner``."""
        program = self._settings.run[0]
        how = self._settings.install or f"install {program}, or take this scanner out of the plan"
        return "" if shutil.which(program) else f"{program}: {how}"

    def reads(self, source: Source) -> bool:
        """What the plan says that it reads."""
        return not source.link and any(matches(glob, source.path) for glob in self._settings.reads)

    def scan(self, look: Look) -> Scanned:
        """See ``ports.scanner``."""
        had = self._settings

        def command(tree: Path, out: Path) -> tuple[str, ...]:
            told = {"{folder}": str(tree), "{out}": str(out)}
            words = list(had.run)
            for mark, value in told.items():
                words = [word.replace(mark, value) for word in words]
            return tuple(words)

        return both_sides(
            look.sources,
            command,
            tool=had.name,
            seconds=had.seconds,
            good=had.good,
            files={},
            passed_on=had.passed_on,
        )
