"""The screen of ``describe``: each fact with where it was read."""

from __future__ import annotations

from typing import Any

from interlock.doors.cli.screens.columns import Row, table, told
from interlock.doors.cli.screens.subject import subject
from interlock.doors.cli.text import safe, short

Told = dict[str, Any]
MOST = 12


def facts(judgement: Told) -> list[str]:
    """The whole screen."""
    description = judgement["description"]
    lines = told("digest", description["digest"])
    lines += subject(judgement)
    lines += _block(
        "touches",
        [f"{item['service']}: {item['reason']}{_at(item['sources'])}" for item in description["blast"]["touched"]],
    )
    lines += _block(
        "signals",
        [
            f"{one['marker']} says {one['says']}{_at([one['source']])}"
            for one in description["provenance"]["signals"]
        ],
    )
    lines += _block("conflicts", list(description["provenance"]["conflicts"]))
    lines += _block(
        "losses",
        [f"{one['action']} {one['what']}{_at([one['source']])}" for one in description["reversibility"]["losses"]],
    )
    lines += _block("unowned", list(description["blast"]["unowned"]))
    lines += _block("deletes", [f"configuration {path}" for path in description["checked"]["deleted"]])
    lines += _block("no check", list(description["checked"]["unvalidated"]))
    return lines + _findings(description) + _documentation(description["documentation"])


def _block(word: str, items: list[str]) -> list[str]:
    lines: list[str] = []
    for place, item in enumerate(items[:MOST]):
        lines += told(word if place == 0 else "", safe(item))
    if len(items) > MOST:
        lines += told("", f"and {len(items) - MOST} more, see --json")
    return lines


def _at(sources: list[Told]) -> str:
    if not sources:
        return ""
    first = sources[0]
    line = f":{first['line']}" if first["line"] else ""
    commit = f" in {short(first['commit'])}" if first["commit"] else ""
    return f" ({first['where']}{line}{commit})"


def _findings(description: Told) -> list[str]:
    rows = [
        Row(met=False if one["level"] == "error" else None, text=_finding(one), remedy=safe(one["remedy"]))
        for validation in description["checked"]["validations"]
        for one in validation["findings"]
    ]
    return table("findings", rows[:MOST])


def _finding(one: Told) -> str:
    line = f":{one['line']}" if one["line"] else ""
    return safe(f"{one['path']}{line} {one['message']}")


def _documentation(found: Told) -> list[str]:
    if not found["present"]:
        return told("document", "no change.md")
    there = [
        f"{len(found[key])} {word}" if isinstance(found[key], list) else word
        for key, word in (
            ("plan", "plan"),
            ("failure_modes", "failure modes"),
            ("rollback_steps", "rollback steps"),
            ("required_tests", "required tests"),
        )
        if found[key]
    ]
    when = "" if found["before_first_commit"] else " · not recorded before the first commit"
    return told("document", f"{', '.join(there) or 'empty'}{when}")
