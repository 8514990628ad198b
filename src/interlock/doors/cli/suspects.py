"""``interlock suspects SERVICE``: which recent change did it, ranked, each with the command that takes it back.

Rules:
1. It asks the ledger and the records alone, and touches nothing.
2. 0 there is an answer, also that nothing changed; 2 wrong input; 3 it could not be answered.
"""

from __future__ import annotations

import re

import click

from interlock.core.change.errors import InvalidInput
from interlock.doors.cli.desk import as_json, client, show_json

_SPAN = re.compile(r"([0-9]{1,6})([smhd])")
_MOST = 30 * 86_400
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@click.command()
@click.argument("service")
@click.option(
    "--since", default="2h", show_default=True, metavar="SPAN", help="How far to look back: 90m, 2h, 3d."
)
@click.option("--at", metavar="TIME", help="When the trouble was noticed, in UTC: 2026-03-05T09:30. Default now.")
@click.option("--environment", default="production", show_default=True, help="Where the trouble is.")
@click.option("--limit", type=click.IntRange(1, 50), default=10, show_default=True, help="How many at most.")
@click.option("--all", "everything", is_flag=True, help="Show each of them whole.")
@as_json
def suspects(
    *, service: str, since: str, at: str | None, environment: str, limit: int, everything: bool, as_json: bool
) -> None:
    """Rank the recent changes that could have hurt SERVICE."""
    from interlock.doors.cli.screens.suspects import screen  # noqa: PLC0415  # --help draws nothing

    wanted = {"environment": environment, "seconds": _seconds(since), "at": at, "limit": limit}
    with client() as api:
        found = api.get(f"/v1/services/{service}/suspects", **wanted).json
    if as_json:
        show_json(found)
    else:
        click.echo("\n".join(screen(found, everything=everything)))


def _seconds(text: str) -> int:
    match = _SPAN.fullmatch(text.strip().lower())
    seconds = 0 if match is None else int(match[1]) * _SECONDS[match[2]]
    if not 0 < seconds <= _MOST:
        raise InvalidInput(
            f"expected a span such as 90m, 2h or 3d after --since, at most 30d, got `{text[:20]!a}`",
            code="suspects-window",
            hint="a number and s, m, h or d",
        )
    return seconds
