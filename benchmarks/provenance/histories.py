"""Write docs/real-histories.md from what ``crawl.py`` and ``measure.py`` said of real repositories.

    python benchmarks/provenance/histories.py --crawled FILE… --shaped FILE --held-out FILE --before FILE

``--crawled`` are answers of ``benchmarks/describe/crawl.py --json``, one a repository. The other files are answers
of ``measure.py --json``: over repositories whose marks the readers were written after, over repositories that
nobody had looked at, and over these before anything was mended for what they showed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parents[2] / "docs" / "real-histories.md"
KINDS = {
    "pypi/warehouse": "migrations (Alembic)",
    "runatlantis/atlantis": "Terraform",
    "git-ai-project/git-ai": "AI-assisted history",
    "GoogleCloudPlatform/microservices-demo": "Kubernetes",
    "open-telemetry/opentelemetry-demo": "Kubernetes",
}
OPENING = """# Real histories

What interlock says of public repositories that nobody wrote for it. Written by
`benchmarks/provenance/histories.py`; a repository stands with the commit its main branch was at.
"""
CRAWLED = """
## Described without a crash

`python benchmarks/describe/crawl.py REPOSITORY --commits N`: each commit against its first parent is read,
validated with every YAML, JSON and TOML file taken for configuration, and described. *Refused* are commits with
a plain error: nothing in them, an object that the copy lacks, a file taken for configuration that is malformed (a
template, say). A *crash* is any other exception, and a validator that broke.
"""
MARKED = """
## Provenance on explicit marks

`python benchmarks/provenance/measure.py REPOSITORY… --commits 30000`: the newest commits of all branches.
*Marked* is what a plain search over the raw text finds, which is wider than the readers: it also counts
addresses and indented lines that a person could have written. *Hard negatives* are unmarked commits by people
called or living like a tool, and by other bots; *taken* is how many of those were called a tool's. Commits
without a mark are unknown, not human, so recall on what nobody marked is not measurable here.

### Repositories the readers were written after

Optimistic: their marks were known.
"""
HELD_OUT = """
### Repositories nobody had looked at

*Recall before* is that of the readers as they were when these repositories were first opened. Every unmarked
commit with a word of the trade in its people, trailers or footers was then read by hand, and what was a tool's
own mark was added to the search and, in general, to the readers: no reader knows a repository. So the last recall
is optimistic too; the one before is the figure for a history that nobody has seen.
"""
MISSED = """
What is still missed, and stays so: a co-author line indented like a quotation; addresses at a tool maker's
domain that a person could have (`claude-3-5-sonnet@anthropic.com`, `openhands-claude@all-hands.dev`,
`gemini@google.com`, `gemini-cli@google.com`); and, outside the search, `claude@anthropic.com` and agents under a
team's own address such as `amp@example.com`. Those belong into the catalog as agents. `Copilot Autofix powered
by AI` comes from the address of a code scanning bot and is not counted as a mark.
"""


def crawled(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield "| repository | kind | at | commits | files | lines | crashes | refused | median | p99 |"
    yield "|" + " --- |" * 10
    for row in rows:
        seen, refused = row["seen"], sum(row["refused"].values())
        yield (
            f"| {row['repository']} | {KINDS.get(row['repository'], '')} | `{row['head'][:12]}` | {row['read']:,} "
            f"| {seen['files']:,} | {seen['lines']:,} | {len(row['failures'])} | {refused} "
            f"| {row['median_ms']:.0f} ms | {row['p99_ms']:,.0f} ms |"
        )


def marked(rows: list[dict[str, Any]], before: dict[str, dict[str, Any]]) -> Iterator[str]:
    then = ["recall before"] if before else []
    titles = [
        "repository",
        "at",
        "commits",
        "marked",
        *then,
        "recall",
        "precision",
        "hard negatives",
        "taken",
        "notes",
    ]
    yield "| " + " | ".join(titles) + " |"
    yield "|" + " --- |" * len(titles)
    for row in rows:
        old = [share(before[row["repository"]]["recall"])] if before else []
        cells = [
            row["repository"],
            f"`{row['head'][:12]}`",
            f"{row['commits']:,}",
            f"{row['marked']:,}",
            *old,
            share(row["recall"]),
            share(row["precision"]),
            f"{row['hard_negatives']:,}",
            str(row["hard_negatives_flagged"]),
            f"{row['notes']:,} read, {row['notes_unread']} not" if row["notes"] else "none",
        ]
        yield "| " + " | ".join(cells) + " |"


def share(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:.2f} %"


def page(given: argparse.Namespace) -> Iterator[str]:
    def loaded(path: Path) -> Any:  # noqa: ANN401  # rows as JSON
        return json.loads(path.read_text(encoding="utf-8"))

    yield OPENING + CRAWLED
    yield from crawled([loaded(path) for path in given.crawled])
    yield MARKED
    yield from marked(loaded(given.shaped), {})
    yield HELD_OUT
    yield from marked(loaded(given.held_out), {row["repository"]: row for row in loaded(given.before)})
    yield MISSED.rstrip()


def main() -> int:
    parser = argparse.ArgumentParser(description="docs/real-histories.md from measured answers")
    parser.add_argument("--crawled", type=Path, nargs="+", required=True, metavar="FILE")
    for name in ("--shaped", "--held-out", "--before"):
        parser.add_argument(name, type=Path, required=True, metavar="FILE")
    TARGET.write_text("\n".join(page(parser.parse_args())) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
