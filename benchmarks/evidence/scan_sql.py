"""How often the rule about SQL that is put together speaks in code that is public and in use.

    python -m benchmarks.evidence.scan_sql [--alone] FOLDER…

Every Python file below a folder is read as if it were new. Counted are the places of ``sql-composed``, those of
bandit's B608, and how many of the former overlap none of the latter; each with how many that is in 100,000 lines.
``--alone`` leaves bandit out, which takes minutes for a million lines.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from interlock.core.scan.compare import compared, told_once
from interlock.core.scan.seen import Seen, Source
from interlock.plugins.scanners.access import AccessScanner
from interlock.plugins.scanners.bandit import BanditScanner
from interlock.ports.scanner import Look
from interlock.road.scan import OWN, placed

SECONDS = 900.0


def main() -> int:
    """Print the counts of each folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--alone", action="store_true")
    options = parser.parse_args()
    for folder in options.folders:
        print(_told(folder.name, _sources(folder), beside=not options.alone))
    return 0


def _sources(folder: Path) -> list[Source]:
    files = sorted(folder.rglob("*.py"))
    return [Source(side="head", path=str(file), content=file.read_bytes(), lineage=str(file)) for file in files]


def _told(name: str, sources: Sequence[Source], *, beside: bool) -> str:
    look, began = Look(sources=sources), time.process_time()
    mine = _of(AccessScanner({}).scan(look).seen, "sql-composed")
    took = time.process_time() - began
    counts = {"sql-composed": len(mine)}
    if beside:
        theirs = _of(BanditScanner({"seconds": SECONDS}).scan(look).seen, "B608")
        told = told_once(compared(placed([*mine, *theirs]), ()), OWN)
        alone = [one for one in told if one.placed.seen.tool == OWN]
        counts |= {"B608": len(theirs), "sql-composed alone": len(alone)}
    lines = sum(one.content.count(b"\n") for one in sources)
    each = ", ".join(f"{rule} {count} ({count * 100_000 / lines:.1f})" for rule, count in counts.items())
    return f"{name}: {len(sources)} files, {lines} lines, {took:.1f} s: {each}"


def _of(seen: Sequence[Seen], rule: str) -> list[Seen]:
    return [one for one in seen if one.rule == rule]


if __name__ == "__main__":
    raise SystemExit(main())
