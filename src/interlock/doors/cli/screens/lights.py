"""The lights on the road, in a word: which evidence is under way, void, too old, or has to be looked after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interlock.doors.cli.text import safe

Told = dict[str, Any]
_WORDS = {
    "running": "running",
    "lost": "lost",
    "dirty": "dirty",
    "undecidable": "undecided",
    "cancelled": "cancelled",
    "failed": "failed",
    "void": "void",
    "expired": "expired",
    "untrusted": "untrusted",
}
_AFTER = {"lost", "dirty"}


def light_of(reason: Told, lights: Sequence[Told]) -> Told | None:
    """The light of what this rule asks for, None where it asks for no evidence."""
    return next((one for one in lights if one["fact"] in reason["facts"]), None)


def unsettled(lights: Sequence[Told], missing: Sequence[Told]) -> list[str]:
    """What goes on, was lost, or left something, and stands beside no rule that asks for it."""
    told_of = {light["fact"] for reason in missing if (light := light_of(reason, lights)) is not None}
    found = {
        one["producer"]: one
        for one in lights
        if one["state"] in {"running", *_AFTER} and one["fact"] not in told_of
    }
    return [_line(one) for one in found.values()]


def _line(light: Told) -> str:
    after = light_remedy(light)
    about = f": {safe(light['why'])}" if light["why"] and light["state"] != "running" else ""
    return f"{light['producer']} {light['state']}{about}{' · ' if after else ''}{after}"


def light_word(light: Told | None) -> str:
    """How far it is, in a word; empty where nothing was begun, or what is there counts."""
    return "" if light is None else _WORDS.get(light["state"], "")


def light_why(light: Told | None) -> tuple[str, ...]:
    """Why what is on record failed, where it says so."""
    return (safe(light["why"]),) if light is not None and light["state"] == "failed" and light["why"] else ()


def light_remedy(light: Told | None) -> str:
    """What to do first; empty where the rule's own remedy will do."""
    if light is None:
        return ""
    if light["state"] == "running":
        return f"under way since {light['since'][11:16]} UTC: {safe(light['why'])} ({light['run']})"
    if light["producer"] == "rehearsal" and light["state"] in _AFTER:
        return "where it ran: interlock evidence recover"
    return ""
