"""From a request to a signed statement on record: the steps that approve, exception and the others share.

Rules:
1. Whoever signs learns at once what it is worth: counted, one of two, or void and why.
2. Exit 0: on record and worth something. Exit 1: on record, and it does not count as things stand.
"""

from __future__ import annotations

from typing import Any

import click

from interlock.core.approval.model import Statement
from interlock.doors.cli.client import Client
from interlock.doors.cli.desk import REFUSED, client, leave, show_json
from interlock.doors.cli.signing import Pen, hand_in
from interlock.doors.cli.text import plural, safe, short, width, wrap

ABOUT_CHANGES = frozenset({"approve", "answer", "exception", "break-glass"})


def prepared(api: Client, request: dict[str, Any]) -> Statement:
    """The statement that the API wants signed."""
    from interlock.core.change.parse import parse_json  # noqa: PLC0415  # --help needs none of this

    return parse_json(Statement, api.post("/v1/statements/prepare", request).content, what="the statement")


def make(request: dict[str, Any], pen: Pen, *, as_json: bool) -> None:
    """Prepare, sign, hand in, and say what is on record now.

    What is neither about a change nor names a digest (a delegation, an absence) is about the rules in force.
    """
    with client() as api:
        rules = api.get("/v1/rules").json
        about = {} if request["purpose"] in ABOUT_CHANGES or "digest" in request else {"digest": rules["digest"]}
        wanted = {**request, **about}
        done = hand_in(pen, lambda person: prepared(api, {**wanted, "approver": person}), rules["keys"])
        if done is None:
            return
        statement, signature = done
        kept = api.post("/v1/statements", {"statement": statement, "signature": signature}).json
        void, worth = _worth(api, kept)
    if as_json:
        show_json({**kept, "void": void or None})
    else:
        click.echo("\n".join([*wrap(_kept(kept), width()), *worth]))
    if void:
        leave(REFUSED)


def _kept(kept: dict[str, Any]) -> str:
    said = kept["statement"]
    until = said["expires_at"][:16].replace("T", " ")
    by = f"{said['purpose']} by {safe(said['approver'])} on record"
    where = f" → {safe(said['environment'])}" if said["environment"] != "*" else ""
    about = {
        "absence": "away",
        "delegation": f"{safe(said['subject'])} may approve instead{where}",
        "key-enrolment": f"a key of {safe(said['subject'])}",
    }.get(said["purpose"], f"{safe(said['subject'])} {short(said['digest'])}{where}")
    return f"{by}: {about} · {kept['presence']} · until {until} UTC"


def _worth(api: Client, kept: dict[str, Any]) -> tuple[str, list[str]]:
    """Why it does not count, empty when it does or waits for others; and the lines that say so."""
    said = kept["statement"]
    if said["purpose"] not in ABOUT_CHANGES:
        return "", []
    from interlock.doors.cli.screens.signatures import counts, pending_lines, void_of  # noqa: PLC0415  # not for --print

    address = f"/v1/changes/{said['subject']}/judgement"
    judgement = api.get(address, environment=said["environment"]).json
    void = void_of(judgement, kept["id"])
    if void and said["purpose"] == "approve" and counts(judgement, said["approver"]):
        return "", [safe(f"{said['approver']} counts already: {void}")]
    if void:
        return void, [safe(f"does not count: {void}")]
    if said["purpose"] == "answer":
        left = sum(1 for one in judgement["concerns"] if not one["answered_by"])
        return "", [f"still open: {plural(left, 'concern')}" if left else "every concern is answered"]
    rule = said["details"].get("rule", "*") if said["purpose"] == "exception" else "*"
    mine = [one for one in judgement["pending"] if (one["kind"], one["rule"]) == (said["purpose"], rule)]
    return "", pending_lines({**judgement, "pending": mine})
