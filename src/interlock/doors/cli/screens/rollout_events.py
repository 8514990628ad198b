"""What the ledger tells of one rollout, a line an entry.

Rules:
1. Every few seconds of a rollout are an entry of what was counted: they would bury the rest, and are folded.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from interlock.doors.cli.text import safe

Told = dict[str, Any]
OBSERVED, _FEW = "rollout.observed", 2


def happened(items: Sequence[Told]) -> list[str]:
    """Entries in their order, a line each; what was only counted is one line for all that follow each other."""
    lines = []
    for counted, found in groupby(items, lambda item: item["kind"] == OBSERVED):
        several = list(found)
        if not counted or len(several) <= _FEW:
            lines += [event(item) for item in several]
            continue
        first, last = several[0], several[-1]
        until = f"the last #{last['index']} at {last['at'][11:23]} · all of them: --json"
        lines.append(f"#{first['index']}  {first['at'][11:23]}  {OBSERVED:<20} {len(several)} times, {until}")
    return lines


def event(item: Told) -> str:
    """One ledger entry, whole; digests last, since they tell a person least."""
    said = [(name, value) for name, value in item["body"].items() if value not in (None, "", {}, [])]
    said.sort(key=lambda each: str(each[1]).startswith("sha256:"))
    body = ", ".join(f"{name} {value}" for name, value in said)
    return f"#{item['index']}  {item['at'][11:23]}  {item['kind']:<20} {safe(body)}".rstrip()
