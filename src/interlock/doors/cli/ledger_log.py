"""``interlock ledger log``: what happened, newest first, as the API tells it."""

from __future__ import annotations

import click

from interlock.doors.cli.desk import as_json, client, show_json

MOST = 200


@click.command(name="log")
@click.argument("subject", required=False)
@click.option("--limit", type=click.IntRange(1, MOST), default=20, show_default=True)
@click.option("--after", metavar="INDEX", type=click.IntRange(min=0), help="Only entries older than this one.")
@as_json
def log(*, subject: str | None, limit: int, after: int | None, as_json: bool) -> None:
    """List entries, newest first: all, or those about SUBJECT (a change, a ticket, a token)."""
    with client() as api:
        page = api.get("/v1/ledger/entries", subject=subject, limit=limit, after=after).json
    if as_json:
        show_json(page)
        return
    from interlock.doors.cli.screens.entries import listed  # noqa: PLC0415  # --json draws nothing

    click.echo("\n".join(listed(page["items"], page["next"])))
