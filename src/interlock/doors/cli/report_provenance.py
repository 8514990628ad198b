"""``interlock report provenance``: findings by who wrote the change, and the user's own ratio of AI to human.

Rules:
1. It reads what is on record and runs nothing. 0 there is an answer, also that there is too little to say.
"""

from __future__ import annotations

import re

import click

from interlock.core.change.errors import InvalidInput
from interlock.doors.cli.desk import as_json, client, show_json

_DAYS = re.compile(r"([0-9]{1,4})d?")
_MOST_DAYS, _DAY = 3_660, 86_400


@click.command()
@click.option("--since", default="90d", show_default=True, metavar="DAYS", help="How far to look back: 30d, 365d.")
@as_json
def provenance(*, since: str, as_json: bool) -> None:
    """Count what scans found in changes by AI and others, with their ratio and its interval."""
    from interlock.doors.cli.screens.provenance import shown  # noqa: PLC0415  # --help draws nothing

    match = _DAYS.fullmatch(since.strip())
    days = int(match[1]) if match else 0
    if not 1 <= days <= _MOST_DAYS:
        raise InvalidInput(
            f"expected 1d to {_MOST_DAYS}d after --since, got `{since[:20]!a}`",
            code="report-window",
            hint="a number of days, such as 90d",
        )
    with client() as api:
        found = api.get("/v1/reports/provenance", seconds=days * _DAY).json
    if as_json:
        show_json(found)
    else:
        click.echo("\n".join(shown(found)))
