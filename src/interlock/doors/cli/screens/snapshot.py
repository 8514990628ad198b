"""The screen of a snapshot: whether it is one, of what, and how old."""

from __future__ import annotations

from shlex import quote
from typing import Any

from interlock.doors.cli.screens.columns import told
from interlock.doors.cli.screens.rehearsal import evidence_lines
from interlock.doors.cli.screens.rollout_bars import span
from interlock.doors.cli.text import plural, safe, short

Told = dict[str, Any]
SHOWN = 6
_WORDS = {"passed": ("SAVED", "green"), "failed": ("NONE", "red"), "undecidable": ("UNKNOWN", "yellow")}


def saved(done: Told) -> list[str]:
    """One snapshot, with what became of it as evidence."""
    word, colour = _WORDS[done["verdict"]]
    place = f"{safe(done['service'])} in {safe(done['environment'])}"
    lines = told(word, f"{place}: {_answer(done)}", colour)
    for number, reason in enumerate(done["reasons"][:SHOWN]):
        lines += told("because" if number == 0 else "", safe(reason))
    if done["digest"]:
        when = f"taken {done['taken_at'][:16].replace('T', ' ')} UTC, {span(done['age_seconds'])} old"
        lines += told(
            "backup", f"{safe(done['file'])} · {done['bytes']:,} bytes · {short(done['digest'])} · {when}"
        )
    if done["unverified"]:
        lines += told("left", _left(done["unverified"]))
    for number, one in enumerate(done["differing"][:SHOWN] if done["verdict"] == "failed" else []):
        lines += told("differs" if number == 0 else "", safe(one))
    more = done["differing_count"] - min(SHOWN, len(done["differing"]))
    if more > 0 and done["verdict"] == "failed":
        lines += told("", f"and {more:,} more")
    for number, one in enumerate(_compared(done) if done["verdict"] == "passed" else []):
        lines += told("compared" if number == 0 else "", safe(one))
    if done["not_compared"]:
        lines += told("without", f"not compared: {safe(', '.join(done['not_compared']))}")
    steps = " · ".join(f"{name} {span(took)}" for name, took in done["seconds"].items())
    return lines + told("steps", steps) + evidence_lines(done)


def _left(files: list[str]) -> str:
    """Backups that lie there and are none: whoever finds them must not take them for one."""
    named = " ".join(safe(quote(each)) for each in files[-SHOWN:])
    more = len(files) - SHOWN
    what = plural(len(files), "file") + (" was" if len(files) == 1 else " were")
    rest = f" (and {more} older)" if more > 0 else ""
    return f"{what} not shown to be a snapshot and may hold all of the data: rm {named}{rest}"


def _answer(done: Told) -> str:
    if done["verdict"] == "undecidable":
        return "whether this is a snapshot cannot be decided here"
    if done["verdict"] == "failed":
        return "this is no snapshot"
    what = f"{plural(done['tables'], 'table')} with {plural(done['rows'], 'row')}"
    if done["taken_by"] != "existing":
        return f"restored elsewhere, {what}, equal to the source by schema and checksums"
    if not done["by_marks"]:
        return f"restored elsewhere, {what}, equal to the source as it is now by schema and checksums"
    return f"restored elsewhere, {what}; the source has moved on, and what it still has from before is in it"


def _compared(done: Told) -> list[str]:
    """Of one that somebody took before: what shows that it is one, table by table, and what nobody saw."""
    if done["taken_by"] != "existing":
        return []
    equal = plural(done["tables_equal"], "table")
    lines = [f"the schema and {equal}: as the source has them now, by checksums of each column"]
    until = f"{(done['marks_until'] or '')[:16].replace('T', ' ')} UTC"
    for name, one in done["by_marks"].items():
        of = f"{plural(one['rows'], 'row')} of the source up to {until} by {one['mark']}"
        gone = (
            f"; {one['gone_from_source']:,} more, which the source has deleted" if one["gone_from_source"] else ""
        )
        lines.append(f"{name}: {of} are in it as they are{gone}")
    return (
        [*lines, "not seen: what the backup lost and the source has deleted since"] if done["by_marks"] else lines
    )
