"""``interlock break-glass``: one change let through now, by people, on the record, audited afterwards."""

from __future__ import annotations

import click

from interlock.doors.cli.desk import as_json, change_id
from interlock.doors.cli.signed import make
from interlock.doors.cli.signing import Pen, signing_flags


@click.command(name="break-glass")
@click.argument("change", required=False)
@click.option("--reason", required=True, help="What is broken now.")
@click.option("--environment", default="production", show_default=True, help="For which place.")
@click.option(
    "--minutes", type=click.IntRange(1, 60), default=60, show_default=True, help="How long it shall hold."
)
@signing_flags
@as_json
def break_glass(
    *, change: str | None, reason: str, environment: str, minutes: int, pen: Pen, as_json: bool
) -> None:
    """Sign to let CHANGE through now. Tier-1 needs two people; never an agent; judge and ledger stay.

    Exit 1 when it is on record and does not count, with the reason.
    """
    request = {
        "purpose": "break-glass",
        "subject": change_id(change),
        "environment": environment,
        "hours": minutes / 60,
        "details": {"reason": reason},
    }
    make(request, pen, as_json=as_json)
