"""Read the newest commits of a real repository one by one, and say what that took.

    python benchmarks/describe/crawl.py REPOSITORY [--commits 1000] [--materials] [--json]

Each commit is read as ``commit^..commit`` (merges against their first parent, roots from nothing). An empty
commit has nothing to describe: the reader says so, and it is counted as refused, not as a failure. A failure is
anything that is not an ``InterlockError``, or an ``IntegrityError``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from interlock.core.change.change import change_digest
from interlock.core.change.errors import IntegrityError, InterlockError
from interlock.core.change.parts import GitRange
from interlock.plugins.readers.git import GitReader
from interlock.ports.reader import ReadRequest


def commits(repository: Path, count: int) -> list[tuple[str, str]]:
    """Newest first, the oldest ones last: every root is among them. Pairs of base and head."""
    command = ["git", "-C", str(repository), "rev-list", "--parents", "--all", "--date-order"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    roots = [line for line in listed if " " not in line]
    chosen = listed[: max(count - len(roots), 0)] + roots
    return [(words[1] if len(words) > 1 else "ROOT", words[0]) for words in map(str.split, chosen)]


def head_of(repository: Path) -> str:
    command = ["git", "-C", str(repository), "rev-parse", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def read(repository: Path, base: str, head: str, *, materials: bool) -> GitRange:
    reading = GitReader().read(ReadRequest(root=repository, arguments={"base": base, "head": head}))
    if reading is None or not isinstance(reading.part, GitRange):
        raise AssertionError("expected a git part")
    change_digest((reading.part,))
    if materials:
        for path in reading.material.changed():
            reading.material.before(path)
            reading.material.after(path)
    return reading.part


def look(part: GitRange, seen: Counter[str]) -> None:
    last = part.commits[-1]
    seen["merge commits"] += len(last.parents) > 1
    seen["root commits"] += not last.parents
    seen["commits"] += len(part.commits)
    seen["files"] += len(part.files)
    seen["lines"] += sum((file.added or 0) + (file.removed or 0) for file in part.files)
    seen["with trailers"] += bool(last.trailers)
    seen["with note"] += last.note is not None
    seen["documents"] += len(part.documents)
    for file in part.files:
        seen[file.status] += 1
        seen["binary"] += file.binary
        seen["submodule"] += file.submodule


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("repository", type=Path)
    parser.add_argument("--commits", type=int, default=1000)
    parser.add_argument("--materials", action="store_true", help="also read each file before and after")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    seen: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    failures: list[str] = []
    times: list[float] = []
    for base, head in commits(given.repository, given.commits):
        start = time.perf_counter()
        try:
            look(read(given.repository, base, head, materials=given.materials), seen)
        except IntegrityError as error:
            failures.append(f"{head}: {error.code}: {error.message}")
        except InterlockError as error:
            refused[error.code] += 1
        except Exception as error:  # noqa: BLE001  # a crash is what this looks for
            failures.append(f"{head}: {type(error).__name__}: {error}")
        times.append(time.perf_counter() - start)
    report = {
        "repository": given.repository.resolve().parent.name.replace("+", "/"),
        "head": head_of(given.repository),
        "read": len(times),
        "median_ms": round(statistics.median(times) * 1000, 1),
        "p99_ms": round(statistics.quantiles(times, n=100)[98] * 1000, 1),
        "total_s": round(sum(times), 1),
        "refused": dict(refused),
        "failures": failures,
        "seen": dict(seen),
    }
    if given.json:
        print(json.dumps(report))
    else:
        for key, value in report.items():
            print(f"{key:12} {value}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
