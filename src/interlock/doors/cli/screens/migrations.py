"""The part of a rehearsal's screen about a database: each migration with its class, and whom it keeps out."""

from __future__ import annotations

from typing import Any

from interlock.doors.cli.screens.columns import told
from interlock.doors.cli.text import plural, safe

Told = dict[str, Any]
SHOWN, FINDINGS, NAMES = 6, 3, 3
WORDS = {
    "irreversible": "irreversible",
    "unshown": "undecided: touches no row here",
    "rewrite": "rewrites a table",
    "scan": "reads a table through under its lock",
    "blocks": "keeps writers out",
    "exclusive": "locks for a moment",
    "data": "changes rows",
    "old-version": "breaks the version before",
    "free": "keeps nobody out",
}


def migrations(measured: Told) -> list[str]:
    """What was measured of migrations, of a set by each member; nothing where something else was measured."""
    members = [(name, each) for name, each in measured.items() if isinstance(each, dict)]
    return _migrations(measured, "") + [
        line for name, each in members for line in _migrations(each, f"{safe(name)}: ")
    ]


def _migrations(measured: Told, whose: str) -> list[str]:
    found = measured.get("migrations")
    if not isinstance(found, list) or "reversible" not in measured:
        return []
    lines: list[str] = []
    for number, one in enumerate(found[:SHOWN]):
        name = (
            f"{whose}{safe(one['name'])} · {WORDS.get(one['class'], safe(one['class']))} · {one['seconds']:.1f} s"
        )
        lines += told("up" if number == 0 else "", name)
        if one["class"] != "free":
            for finding in one["findings"][:FINDINGS]:
                lines += told("", f"· {safe(finding['told'])}")
        if one.get("gave_up"):
            lines += told("", f"· {safe(one['gave_up'])}")
    more = measured["migrations_count"] - min(len(found), SHOWN)
    lines += told("", f"and {more:,} more") if more else []
    return lines + _rows(measured)


def _rows(measured: Told) -> list[str]:
    rows = f"at most {plural(measured['rows'], 'row')} in each of {plural(measured['tables'], 'table')}"
    lines = told("tried on", f"PostgreSQL {measured['postgresql']}, {rows}")
    empty, count = measured["empty"], measured["empty_count"]
    if count:
        named = "; ".join(safe(each) for each in empty[:NAMES])
        lines += told("empty", f"{named}{f' and {count - NAMES:,} more' if count > NAMES else ''}")
    untried, count = measured.get("untried", []), measured.get("untried_count", 0)
    if count:
        named = "; ".join(safe(each) for each in untried[:NAMES])
        lines += told("untried", f"{named}{f' and {count - NAMES:,} more' if count > NAMES else ''}")
    return lines
