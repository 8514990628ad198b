"""Recall and precision of provenance on the explicit marks of real repositories.

    python benchmarks/provenance/measure.py REPOSITORY… [--commits 5000] [--json]

The oracle is a plain search over each commit's raw text, written apart from the product and wider: it also knows
addresses and indented lines that were seen in public history and that the product leaves alone, because a person
could have written them. It looks for exact addresses in author, committer and co-author lines, an author's name
that ends in `` (aider)``, ``Assisted-by`` and ``Generated-by`` lines without a person's address, and lines that
start with ``Generated with [`` or with the name of the tool that began the habit. Hard negatives are commits
without any of these whose people are called or live like a tool: named Claude, Cody, Devin or Jules, at the domain
of a maker of such tools, or another bot.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from interlock.core.change.catalog import Catalog
from interlock.core.change.gitlog import LOG_FORMAT, read_commits
from interlock.core.change.parts import Commit, GitRange
from interlock.core.facts.model import Documentation, ProvenanceKind
from interlock.core.facts.provenance import provenance_of

MAILBOXES = [
    "noreply@anthropic.com",
    "claude-3-5-sonnet@anthropic.com",
    "noreply@openai.com",
    "codex@openai.com",
    "cursoragent@cursor.com",
    "aider@aider.chat",
    "noreply@aider.chat",
    "noreply@aider.dev",
    "openhands@all-hands.dev",
    "opendevin@all-hands.dev",
    "openhands-claude@all-hands.dev",
    "gemini@openhands.ai",
    "amp@ampcode.com",
    "noreply@opencode.ai",
    "roomote@roocode.com",
    "copilot@github.com",
    "gemini@google.com",
    "gemini-cli@google.com",
    "qwen-coder@alibabacloud.com",
    "contact@tilework.tech",
    "clio-agent@sisyphuslabs.ai",
    "microsoft-amplifier@users.noreply.github.com",
    "242468646+Claude@users.noreply.github.com",
]
ACCOUNTS = [
    "Copilot",
    "copilot-swe-agent[bot]",
    "devin-ai-integration[bot]",
    "google-labs-jules[bot]",
    "cursor[bot]",
    "kiro-agent",
    "chatgpt-codex-connector[bot]",
    "gemini-code-assist[bot]",
    "factory-droid[bot]",
    "claude[bot]",
    "claude-code[bot]",
    "anthropic-code-agent[bot]",
    "kiloconnect[bot]",
    "codeflash-ai[bot]",
]
ADDRESS = (
    f"(?:{'|'.join(map(re.escape, MAILBOXES))}"
    rf"|(?:\d+\+)?(?:{'|'.join(map(re.escape, ACCOUNTS))})@users\.noreply\.github\.com)"
)
MESSAGE_MARKS = {
    "co-author": re.compile(rf"^ *co-authored-by:.*(?:<{ADDRESS}>|\s{ADDRESS}\s*$)", re.IGNORECASE | re.MULTILINE),
    "assisted-by": re.compile(
        rf"^(?:assisted|generated)-by:(?:[^<\n]*|.*<(?:{ADDRESS}|noreply@[^>\n]+)>\s*)$",
        re.IGNORECASE | re.MULTILINE,
    ),
    "generated with": re.compile(
        r"^(?:\W{0,4} )?generated with (?:\[|claude code\b)", re.IGNORECASE | re.MULTILINE
    ),
}
TOOL_ADDRESS = re.compile(ADDRESS, re.IGNORECASE)
LIKE_A_TOOL = re.compile(
    r"\b(?:claude|cody|devin|jules)\b|@(?:anthropic|openai|cursor|cognition)\.\w+|\[bot\]|\baider@", re.IGNORECASE
)


def marks(commit: Commit) -> set[str]:
    found = {name for name, pattern in MESSAGE_MARKS.items() if pattern.search(commit.message)}
    for role, person in (("author", commit.author), ("committer", commit.committer)):
        if TOOL_ADDRESS.fullmatch(person.email) or person.name.endswith(" (aider)"):
            found.add(role)
    return found


def looks_like_a_tool(commit: Commit) -> bool:
    people = [f"{person.name} <{person.email}>" for person in (commit.author, commit.committer)]
    people += [text for key, text in commit.trailers if key.lower() == "co-authored-by"]
    return any(LIKE_A_TOOL.search(person) for person in people)


def commits_of(repository: Path, count: int) -> tuple[Commit, ...]:
    shape = ["-z", "--no-notes", "--no-mailmap", "--encoding=UTF-8", "--no-patch", f"--format={LOG_FORMAT}"]
    command = ["git", "-C", str(repository), "log", "--all", f"-{count}", *shape]
    return read_commits(subprocess.run(command, check=True, capture_output=True).stdout)


def head_of(repository: Path) -> str:
    command = ["git", "-C", str(repository), "rev-parse", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def notes_of(repository: Path, limit: int) -> Iterator[tuple[str, str]]:
    listed = subprocess.run(
        ["git", "-C", str(repository), "notes", "--ref", "ai", "list"], check=False, capture_output=True, text=True
    ).stdout.split()
    for note, commit in list(zip(listed[::2], listed[1::2], strict=False))[:limit]:
        read = subprocess.run(
            ["git", "-C", str(repository), "cat-file", "blob", note], check=True, capture_output=True
        )
        yield commit, read.stdout.decode("utf-8", "replace")


def detected(commit: Commit) -> tuple[bool, tuple[str, ...]]:
    part = GitRange(repository="", base="", head=commit.id, head_tree="", commits=(commit,), files=())
    found = provenance_of((part,), Documentation(), Catalog(digest=""))
    return found.kind is not ProvenanceKind.UNKNOWN, found.conflicts


def measured(repository: Path, count: int, notes: int) -> dict[str, object]:
    commits = commits_of(repository, count)
    started = time.perf_counter()
    found = {commit.id: detected(commit)[0] for commit in commits}
    seconds = time.perf_counter() - started
    expected = {commit.id: marks(commit) for commit in commits}
    missed = [commit for commit in commits if expected[commit.id] and not found[commit.id]]
    invented = [commit for commit in commits if found[commit.id] and not expected[commit.id]]
    hard = [commit for commit in commits if not expected[commit.id] and looks_like_a_tool(commit)]
    marked = sum(map(bool, expected.values()))
    hits = marked - len(missed)
    names = (*MESSAGE_MARKS, "author", "committer")
    by_mark = {name: sum(name in some for some in expected.values()) for name in names}
    known = {commit.id: commit for commit in commits}
    noted = [replace(known[name], note=text) for name, text in notes_of(repository, notes) if name in known]
    unread = sum(any("cannot be read" in conflict for conflict in detected(commit)[1]) for commit in noted)
    return {
        "repository": repository.parent.name.replace("+", "/"),
        "head": head_of(repository),
        "commits": len(commits),
        "marked": marked,
        "by_mark": by_mark,
        "recall": hits / marked if marked else None,
        "precision": hits / (hits + len(invented)) if hits + len(invented) else None,
        "missed": [f"{commit.id[:12]} {sorted(expected[commit.id])}" for commit in missed[:20]],
        "invented": [f"{commit.id[:12]} {commit.author.name}" for commit in invented[:20]],
        "hard_negatives": len(hard),
        "hard_negatives_flagged": sum(found[commit.id] for commit in hard),
        "notes": len(noted),
        "notes_unread": unread,
        "us_per_commit": seconds / max(len(commits), 1) * 1e6,
    }


def share(value: object) -> str:
    return f"{value * 100:.2f} %" if isinstance(value, float) else "–"


def main() -> int:
    parser = argparse.ArgumentParser(description="provenance against a plain search")
    parser.add_argument("repositories", type=Path, nargs="+", metavar="REPOSITORY")
    parser.add_argument("--commits", type=int, default=5_000)
    parser.add_argument("--notes", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = [measured(repository, given.commits, given.notes) for repository in given.repositories]
    if given.json:
        print(json.dumps(rows, indent=1))
        return 0
    print(f"{'repository':<35} commits  marked   recall  precision  hard negatives (flagged)  notes (unread)")
    for row in rows:
        print(
            f"{row['repository']:<35} {row['commits']:>7,} {row['marked']:>7,} {share(row['recall']):>8} "
            f"{share(row['precision']):>10} {row['hard_negatives']:>15,} ({row['hard_negatives_flagged']}) "
            f"{row['notes']:>17,} ({row['notes_unread']})"
        )
        for kind in ("missed", "invented"):
            for line in row[kind][:10]:
                print(f"    {kind}: {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
