"""From a request to a signed statement on record: the steps that approve, exception and the others share."""

from __future__ import annotations

from typing import Any

import click

from interlock.core.approval.model import Statement
from interlock.doors.cli.client import Client
from interlock.doors.cli.desk import client, show_json
from interlock.doors.cli.signing import Pen, hand_in
from interlock.doors.cli.text import safe, short

ABOUT_CHANGES = frozenset({"approve", "exception", "break-glass"})


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
    if as_json:
        show_json(kept)
        return
    said = kept["statement"]
    until = said["expires_at"][:16].replace("T", " ")
    click.echo(
        f"{said['purpose']} by {safe(said['approver'])} on record: {safe(said['subject'])} {short(said['digest'])}"
        f" → {safe(said['environment'])} · {kept['presence']} · until {until} UTC"
    )
