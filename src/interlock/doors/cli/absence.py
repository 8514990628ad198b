"""``interlock absence``: you are away; reviews go to others and nobody waits for you."""

from __future__ import annotations

import click

from interlock.doors.cli.desk import as_json
from interlock.doors.cli.signed import make
from interlock.doors.cli.signing import Pen, signing_flags

DAY_HOURS = 24


@click.command()
@click.option("--days", type=click.IntRange(1, 90), required=True, help="For how long, from now.")
@signing_flags
@as_json
def absence(*, days: int, pen: Pen, as_json: bool) -> None:
    """Say that you are away for some days, from now."""
    request = {
        "purpose": "absence",
        "subject": pen.approver or "me",
        "hours": days * DAY_HOURS,
    }
    make(request, pen, as_json=as_json)
