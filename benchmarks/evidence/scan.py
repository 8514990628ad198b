"""A scan of what a change adds, beside bandit over the whole repository.

The repository is a copy of Django's source as it is installed here, the change edits some of its files. What is
measured is everything between the range on record and its verdict: both sides from git, the usual scanners, and
what is new. The peer is bandit alone, over every file, once. Processor time counts what was started as well.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from interlock.core.change.parts import GitRange
from interlock.core.scan.outcome import Amount, outcome
from interlock.core.scan.plan import USUAL
from interlock.plugins.readers.git import GitReader
from interlock.plugins.readers.scan_sources import RangeSources, reading
from interlock.ports.reader import ReadRequest
from interlock.ports.scanner import Look
from interlock.registry import scanners
from interlock.road.scan import ready, scan

PACKAGE = "django"
SIZES = (1, 10, 50)
TARGET = "< 5 s"


def rows() -> list[dict[str, object]]:
    """One row for each size of a change, one for the peer."""
    with tempfile.TemporaryDirectory(prefix="interlock-bench-") as name:
        root = Path(name)
        files = _repository(root)
        command = [sys.executable, "-m", "bandit", "-q", "-f", "json", "-r", str(root)]
        whole, worked = _timed(lambda: subprocess.run(command, capture_output=True, check=False, timeout=900))
        found: list[dict[str, object]] = []
        for size in SIZES:
            part = _change(root, files, size)
            took, spent = _timed(lambda part=part: _scanned(root, part))
            found.append(
                {
                    "figure": f"scan of {size} changed of {len(files)} files",
                    "value": round(took, 2),
                    "unit": "s",
                    "target": TARGET,
                    "peer": round(whole, 2),
                    "note": f"{spent / worked:.2f} times the processor time of bandit over all files",
                }
            )
    found.append({"figure": f"bandit over all {len(files)} files", "value": round(whole, 2), "unit": "s"})
    return found


def _repository(root: Path) -> list[Path]:
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        sys.exit(f"expected the package {PACKAGE}, got none: it is one of the development dependencies")
    without = shutil.ignore_patterns("__pycache__")
    shutil.copytree(spec.submodule_search_locations[0], root / PACKAGE, ignore=without)
    _git(root, "init", "--quiet", "--initial-branch=main")
    _commit(root, "All of it")
    return sorted(path for path in (root / PACKAGE).rglob("*.py") if path.stat().st_size > 1_000)


def _change(root: Path, files: list[Path], size: int) -> GitRange:
    """Every so many files, one line each, as the only commit of a range."""
    _git(root, "switch", "--quiet", "--force", "--create", f"change-{size}", "main")
    for path in files[:: len(files) // size][:size]:
        path.write_text(path.read_text(encoding="utf-8") + "\n\ndef added(value):\n    return value\n", "utf-8")
    _commit(root, "Edit")
    read = GitReader().read(ReadRequest(root=root, arguments={"base": "main", "head": "HEAD"}))
    assert read is not None
    assert isinstance(read.part, GitRange)
    return read.part


def _scanned(root: Path, part: GitRange) -> None:
    into = RangeSources()
    with reading(root, lambda _: False) as reader:
        reader.read(part, into)
        look = Look(sources=into.sources, near=lambda words: reader.near(part, words))
        judged, done = scan(ready([USUAL], scanners()), look, told=lambda _: None)
    found = outcome(judged, done, into.unread, (), Amount(files=into.files, lines=into.lines))
    if found.verdict != "passed":
        sys.exit(f"expected a clean scan, got {found.blocking} {found.unread}")


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of processor time here and in what it waited for."""
    before, began = _spent(), time.perf_counter()
    work()
    return time.perf_counter() - began, _spent() - before


def _spent() -> float:
    each = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in each)


def _commit(root: Path, message: str) -> None:
    _git(root, "add", "--all")
    _git(root, "commit", "--quiet", "--message", message)


def _git(root: Path, *words: str) -> None:
    who = ("-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], cwd=root, check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    for each in rows():
        print(each)
