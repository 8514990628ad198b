"""The real promtool over the service's real rule files.

Rules:
1. Rule files are copied into a folder of their own, beside the file of tests; nothing is left there.
2. Cases are split over several processes: each test of promtool has a database of its own.
3. An exit code of 1 is how promtool says that answers were not expected, which all of them are.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from interlock.core.alerts.broken import numbered, renamed
from interlock.core.alerts.promtool_file import Case, Phases, written
from interlock.core.alerts.promtool_says import Said, read_said
from interlock.core.change.errors import Unavailable
from interlock.plugins.alerts.programs import Children, place, ran, shared

PROGRAM = "promtool"
CHECK_SECONDS = 60.0


class Promtool:
    """See the rules above; the contract is in ``ports.alerts``."""

    def missing(self) -> str:
        """See ``ports.alerts``."""
        if place(PROGRAM):
            return ""
        return (
            "promtool, which comes with Prometheus: apt-get install prometheus, brew install prometheus, or in a "
            "clone of interlock scripts/alert-tools promtool"
        )

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
        said = shared(cases, lambda part, children: self._one(rule_files, part, phases, seconds, children))
        fault = next((one.fault for one in said if one.fault), "")
        fired = {key: fired for one in said for key, fired in one.fired.items()}
        return Said(fired=fired, fault=renamed(fault, rule_files))

    def tests(self, files: Mapping[str, bytes], names: Sequence[str], *, seconds: float) -> str:
        """See ``ports.alerts``."""
        with tempfile.TemporaryDirectory(prefix="interlock-alerts-") as folder:
            for name, content in files.items():
                (Path(folder) / name).write_bytes(content)
            said = shared(
                names, lambda part, children: _ran(["test", "rules", *part], folder, seconds, children)[1]
            )
        return "\n".join(said)

    def _one(
        self,
        rule_files: Mapping[str, bytes],
        cases: Sequence[Case],
        phases: Phases,
        seconds: float,
        children: Children,
    ) -> Said:
        with tempfile.TemporaryDirectory(prefix="interlock-alerts-") as folder:
            names = _copied(Path(folder), rule_files)
            (Path(folder) / "tests.yaml").write_bytes(written(names, cases, phases))
            code, said = _ran(["test", "rules", "tests.yaml"], folder, seconds, children)
        if code is None:
            return Said(fired={}, fault=said)
        return read_said(said, asked=sum(2 * len(case.alerts) for case in cases))


def _copied(folder: Path, rule_files: Mapping[str, bytes]) -> list[str]:
    names = [numbered(place) for place in range(len(rule_files))]
    for name, content in zip(names, rule_files.values(), strict=True):
        (folder / name).write_bytes(content)
    return names


def _ran(arguments: Sequence[str], folder: str, seconds: float, children: Children) -> tuple[int | None, str]:
    """The exit code with all that was said; None with the reason where there is none."""
    code, said, wrong = ran(PROGRAM, arguments, folder, seconds, children)
    return code, said if code is None else f"{said}\n{wrong}"
