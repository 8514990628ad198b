"""Why nobody can tell whether going back restores everything, and why a rehearsal leaves that open.

Rules:
1. Reversibility is said of the change by its parts alone. A rehearsal shows that the way back is there, over rows
   that were made up and in whatever its plan covers: it makes no change reversible, and rules ask as before.
2. Where one was passed that measured migrations as reversible, it is said why that is not enough.
"""

from __future__ import annotations

from typing import Any

from interlock.doors.cli.screens.columns import told
from interlock.doors.cli.text import safe

Told = dict[str, Any]
MOST = 2
REHEARSAL = "rehearsal"
_LEFT_OPEN = (
    "measured its migrations as reversible, over rows that were made up: that shows the way back and not what the "
    "real rows hold, so the rules take it for irreversible all the same"
)


def unsure(judgement: Told) -> list[str]:
    """Nothing where it is known."""
    back = judgement["description"]["reversibility"]
    unknowns = back["unknowns"]
    if back["kind"] != "unknown" or not unknowns:
        return []
    lines: list[str] = []
    for place, each in enumerate(unknowns[:MOST]):
        lines += told("unsure" if place == 0 else "", f"{safe(each['where'])}: {safe(each['text'])}")
    if len(unknowns) > MOST:
        lines += told("", f"and {len(unknowns) - MOST} more, see --json")
    measured = [each for each in judgement.get("evidence") or [] if _measured(each)]
    return lines + (told("", f"{safe(measured[-1]['id'])} {_LEFT_OPEN}") if measured else [])


def _measured(one: Told) -> bool:
    """Whether it is a rehearsal that counts, was passed, and measured migrations as reversible."""
    summary = one["summary"]
    if (one["standing"], summary.get("kind"), summary.get("verdict")) != ("trusted", REHEARSAL, "passed"):
        return False
    found = summary.get("measured")
    places = [found, *found.values()] if isinstance(found, dict) else []
    return any(isinstance(each, dict) and each.get("reversible") is True for each in places)
