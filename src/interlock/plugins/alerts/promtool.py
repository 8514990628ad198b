"""The real promtool over the service's real rule files.

Rules:
1. Rule files are copied into a folder of their own, beside the file of tests; nothing is left there.
2. Cases are split over ``PROCESSES`` processes: each test of promtool has a database of its own.
3. An exit code of 1 is how promtool says that answers were not expected, which all of them are.
4. A promtool that is still running when nobody waits for it any more is ended.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from interlock.core.alerts.broken import numbered, renamed
from interlock.core.alerts.promtool_file import Case, Phases, written
from interlock.core.alerts.promtool_says import Said, read_said
from interlock.core.change.errors import Unavailable

P = TypeVar("P")
Q = TypeVar("Q")
PROGRAM = "promtool"
PROCESSES = 2
CHECK_SECONDS = 60.0


class Promtool:
    """See the rules above; the contract is in ``ports.alerts``."""

    def missing(self) -> str:
        """See ``ports.alerts``."""
        if place():
            return ""
        return "promtool, which comes with Prometheus: apt-get install prometheus, or brew install prometheus"

    def check(self, rule_files: Mapping[str, bytes]) -> str:
        """See ``ports.alerts``."""
        with tempfile.TemporaryDirectory(prefix="interlock-alerts-") as folder:
            names = _copied(Path(folder), rule_files)
            code, said = _ran(["check", "rules", "--lint=none", *names], folder, CHECK_SECONDS, [])
        if code is None:
            raise Unavailable(
                f"expected promtool to check the rule files, got: {said}",
                code="promtool-failed",
                hint="look whether it runs: promtool --version",
                plugin="promtool",
            )
        return said if code else ""

    def run(
        self, rule_files: Mapping[str, bytes], cases: Sequence[Case], phases: Phases, *, seconds: float
    ) -> Said:
        """See ``ports.alerts``."""
        said = _shared(cases, lambda part, children: self._one(rule_files, part, phases, seconds, children))
        fault = next((one.fault for one in said if one.fault), "")
        first = {key: first for one in said for key, first in one.first.items()}
        return Said(first=first, fault=renamed(fault, rule_files))

    def tests(self, files: Mapping[str, bytes], names: Sequence[str], *, seconds: float) -> str:
        """See ``ports.alerts``."""
        with tempfile.TemporaryDirectory(prefix="interlock-alerts-") as folder:
            for name, content in files.items():
                (Path(folder) / name).write_bytes(content)
            said = _shared(
                names, lambda part, children: _ran(["test", "rules", *part], folder, seconds, children)[1]
            )
        return "\n".join(said)

    def _one(
        self,
        rule_files: Mapping[str, bytes],
        cases: Sequence[Case],
        phases: Phases,
        seconds: float,
        children: list[subprocess.Popen[str]],
    ) -> Said:
        with tempfile.TemporaryDirectory(prefix="interlock-alerts-") as folder:
            names = _copied(Path(folder), rule_files)
            (Path(folder) / "tests.yaml").write_bytes(written(names, cases, phases))
            code, said = _ran(["test", "rules", "tests.yaml"], folder, seconds, children)
        if code is None:
            return Said(first={}, fault=said)
        return read_said(said, asked=sum(2 * len(case.alerts) for case in cases))


def place() -> str | None:
    """Where promtool is: on ``PATH``, else beside this very Python; None where it is not."""
    beside = str(Path(sys.executable).parent)
    return shutil.which(PROGRAM) or shutil.which(PROGRAM, path=beside)


def _shared(whole: Sequence[P], act: Callable[[Sequence[P], list[subprocess.Popen[str]]], Q]) -> list[Q]:
    """What ``act`` gives for each share, all at once; the programs it started are ended when nobody waits."""
    shares = [part for part in (whole[place::PROCESSES] for place in range(PROCESSES)) if part]
    children: list[subprocess.Popen[str]] = []
    with ThreadPoolExecutor(max_workers=PROCESSES) as threads:
        try:
            asked = [threads.submit(act, part, children) for part in shares]
            return [each.result() for each in asked]
        except BaseException:
            for child in children:
                child.kill()
            raise


def _copied(folder: Path, rule_files: Mapping[str, bytes]) -> list[str]:
    names = [numbered(place) for place in range(len(rule_files))]
    for name, content in zip(names, rule_files.values(), strict=True):
        (folder / name).write_bytes(content)
    return names


def _ran(
    arguments: Sequence[str], folder: str, seconds: float, children: list[subprocess.Popen[str]]
) -> tuple[int | None, str]:
    """The exit code with all that was said; None with the reason where there is none."""
    command = [place() or PROGRAM, *arguments]
    pipe = subprocess.PIPE
    try:
        child = subprocess.Popen(  # noqa: S603  # a fixed program over files of our own
            command, cwd=folder, stdout=pipe, stderr=pipe, text=True, errors="replace"
        )
    except OSError as error:
        return None, f"promtool could not be started: {(error.strerror or str(error)).lower()}"
    with child:
        children.append(child)
        try:
            out, wrong = child.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None, f"promtool did not end within {seconds:g} s"
        finally:
            child.kill()
    return child.returncode, f"{out}\n{wrong}"
