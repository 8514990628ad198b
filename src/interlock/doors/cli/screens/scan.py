"""The screen of a scan: what the change adds that blocks, what else was found, and of what nothing is known."""

from __future__ import annotations

from typing import Any

from interlock.doors.cli.screens.columns import Row, table, told
from interlock.doors.cli.screens.rehearsal import evidence_lines
from interlock.doors.cli.text import plural, safe

Told = dict[str, Any]
SHOWN, OTHERS, UNREAD = 12, 3, 4
NOBODY = ", which no scanner of the plans reads"
_WORDS = {"passed": ("CLEAN", "green"), "failed": ("FOUND", "red"), "undecidable": ("UNKNOWN", "yellow")}


def shown(done: Told) -> list[str]:
    """One scan, with what became of it as evidence."""
    word, colour = _WORDS[done["verdict"]]
    lines = told(word, _answer(done), colour)
    blocking = [one for one in done["new_findings"] if one["class"]]
    lines += table("new", [_row(one) for one in blocking[:SHOWN]])
    if done["blocking"] > min(len(blocking), SHOWN):
        lines += told("", f"and {done['blocking'] - min(len(blocking), SHOWN):,} more: --json, or --sarif FILE")
    others = [one for one in done["new_findings"] if not one["class"]]
    for number, one in enumerate(others[:OTHERS]):
        lines += told("noted" if number == 0 else "", _noted(one))
    if (more := done["new"] - done["blocking"] - min(len(others), OTHERS)) > 0:
        lines += told("", f"and {more:,} more that do not block")
    for number, each in enumerate(done["unread"][:UNREAD]):
        lines += told("unknown" if number == 0 else "", safe(each))
    if (more := done["unread_count"] - min(len(done["unread"]), UNREAD)) > 0:
        lines += told("", f"and {more:,} more of which nothing is known")
    lines += _instead(done)
    lines += told("before", _before(done))
    lines += told("scanned", _scanned(done))
    return lines + evidence_lines(done)


def _answer(done: Told) -> str:
    if done["verdict"] == "failed":
        return f"this change adds {plural(done['blocking'], 'finding')} with which it may not go"
    if done["verdict"] == "undecidable":
        return "nothing new was found, and not everything could be looked at"
    clean = "the scanners see no new injection, access control, deserialization or secret"
    noted = done["noted"]
    return f"{clean}; {plural(noted, 'other finding')} noted" if noted else clean


def _row(one: Told) -> Row:
    what = one["message"] or one["rule"]
    return Row(met=False, text=safe(one["where"]), progress=one["class"], remedy=f"{safe(what)} ({_rule(one)})")


def _noted(one: Told) -> str:
    why = f" · accepted: {safe(one['accepted'])}" if one["accepted"] else ""
    return f"{safe(one['where'])}  {safe(one['message'] or one['rule'])} ({_rule(one)}){why}"


def _rule(one: Told) -> str:
    return f"{safe(one['tool'])} {safe(one['rule'])}"


def _instead(done: Told) -> list[str]:
    code = [one.partition(":")[0] for one in done["unread"] if one.endswith(NOBODY)]
    if not code:
        return []
    return told(
        "", f"in scan-plans/*.yaml: a scanner that `reads` it, or unread: [{{paths: [{safe(code[0])}], why: …}}]"
    )


def _before(done: Told) -> str:
    existing, moved = plural(done["existing"], "finding"), done["moved"]
    return f"{existing} of the changed files were there before, {moved:,} moved: none of them counts"


def _scanned(done: Told) -> str:
    tools = ", ".join(f"{safe(one['tool'])} {safe(one['version'])}".strip() for one in done["scanners"])
    aside = [f"{done['binary']:,} binary"] if done["binary"] else []
    aside += [f"{done['left_out']:,} left out by the plans"] if done["left_out"] else []
    aside += [f"{done['unlooked']:,} of code not looked at by the plans"] if done["unlooked"] else []
    also = f" ({', '.join(aside)})" if aside else ""
    return f"{plural(done['files'], 'file')}, {plural(done['lines'], 'added line')}{also} by {tools}"
