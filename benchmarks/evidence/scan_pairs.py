"""What the usual scanners find in real vulnerable functions, and how often they block the corrected ones.

    python -m benchmarks.evidence.scan_pairs CWE-89 PAIRS.jsonl…

Each line of a file is a JSON object with ``func_src_before`` (vulnerable), ``func_src_after`` (corrected) and
``file_name``, as the data set of SVEN (He and Vechev, 2023) has them; nothing of it is part of this repository.
Every function is one file of one change. Three changes are scanned for each: one that adds the vulnerable
function, one that adds the corrected one, and one that corrects it where it was.
"""

from __future__ import annotations

import argparse
import json
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path

from interlock.core.scan.compare import compared
from interlock.core.scan.outcome import Amount, Outcome, outcome
from interlock.core.scan.plan import USUAL
from interlock.core.scan.seen import Scanned, Side, Source
from interlock.ports.scanner import Look
from interlock.registry import scanners
from interlock.road.scan import placed

Pair = tuple[str, str]


def main() -> int:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weakness")
    parser.add_argument("files", nargs="+", type=Path)
    options = parser.parse_args()
    pairs = [pair for file in options.files for pair in _pairs(file)]
    began = time.perf_counter()
    before = _scanned("head", [old for old, _ in pairs])
    after = _scanned("head", [new for _, new in pairs])
    took = time.perf_counter() - began
    counts = {"vulnerable, added": 0, "corrected, added": 0, "corrected where it was": 0}
    others = dict.fromkeys(counts, 0)
    unread = 0
    for old, new in zip(before, after, strict=True):
        unread += any(each.unread or each.fault for each in (*old, *new))
        for name, found in (
            ("vulnerable, added", _outcome((), old)),
            ("corrected, added", _outcome((), new)),
            ("corrected where it was", _outcome(old, new)),
        ):
            mine = [one for one in found.blocking if one.weakness == options.weakness]
            counts[name] += bool(mine)
            others[name] += len(mine) < len(found.blocking)
    print(f"{len(pairs)} pairs, {unread} unread, both sides scanned in {took:.1f} s")
    for name, count in counts.items():
        print(f"{name}: {options.weakness} blocks in {count} of {len(pairs)}; another class in {others[name]}")
    return 0


def _pairs(file: Path) -> list[Pair]:
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    wanted = [one for one in lines if one["file_name"].endswith(".py")]
    return [(textwrap.dedent(one["func_src_before"]), textwrap.dedent(one["func_src_after"])) for one in wanted]


def _scanned(side: Side, functions: Sequence[str]) -> list[list[Scanned]]:
    """What each scanner saw in each function by itself; those that start a program are started once."""
    sources = [
        Source(side=side, path=f"{number:04d}.py", content=text.encode(), lineage=f"{number:04d}.py")
        for number, text in enumerate(functions)
    ]
    known, each = scanners(), [[] for _ in sources]
    for plan in USUAL.scanners:
        scanner = known[plan.kind]({})
        if plan.kind == "access":
            found = [scanner.scan(Look(sources=[source])) for source in sources]
        else:
            whole = scanner.scan(Look(sources=sources))
            found = [_of(whole, source) for source in sources]
        for listed, one in zip(each, found, strict=True):
            listed.append(one)
    return each


def _of(whole: Scanned, source: Source) -> Scanned:
    return Scanned(
        tool=whole.tool,
        version=whole.version,
        seen=tuple(one for one in whole.seen if one.source is source),
        unread=tuple(one for one in whole.unread if one[0] is source),
        fault=whole.fault,
    )


def _outcome(base: Sequence[Scanned], head: Sequence[Scanned]) -> Outcome:
    seen = [placed([one for each in side for one in each.seen]) for side in (head, base)]
    return outcome(compared(*seen), head, (), (), Amount(files=1, lines=0))


if __name__ == "__main__":
    raise SystemExit(main())
