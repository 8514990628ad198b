"""``interlock rollout widen``: one stage further without a PASS, by a person's signature.

Rules:
1. What is not ruled out is shown before it is signed. Where somebody sits at a terminal they are asked; elsewhere
   they repeat it (``--not-ruled-out``), so that no script signs what nobody has read.
2. It is signed and handed in like an approval, with a key or elsewhere; the rollout goes wider as it arrives.
"""

from __future__ import annotations

import sys
from typing import Any

import click

from interlock.core.approval.model import Statement
from interlock.core.change.errors import InvalidInput
from interlock.doors.cli.desk import REFUSED, as_json, client, leave, show_json
from interlock.doors.cli.rollout_named import named_rollout
from interlock.doors.cli.signed import prepared
from interlock.doors.cli.signing import Pen, hand_in, signing_flags
from interlock.doors.cli.text import safe, short

Told = dict[str, Any]


@click.command()
@click.argument("named", metavar="ROLLOUT|SERVICE")
@click.option(
    "--why", default="", help="Why it may go wider all the same; it is signed, and goes into the ledger."
)
@click.option("--not-ruled-out", metavar="TEXT", help="What is not ruled out, as this command prints it.")
@signing_flags
@as_json
def widen(*, named: str, why: str, not_ruled_out: str | None, pen: Pen, as_json: bool) -> None:
    """Take it one stage further without a PASS, by your signature under what is not ruled out."""
    with client() as api:
        named = named_rollout(api, named)
        owners = api.get("/v1/rules").json["keys"]
        request = {"purpose": "widen", "subject": named, "details": {"why": why}}

        def prepare(person: str) -> Statement:
            statement = prepared(api, {**request, "approver": person})
            if not pen.print_only:
                _read(statement, not_ruled_out)
            return statement

        done = hand_in(pen, prepare, owners)
        if done is None:
            return
        statement, signature = done
        _check_meant(statement, named)
        kept = api.post("/v1/statements", {"statement": statement, "signature": signature}).json
        record = api.get(f"/v1/rollouts/{named}").json["record"]
    show_json(record) if as_json else click.echo("\n".join(_went(kept, record)))


def _read(statement: Statement, repeated: str | None) -> None:
    """Whoever signs has read what is not ruled out.

    Raises:
        InvalidInput: ``widening-words``.
    """
    words = statement.details["not_ruled_out"]
    if repeated is not None and repeated.strip() == words:
        return
    where = f"{statement.details['stage']} ({statement.details['percent']} %)"
    if repeated is None and sys.stdin.isatty():
        click.echo(
            safe(f"{statement.subject} {short(statement.digest)} → {statement.environment}: to {where}"), err=True
        )
        click.echo(safe(f"not ruled out: {words}"), err=True)
        if click.confirm("sign for it?", err=True):
            return
        click.echo("nothing was signed", err=True)
        leave(REFUSED)
    raise InvalidInput(
        f"expected what is not ruled out to be repeated, got {'nothing' if repeated is None else 'other words'}: "
        f"{words}",
        code="widening-words",
        hint=f'repeat it: --not-ruled-out "{words}"',
    )


def _check_meant(statement: Statement, named: str) -> None:
    if (statement.purpose, statement.subject) != ("widen", named):
        raise InvalidInput(
            f"expected a statement to widen `{named}`, got one to {statement.purpose} `{statement.subject[:80]}`",
            code="widening-other",
            hint=f"interlock rollout widen {named} --print --as PERSON prepares the right one",
        )


def _went(kept: Told, record: Told) -> list[str]:
    said = kept["statement"]
    held = f", {record['hold']}" if record["hold"] else ""
    where = f"to {said['details']['stage']}, {said['details']['percent']} %"
    return [
        safe(f"{record['id']}  {record['service']}  {record['state']}{held}  {where}"),
        safe(f"  signed by {said['approver']} · {kept['presence']} · {kept['fingerprint']} · {kept['id']}"),
        safe(f"  not ruled out: {said['details']['not_ruled_out']}"),
    ]
