"""Describe the newest commits of a real repository one by one, and say what that took.

    python benchmarks/describe/crawl.py REPOSITORY [--commits 1000] [--json]

Each commit is read as ``commit^..commit`` (merges against their first parent, roots from nothing), validated with
every YAML, JSON and TOML file taken for configuration, and described. An empty commit has nothing to describe: the
reader says so, and it is counted as refused, not as a failure. A failure is anything that is not an
``InterlockError``, an ``IntegrityError``, or a validator that broke.
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

from interlock.bootstrap import toolbox
from interlock.config import from_environment
from interlock.core.change.catalog import Catalog
from interlock.core.change.change import Recipe, Submission
from interlock.core.change.errors import IntegrityError, InterlockError
from interlock.core.change.parts import GitRange
from interlock.core.change.settings import ConfigurationRule, Settings
from interlock.core.facts.describe import describe
from interlock.core.facts.model import Description
from interlock.road.describe import read

SETTINGS = Settings(
    configuration=tuple(ConfigurationRule(match=f"**/*.{end}") for end in ("yaml", "yml", "json", "toml"))
)


def commits(repository: Path, count: int) -> list[tuple[str, str]]:
    """Newest first, the oldest ones last: every root is among them. Pairs of base and head."""
    every = ["--exclude=refs/notes/*", "--all"]
    command = ["git", "-C", str(repository), "rev-list", "--parents", *every, "--date-order"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    roots = [line for line in listed if " " not in line]
    chosen = listed[: max(count - len(roots), 0)] + roots
    return [(words[1] if len(words) > 1 else "ROOT", words[0]) for words in map(str.split, chosen)]


def head_of(repository: Path) -> str:
    command = ["git", "-C", str(repository), "rev-parse", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def described(repository: Path, base: str, head: str) -> tuple[Submission, Description]:
    recipe = Recipe(reader="git", arguments={"base": base, "head": head})
    submission = read(toolbox(from_environment({}, repository)), repository, (recipe,), SETTINGS)
    return submission, describe(submission, catalog=Catalog(digest=""), settings=SETTINGS)


def look(submission: Submission, about: Description, seen: Counter[str]) -> None:
    for validation in submission.validations:
        seen["files validated"] += 1
        seen["findings"] += len(validation.findings)
        for finding in validation.findings:
            if finding.rule.endswith("/broken"):
                raise AssertionError(f"{validation.validator}: {finding.message}")
    seen[f"provenance {about.provenance.kind}"] += 1
    seen[f"going back: {about.reversibility.kind}"] += 1
    for part in submission.parts:
        if isinstance(part, GitRange):
            look_at(part, seen)


def look_at(part: GitRange, seen: Counter[str]) -> None:
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
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    seen: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    failures: list[str] = []
    times: list[float] = []
    for base, head in commits(given.repository, given.commits):
        start = time.perf_counter()
        try:
            look(*described(given.repository, base, head), seen)
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
