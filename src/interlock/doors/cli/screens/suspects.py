"""The screen of ``interlock suspects``: who to look at first, why, and the command that takes it back."""

from __future__ import annotations

from typing import Any

from interlock.doors.cli.screens.columns import MARGIN, label
from interlock.doors.cli.text import cut, paint, plural, safe, width, wrap

Told = dict[str, Any]
FEW, BRIEF = 3, 5
"""Suspects that are shown whole, and that take a line each, unless all are asked for."""

_NO_PATH = {"none", "rules"}


def screen(found: Told, *, everything: bool = False, wide: int | None = None) -> list[str]:
    """All of it. The headline says whether anything has a path to the service at all."""
    room = wide or width()
    items = found["items"]
    lines = _headline(found, room)
    whole = len(items) if everything else FEW
    for one in items[:whole]:
        lines += _suspect(one, room)
    lines += [_brief(one, room) for one in items[whole : whole + BRIEF]]
    if len(items) > whole + BRIEF:
        lines.append(" " * MARGIN + f"and {len(items) - whole - BRIEF} more: --all")
    if found["later"]:
        names = ", ".join(safe(one["id"]) for one in found["later"][:FEW])
        lines += _labelled(
            "later", f"{plural(len(found['later']), 'change')} came after it was noticed: {names}", room
        )
    if found["cut"]:
        lines += _labelled("cut", "the ledger is longer than was read: ask for less time with --since", room)
    return lines


def _headline(found: Told, room: int) -> list[str]:
    items, service = found["items"], safe(found["service"])
    window = f"{found['since'][11:16]} to {found['at'][11:16]} UTC"
    if found["since"][:10] != found["at"][:10]:
        window = f"{found['since'][:16].replace('T', ' ')} to {found['at'][:16].replace('T', ' ')} UTC"
    if not items:
        text = f"nobody: nothing interlock knows of changed in {safe(found['environment'])}, {window}"
        return _labelled("suspects", text, room) + _labelled(
            "", "look at load, hardware, and what is outside the catalog", room
        )
    reachable = [one for one in items if one["suspect"]["relation"] not in _NO_PATH]
    if not reachable:
        text = f"no change has a path to {service}, {window}: look at load, hardware, what is outside the catalog"
        return _labelled("suspects", text, room)
    first = reachable[0]
    text = f"{safe(first['id'])} first: {safe(first['suspect']['why'][0])} · {service}, {window}"
    return _labelled("suspects", text, room, bold=True)


def _suspect(one: Told, room: int) -> list[str]:
    suspect = one["suspect"]
    head = (
        f"{safe(one['title'])} · {safe(one['id'])} by {safe(one['by'])}"
        if one["title"] != one["id"]
        else safe(one["id"])
    )
    lines = _labelled(f"{one['rank']}", head, room, bold=True)
    why = [safe(word) for word in suspect["why"]]
    lines += _labelled("", " · ".join(why), room, red=bool(suspect["candidate"]["stopped"]))
    facts = [*map(safe, one["facts"]), *_papers(one)]
    lines += _labelled("", " · ".join(facts), room)
    return lines + _way_back(one, room)


def _brief(one: Told, room: int) -> str:
    why = ", ".join(safe(word) for word in one["suspect"]["why"][:2])
    back = f" → {safe(one['rollback'])}" if one["rollback"] else ""
    return label(f"{one['rank']}") + cut(f"{safe(one['title'])} · {safe(one['id'])} · {why}{back}", room - MARGIN)


def _papers(one: Told) -> list[str]:
    """Ticket, approvals, and where the ledger speaks of it."""
    parts = []
    if one["rollout"]:
        parts.append(f"{safe(one['rollout'])} {safe(one['state'])}")
    if one["ticket"]:
        state = "" if one["rollout"] else f" {safe(one['state'])}"
        by = ", ".join(safe(name) for name in one["approved_by"])
        parts.append(f"{safe(one['ticket'])}{state}, approved by {by or 'nobody'}")
    return [*parts, f"ledger #{one['entry']}"]


def _way_back(one: Told, room: int) -> list[str]:
    if one["rollback"]:
        # A command is there to be typed: it is not wrapped, and stands alone on its line.
        return [f"{' ' * MARGIN}→ {safe(one['rollback'])}"]
    if one["suspect"]["relation"] == "rules":
        return _labelled("", "· rules go back by a change of their own: interlock rules show", room)
    gone = one["state"] in {"returned", "failed"} or one["suspect"]["candidate"]["gone_at"]
    text = (
        "it was taken back already"
        if gone
        else "nobody wrote down how to take it back: add interlock.dev/rollback"
    )
    return _labelled("", f"· {text}", room)


def _labelled(word: str, text: str, room: int, *, bold: bool = False, red: bool = False) -> list[str]:
    style: dict[str, object] = {"bold": True} if bold else {}
    style |= {"fg": "red"} if red else {}
    lines = wrap(text, room - MARGIN)
    painted = [paint(line, **style) if style else line for line in lines]
    return [(label(word) if place == 0 else " " * MARGIN) + line for place, line in enumerate(painted)]
