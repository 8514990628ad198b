"""The screen of ``change show``: the verdict, who said what so far, and with ``--all`` the history."""

from __future__ import annotations

from typing import Any

from interlock.core.evidence.word import word
from interlock.doors.cli.screens.columns import Row, table, told
from interlock.doors.cli.screens.entries import one_line
from interlock.doors.cli.screens.review import answered_rows
from interlock.doors.cli.screens.statements import gone
from interlock.doors.cli.screens.verdict import verdict
from interlock.doors.cli.text import safe, short

Told = dict[str, Any]


def record(
    judgement: Told, history: list[Told], taken_back: list[Told] | None = None, *, everything: bool
) -> list[str]:
    """The whole screen. ``taken_back`` are statements about the change that somebody took back."""
    change = judgement["change"]
    lines = verdict(judgement, everything=everything)
    state = f"{change['state']} · revision {change['revision']} · {short(change['digest'])}"
    by = f"opened by {safe(change['opened_by'])} {change['opened_at'][:16].replace('T', ' ')} UTC"
    agent = (
        [f"agent {safe(change['agent'])}, {safe(change['sponsor'] or 'nobody')} answers for it"]
        if change["agent"]
        else []
    )
    lines += told("record", " · ".join([state, by, *agent]))
    lines += table("shown", [*_shown(judgement), *gone(taken_back or [])])
    for place, entry in enumerate(history):
        text = one_line(entry, about=change["id"])
        lines += told("history" if place == 0 else "", text)
    return lines


def _shown(judgement: Told) -> list[Row]:
    return [
        *_approvals(judgement["tally"]),
        *_grants(judgement["grants"]),
        *answered_rows(judgement),
        *_evidence(judgement["evidence"]),
    ]


def _grants(items: list[Told]) -> list[Row]:
    return [
        Row(
            met=True,
            text="the glass is broken" if one["kind"] == "break-glass" else f"{safe(one['rule'])} is lifted",
            remedy=f"until {one['expires_at'][:16].replace('T', ' ')} UTC, "
            + safe(f"by {', '.join(one['people'])}: {one['reason']}"),
        )
        for one in items
    ]


def _approvals(tally: Told) -> list[Row]:
    counted = [
        Row(met=True, text=f"{safe(one['person'])} approved ({_rank(one)})", progress=one["presence"])
        for one in tally["counted"]
    ]
    rejected = [
        Row(met=False, text=f"{safe(one['approver'])}'s approval does not count", remedy=safe(one["reason"]))
        for one in tally["rejected"]
    ]
    unmapped = [
        Row(met=False, text=f"author {safe(name)} is nobody in the catalog", remedy="add the address to a person")
        for name in tally["unmapped_authors"]
    ]
    return counted + rejected + unmapped


def _rank(one: Told) -> str:
    lent = one.get("on_behalf_of")
    return f"{one['role']}, in place of {safe(lent)}" if lent else str(one["role"])


def _evidence(items: list[Told]) -> list[Row]:
    return [
        Row(
            met=_counts(one),
            text=f"{safe(one['predicate_type'].rpartition('//')[2])}{_about(one)}",
            progress=", ".join(filter(None, [one["standing"], safe(word(one["summary"]))])),
            remedy=safe(f"by {one['runner']}" if one["runner"] else "signed by nobody trusted"),
        )
        for one in items
    ]


def _counts(one: Told) -> bool | None:
    """Whether it shows what it is about: neither yes nor no where it is nobody's word."""
    if one["standing"] != "trusted":
        return None
    return word(one["summary"]) in {"", "passed"}


def _about(one: Told) -> str:
    return "".join(f" · {tool}" for tool in _said(one, "tool"))


def _said(one: Told, key: str) -> list[str]:
    """What its summary has under this key, if it is a text."""
    found = one["summary"].get(key)
    return [safe(found)] if isinstance(found, str) and found else []
