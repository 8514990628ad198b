"""The screen of a change that was run here: how it ended, what answered, and where its transcript is."""

from __future__ import annotations

from typing import Any

from interlock.doors.cli.screens.columns import Row, table, told
from interlock.doors.cli.screens.rehearsal import evidence_lines
from interlock.doors.cli.screens.rollout_bars import span
from interlock.doors.cli.text import plural, safe, short

Told = dict[str, Any]
_ENDED = {
    "late": "was ended: its time was over",
    "unwanted": "was ended once it had been visited",
    "stopped": "was stopped by you",
}


def shown(done: Told) -> list[str]:
    """One run, with what became of it as evidence."""
    good, script = done["good"], done["transcript"]
    how = _ENDED.get(done["ended"], f"ended with {done['exit_code']}")
    word, colour = ("RAN", "green") if good else ("FAILED", "red")
    lines = told(word, f"{safe(done['service'])}: {how}, after {span(done['seconds'])}", colour)
    lines += table("visits", [_visit(each) for each in done["visits"]])
    masked = f" · {plural(script['masked'], 'secret')} masked" if script["masked"] else ""
    cut = f" · the last {script['left_out']:,} characters are not in it" if script["left_out"] else ""
    lines += told("said", f"{safe(done['file'])} · {short(script['digest'])}{masked}{cut}")
    return lines + evidence_lines(done)


def _visit(one: Told) -> Row:
    good = f"{one['status']} after {span(one['seconds'])}, {plural(one['size'], 'byte')}"
    return Row(met=not one["why"], text=safe(one["url"]), remedy=safe(one["why"] or good))
