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


def light_word(light: Told | None) -> str:
    """How far it is, in a word; empty where nothing was begun, or what is there counts."""
    return "" if light is None else _WORDS.get(light["state"], "")


def light_remedy(light: Told | None) -> str:
    """What to do first; empty where the rule's own remedy will do."""
    if light is None:
        return ""
    if light["state"] == "running":
        return f"under way since {light['since'][11:16]} UTC: {safe(light['why'])} ({light['run']})"
    if light["producer"] == "rehearsal" and light["state"] in _AFTER:
        return "where it ran: interlock evidence recover"
    return ""
