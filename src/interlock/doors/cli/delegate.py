"""``interlock delegate``: somebody else reviews in your place for a while."""

from __future__ import annotations

import click

from interlock.doors.cli.desk import as_json
from interlock.doors.cli.signed import make
from interlock.doors.cli.signing import Pen, signing_flags

DAY_HOURS = 24


@click.command()
@click.argument("person")
@click.option("--days", type=click.IntRange(1, 90), default=14, show_default=True, help="For how long.")
@click.option("--environment", default="production", show_default=True, help="For which place.")
@signing_flags
@as_json
def delegate(*, person: str, days: int, environment: str, pen: Pen, as_json: bool) -> None:
    """Let PERSON approve in your place. Who was asked is shown beside whose place it was."""
    request = {
        "purpose": "delegation",
        "subject": person,
        "environment": environment,
        "hours": days * DAY_HOURS,
        "details": {"delegate": person},
    }
    make(request, pen, as_json=as_json)
