"""``interlock ticket new-key``: a new key in the place of one that is lost, on the record.

Rules:
1. It works beside the database and the keys' folder, never through a server.
2. The old file must be gone: nothing is ever overwritten. What deployers have to do next is said.
"""

from __future__ import annotations

import click

from interlock.doors.cli.desk import as_json, settings, show_json
from interlock.doors.cli.ledger_place import named, place
from interlock.doors.cli.text import mark, safe


@click.command(name="new-key")
@click.option("--why", required=True, metavar="TEXT", help="What became of the old key.")
@click.option("--database", metavar="URL", help="sqlite:///path or postgresql://…")
@as_json
def new_key(*, why: str, database: str | None, as_json: bool) -> None:
    """Make a new key for tickets where the old one is lost or no longer trusted; the ledger says so.

    Move the old ticket.key away first, and stop every server. Deployers refuse tickets until they pin the new key.
    """
    from interlock.bootstrap import renew_ticket_key  # noqa: PLC0415  # --help needs no database
    from interlock.doors.cli.client import local_actor  # noqa: PLC0415  # likewise

    url = place(database)
    config = settings().at(url)
    key, entry = renew_ticket_key(config, local_actor(config.root), why)
    if as_json:
        show_json({"key": key, "entry": entry, "database": named(url)})
        return
    click.echo(f"{mark(met=True)} new ticket key, ledger entry #{entry}, database {safe(named(url))}")
    click.echo(f"  {key}")
    click.echo("  start the servers again, and give every deployer new pins: interlock ticket pins")
