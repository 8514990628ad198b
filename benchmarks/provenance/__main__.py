"""Recall and precision of provenance on the labelled commits of the tests, and what one commit costs.

    python -m benchmarks.provenance [--json FILE]

For real repositories see ``measure.py`` beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from interlock.core.change.catalog import Catalog
from interlock.core.change.parts import Commit, GitRange, Identity
from interlock.core.facts.model import Documentation, ProvenanceKind
from interlock.core.facts.provenance import provenance_of

LABELLED = Path(__file__).resolve().parents[2] / "tests" / "data" / "provenance"
ROUNDS = 20


def commits(name: str) -> list[tuple[Commit, str]]:
    """The labelled commits with the kind each must get."""
    when = datetime(2026, 3, 5, tzinfo=UTC)
    found = []
    for line in (LABELLED / name).read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        author = Identity(**case["author"])
        committer = Identity(**case.get("committer", case["author"]))
        commit = Commit(
            id="1" * 40,
            parents=(),
            author=author,
            committer=committer,
            authored_at=when,
            committed_at=when,
            message=case["message"],
        )
        found.append((commit, case.get("kind", ProvenanceKind.UNKNOWN)))
    return found


def kind_of(commit: Commit) -> str:
    part = GitRange(repository="", base="", head=commit.id, head_tree="", commits=(commit,), files=())
    return provenance_of((part,), Documentation(), Catalog(digest="")).kind


def main() -> int:
    parser = argparse.ArgumentParser(description="provenance on labelled commits")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    marked, unmarked = commits("marked.jsonl"), commits("unmarked.jsonl")
    hits = sum(kind_of(commit) == kind for commit, kind in marked)
    flagged = sum(kind_of(commit) != kind for commit, kind in unmarked)
    started = time.perf_counter()
    for _ in range(ROUNDS):
        for commit, _kind in marked + unmarked:
            kind_of(commit)
    each = (time.perf_counter() - started) / ROUNDS / len(marked + unmarked)
    rows: list[dict[str, object]] = [
        {"figure": "marked commits found, with the right kind", "value": hits, "unit": f"of {len(marked)}"},
        {"figure": "people and other bots taken for a tool", "value": flagged, "unit": f"of {len(unmarked)}"},
        {"figure": "time for one commit", "value": round(each * 1e6, 1), "unit": "µs"},
    ]
    for row in rows:
        print(f"{row['figure']:<45} {row['value']:>8} {row['unit']}")
    if given.json:
        given.json.write_text(json.dumps({"title": "Provenance", "rows": rows}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
