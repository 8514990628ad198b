"""The real promtool over the service's real rule files.

Rules:
1. Rule files are copied as they are into a folder of their own, beside the file of tests; nothing is left there.
2. Cases are split over ``PROCESSES`` processes: each test of promtool has a database of its own.
3. An exit code of 1 is how promtool says that answers were not expected, which all of them are.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from interlock.core.alerts.promtool_file import Case, Phases, written
from interlock.core.alerts.promtool_says import Said, read_said

PROGRAM = "promtool"
PROCESSES = 2
SECONDS = 300.0


class Promtool:
    """See the rules above; the contract is in ``ports.alerts``."""

    def missing(self) -> str:
        """See ``ports.alerts``."""
        if place():
            return ""
        return "promtool, which comes with Prometheus: apt-get install prometheus, or brew install prometheus"

    def run(self, rule_files: Mapping[str, bytes], cases: Sequence[Case], phases: Phases) -> Said:
        """See ``ports.alerts``."""
        shares = [part for part in (cases[place::PROCESSES] for place in range(PROCESSES)) if part]
        with ThreadPoolExecutor(max_workers=PROCESSES) as threads:
            said = [*threads.map(lambda part: self._one(rule_files, part, phases), shares)]
        fault = next((one.fault for one in said if one.fault), "")
        return Said(first={key: first for one in said for key, first in one.first.items()}, fault=fault)

    def _one(self, rule_files: Mapping[str, bytes], cases: Sequence[Case], phases: Phases) -> Said:
        with tempfile.TemporaryDirectory(prefix="interlock-alerts-") as folder:
            names = []
            for number, content in enumerate(rule_files.values()):
                name = f"rules-{number}.yaml"
                (Path(folder) / name).write_bytes(content)
                names.append(name)
            (Path(folder) / "tests.yaml").write_bytes(written(names, cases, phases))
            return _ran(folder, asked=sum(2 * len(case.alerts) for case in cases))


def place() -> str | None:
    """Where promtool is: on ``PATH``, else beside this very Python; None where it is not."""
    beside = str(Path(sys.executable).parent)
    return shutil.which(PROGRAM) or shutil.which(PROGRAM, path=beside)


def _ran(folder: str, *, asked: int) -> Said:
    command = [place() or PROGRAM, "test", "rules", "tests.yaml"]
    try:
        done = subprocess.run(  # noqa: S603  # a fixed program over files of our own
            command, cwd=folder, capture_output=True, text=True, errors="replace", check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return Said(first={}, fault=f"promtool did not end within {SECONDS:g} s")
    except OSError as error:
        return Said(first={}, fault=f"promtool could not be started: {(error.strerror or str(error)).lower()}")
    return read_said(f"{done.stdout}\n{done.stderr}", asked=asked)
