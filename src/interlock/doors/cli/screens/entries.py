"""Ledger entries, a line each: the screen of ``ledger log``, and the history below a change."""

from __future__ import annotations

from typing import Any

from interlock.doors.cli.screens.columns import beside
from interlock.doors.cli.text import safe

Told = dict[str, Any]
MAX_SAID = 160


def one_line(entry: Told, *, about: str = "") -> str:
    """When, what, by whom; the subject where it is not ``about``."""
    at = entry["at"][:19].replace("T", " ")
    text = f"#{entry['index']} {at} {safe(entry['kind'])} by {safe(entry['actor'])}"
    text += f" ({safe(entry['subject'])})" if entry["subject"] != about else ""
    return text + _said(entry)


def listed(entries: list[Told], following: str | None) -> list[str]:
    """One line each, and how to read on."""
    lines = [line for entry in entries for line in beside("", one_line(entry))]
    if following is not None:
        lines.append(f"more: --after {following}")
    return lines or ["no entries"]


def _said(entry: Told) -> str:
    """What an event's author said, and why interlock refused or voided; the rest is told by the kind."""
    body = entry["body"]
    if not entry["kind"].startswith("event."):
        why = ", ".join(map(str, body.get("reasons") or [])) or str(body.get("why") or "")
        return f" · {safe(why[:MAX_SAID])}" if why else ""
    told = ", ".join(f"{name}: {value}" for name, value in body["said"].items())
    return f" ({safe(body['by'])})" + (f" · {safe(told[:MAX_SAID])}" if told else "")
