"""The screen of ``check``, ``change show`` and ``gate``: the answer, what it is about, and all that is missing.

Rules:
1. The answer is the first word. Everything that is missing is listed, each with what supplies it; what is met
   takes one line, what is only watched a number, unless ``--all`` asks for it. What waits for more signatures
   stands under what it would lift.
2. It reads only what the API answered.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from interlock.doors.cli.screens.columns import Row, table, told
from interlock.doors.cli.screens.lights import light_of, light_remedy, light_why, light_word, unsettled
from interlock.doors.cli.screens.review import open_lines
from interlock.doors.cli.screens.signatures import away_text, pending_lines
from interlock.doors.cli.screens.subject import subject
from interlock.doors.cli.text import paint, plural, safe

Told = dict[str, Any]
_COLOUR = {"allow": "green", "needs": "yellow", "deny": "red"}
_WORD = {"allow": "allowed", "needs": "refused", "deny": "refused"}
MOST_ITEMS = 12
NAMED = 3
"""Items of a list that a rule's sentence names itself."""


def answer(outcome: str, text: str) -> list[str]:
    """The first line: the answer and how much is missing."""
    lines = told(_WORD[outcome], text)
    lines[0] = (
        paint(_WORD[outcome], fg=_COLOUR[outcome], bold=True) + lines[0][len(_WORD[outcome]) :]
        if (lines[0].startswith(_WORD[outcome]))
        else lines[0]
    )
    return lines


def verdict(judgement: Told, *, everything: bool, reasons: list[Told] | None = None) -> list[str]:
    """The whole screen for one judgement; ``reasons`` replace the decision's own where the gate added some."""
    decision = judgement["decision"]
    missing = missing_rows(decision, reasons, judgement["change"]["id"], judgement.get("lights", ()))
    met = [item for item in decision["obligations"] if item["met"]]
    watched = watched_rows(decision)
    lines = answer(
        decision["outcome"] if not reasons else "deny",
        _summary(judgement, missing, watched, everything=everything),
    )
    lines += subject(judgement)
    lines += table("needs", missing)
    asked = decision["reasons"] if reasons is None else reasons
    for place, text in enumerate(unsettled(judgement.get("lights", ()), asked)):
        lines += told("evidence" if place == 0 else "", text)
    lines += open_lines(judgement, everything=everything)
    lines += pending_lines(judgement)
    if everything:
        lines += table("met", [_obligation(item) for item in met])
        lines += table("watched", watched)
    elif met:
        lines += told("met", f"✓ {'; '.join(safe(item['text']) for item in met)}")
    lines += _people(judgement, missing)
    return lines


def missing_rows(
    decision: Told, reasons: list[Told] | None = None, change: str = "draft", lights: Sequence[Told] = ()
) -> list[Row]:
    """All that stands in the way: refusals first, then what can still be shown. Commands name the change."""
    fired = decision["reasons"] if reasons is None else reasons
    progress = {item["id"]: item["progress"] for item in decision["obligations"]}
    order = {"deny": 0, "needs": 1, "allow": 2}
    rows = []
    for reason in sorted(fired, key=lambda reason: order[reason["outcome"]]):
        head, items = _listed(reason)
        light = light_of(reason, lights)
        text = safe(reason["text"])
        word = light_word(light)
        # A sentence that ends in the word has said it.
        done = "" if word and text.endswith(f"({word})") else word or safe(progress.get(reason["id"], ""))
        remedy = light_remedy(light) or _named(safe(reason["remedy"]), change)
        items = items or light_why(light)
        rows.append(Row(met=False, text=text, progress=done, remedy=remedy, head=head, items=items))
    return list(dict.fromkeys(rows))


def _listed(reason: Told) -> tuple[str, tuple[str, ...]]:
    """The reason's sentence without the list it ends in, and that list's items where there are several.

    The sentence names the first few; here is room for more.
    """
    text = safe(reason["text"])
    for value in reason["facts"].values():
        items = [safe(item) for item in value] if isinstance(value, list) else []
        head, found, tail = text.rpartition(f": {', '.join(items[:NAMED])}")
        if len(items) > 1 and found and tail in {"", f" and {len(items) - NAMED} more"}:
            left = len(items) - MOST_ITEMS
            return head, (*items[:MOST_ITEMS], *([f"and {left} more"] if left > 0 else []))
    return "", ()


def _named(remedy: str, change: str) -> str:
    """The remedy with the change's id where it says CHANGE, so that it can be typed as it stands."""
    return remedy if change == "draft" else re.sub(r"\bCHANGE\b", change, remedy)


def watched_rows(decision: Told) -> list[Row]:
    """Rules that would have refused, were they enforced."""
    return [
        Row(
            met=None,
            text=safe(reason["text"]),
            progress="lifted" if reason["lifted_by"] else "",
            remedy=safe(reason["remedy"]),
        )
        for reason in decision["observed"]
    ]


def _summary(judgement: Told, missing: list[Row], watched: list[Row], *, everything: bool) -> str:
    change, environment = judgement["change"], safe(judgement["environment"])
    name = "" if change["id"] == "draft" else f"{change['id']} → "
    parts = [
        f"{name}{environment}",
        plural(len(missing), "thing") + " missing" if missing else "nothing is missing",
    ]
    if watched and not everything:
        parts.append(f"{plural(len(watched), 'rule')} only watched, see --all")
    if judgement["provisional"]:
        parts.append("by the rules of this working tree: none are in force yet")
    if judgement["one_person"]:
        parts.append("one-person mode")
    return " · ".join(parts)


def _obligation(item: Told) -> Row:
    return Row(met=True, text=safe(item["text"]), progress=safe(item["progress"]))


def _people(judgement: Told, missing: list[Row]) -> list[str]:
    proposals = judgement["proposals"]
    if not missing or not any("approv" in row.remedy or "people" in row.text for row in missing):
        return []
    asked = [f"{safe(one['person'])} ({safe(one['reason'])}, {one['open_reviews']} open)" for one in proposals[:4]]
    away = away_text(judgement)
    return [*(told("ask", ", ".join(asked)) if asked else []), *(told("away", away) if away else [])]
