"""The screens of a review: what was asked for, and on ``change show`` what nobody has answered yet.

Rules:
1. A reviewer's words are a stranger's: every one is made harmless before it is shown, on one line, and stands
   behind its place, never before it.
2. Each open concern has the command that answers it.
"""

from __future__ import annotations

from typing import Any

from interlock.doors.cli.screens.columns import MARGIN, Row, told
from interlock.doors.cli.screens.rehearsal import evidence_lines
from interlock.doors.cli.text import cut, plural, safe, width

Told = dict[str, Any]
MOST_SHOWN = 6


def screen(done: Told) -> list[str]:
    """One review."""
    count, concerns = len(done["concerns"]), done["concerns"]
    word = "ASKS" if count else "QUIET"
    what = (
        f"{plural(count, 'concern')} to be answered by a person" if count else "no concern; that approves nothing"
    )
    who = f"{safe(done['model'])} at {safe(done['host'])} read {plural(done['files'], 'file')}"
    lines = told(word, f"{what} · {who}", "yellow" if count else "green")
    for one in concerns:
        lines += _one(one, done["change"])
    lines += _beside(done)
    return lines + evidence_lines(done)


def open_lines(judgement: Told, *, everything: bool) -> list[str]:
    """The concerns of a change that nobody has answered, and the answers that do not count."""
    waiting = [one for one in judgement.get("concerns", ()) if not one["answered_by"]]
    shown = waiting if everything else waiting[:MOST_SHOWN]
    lines = [line for one in shown for line in _one(one, judgement["change"]["id"])]
    if len(waiting) > len(shown):
        lines += told("", f"and {plural(len(waiting) - len(shown), 'concern')} more: --all")
    return lines


def answered_rows(judgement: Told) -> list[Row]:
    """The concerns that somebody answered, with the answer."""
    return [
        Row(
            met=True,
            text=f"{one['id']} {safe(place(one))}",
            progress="answered",
            remedy=safe(f"by {', '.join(one['answered_by'])}: {one['answer']}"),
        )
        for one in judgement.get("concerns", ())
        if one["answered_by"]
    ]


def place(one: Told) -> str:
    """Where a concern points to."""
    path, line = str(one["path"]), one["line"]
    return f"{path}:{line}" if path and line else path or "the whole change"


def _one(one: Told, change: str) -> list[str]:
    kind = one.get("kind", one.get("class"))
    lines = told("asks", f"{safe(place(one))} · {one['severity']} · {kind}: {safe(one['text'])}")
    if one["question"]:
        lines += told("", safe(one["question"]))
    for void in one.get("void", ()):
        lines += told("", safe(f"{void['approver']}'s answer does not count: {void['reason']}"))
    lines.append(f"{' ' * MARGIN}interlock change answer {change} {one['id']} --text '…'")
    return lines


def _beside(done: Told) -> list[str]:
    found = []
    if done["not_sent_count"]:
        found.append(f"{plural(done['not_sent_count'], 'file')} not sent")
    if done["cut"]:
        found.append(f"{plural(done['cut'], 'concern')} too many, counted as one")
    if done["shortened"]:
        found.append(f"{plural(done['shortened'], 'text')} shortened")
    if done["moved"]:
        found.append(f"{plural(done['moved'], 'concern')} about a place that was not sent")
    extra = {**done["ignored"], **done["beside"]}
    if extra:
        found.append(
            "ignored: " + ", ".join(f"{count} × {cut(safe(name), width())}" for name, count in extra.items())
        )
    return told("besides", "; ".join(found)) if found else []
