"""The screens of ``interlock statement``: what is on record, and what taking something back did."""

from __future__ import annotations

from typing import Any

from interlock.doors.cli.screens.columns import Row, beside, told
from interlock.doors.cli.text import pad, safe, short

Told = dict[str, Any]
_ID, _STANDING = 14, 10
ABOUT_CHANGES = frozenset({"approve", "answer", "exception", "break-glass"})


def listed(items: list[Told], after: str | None) -> list[str]:
    """A page, newest first; why something was taken back stands on its own screen."""
    lines = [line for one in items for line in _listed(one)]
    if after:
        lines.append(f"more: interlock statement list --after {after}")
    return lines or ["no statements; sign one: interlock approve CHANGE"]


def _listed(one: Told) -> list[str]:
    until = one["statement"]["expires_at"][:16].replace("T", " ")
    more = {
        "taken-back": f"by {one['revoked_by']} on {(one['revoked_at'] or '')[:16].replace('T', ' ')} UTC",
        "used": f"by {one['used_by']}",
    }.get(one["standing"], f"until {until} UTC")
    left = f"{pad(one['id'], _ID)} {pad(one['standing'], _STANDING)} "
    return beside(left, f"{_said(one)} · {safe(more)}")


def one_statement(one: Told) -> list[str]:
    """One statement whole; what was said beside it are its details and the answers to the two questions."""
    said = one["statement"]
    lines = [*told("said", _said(one)), *told("stands", _stands(one))]
    for place, (key, text) in enumerate(sorted({**said["details"], **said["answers"]}.items())):
        lines += told("" if place else "with", safe(f"{key}: {text}"))
    return [*lines, *told("signed", f"{one['received_at'][:16].replace('T', ' ')} UTC · {_how(one)}")]


def taken_back(done: Told) -> list[str]:
    """What taking one statement back did to tickets, and where to look next."""
    one = done["statement"]
    said = one["statement"]
    lines = told("done", f"{_said(one)} is taken back · {one['id']}")
    for ticket in done["voided"]:
        until = ticket["expires_at"][11:19]
        offline = f"offline it verifies until {until} UTC"
        lines += told("voided", f"{ticket['id']} · whoever redeems it is refused; {offline}")
    for ticket in done["too_late"]:
        at = (ticket["ended_at"] or "")[:16].replace("T", " ")
        lines += told(
            "too late", f"{ticket['id']} was redeemed {at} UTC: what went out stays until it is rolled back"
        )
    if said["purpose"] in ABOUT_CHANGES:
        lines += told("next", f"interlock change show {said['subject']}")
    return lines


def gone(items: list[Told]) -> list[Row]:
    """Exceptions and broken glass that were taken back, for the screen of a change; its approvals stand there."""
    return [
        Row(
            met=False,
            text=f"{safe(one['statement']['approver'])}'s {one['statement']['purpose']} does not count",
            remedy=ended(one),
        )
        for one in items
        if one["statement"]["purpose"] != "approve"
    ]


def ended(one: Told) -> str:
    """Who took it back, when and why; empty when nobody did."""
    if not one["revoked_at"]:
        return ""
    why = f": {one['revoked_why']}" if one["revoked_why"] else ""
    at = one["revoked_at"][:16].replace("T", " ")
    return safe(f"taken back by {one['revoked_by']} on {at} UTC{why}")


def _said(one: Told) -> str:
    said = one["statement"]
    by = f"{said['purpose']} by {said['approver']}"
    lent = f" in place of {said['on_behalf_of']}" if said["on_behalf_of"] else ""
    digests = said["purpose"] in ABOUT_CHANGES or said["purpose"] == "widen"
    about = f"{said['subject']} {short(said['digest'])}" if digests else said["subject"]
    where = f" → {said['environment']}" if said["purpose"] != "absence" else ""
    return safe(f"{by}{lent} · {about}{where}")


def _stands(one: Told) -> str:
    """In words: until when, since when not any more, and by whom."""
    until = one["statement"]["expires_at"][:16].replace("T", " ")
    return {
        "taken-back": ended(one),
        "used": safe(f"used by {one['used_by']}"),
        "expired": f"expired on {until} UTC",
        "in-force": f"in force until {until} UTC",
    }[one["standing"]]


def _how(one: Told) -> str:
    return safe(f"{one['presence']} · {one['fingerprint']} · handed in by {one['received_from']}")
