"""``interlock exception``: one rule lifted for one change, by the quorum that rule wants."""

from __future__ import annotations

import click

from interlock.doors.cli.desk import as_json, change_id
from interlock.doors.cli.signed import make
from interlock.doors.cli.signing import Pen, signing_flags


@click.group()
def exception() -> None:
    """Lift one rule for one change, by its own quorum."""


@exception.command()
@click.argument("change", required=False)
@click.option("--rule", required=True, help="The id of the rule, as a refusal names it.")
@click.option("--reason", required=True, help="Why it is right this once.")
@click.option("--environment", default="production", show_default=True, help="For which place.")
@click.option("--hours", type=float, help="How long it shall hold; default as the rules say.")
@signing_flags
@as_json
def grant(
    *, change: str | None, rule: str, reason: str, environment: str, hours: float | None, pen: Pen, as_json: bool
) -> None:
    """Sign for an exception. It counts when the rule's whole quorum has, and never by who benefits.

    Exit 1 when it is on record and does not count, with the reason.
    """
    request = {
        "purpose": "exception",
        "subject": change_id(change),
        "environment": environment,
        "hours": hours,
        "details": {"rule": rule, "reason": reason},
    }
    make(request, pen, as_json=as_json)
