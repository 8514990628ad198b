"""``interlock rollout verify``: judge a recorded rollout anew. 0 exact, 1 differs."""

from __future__ import annotations

import click

from interlock.doors.cli.desk import REFUSED, as_json, client, leave, show_json
from interlock.doors.cli.text import safe


@click.command()
@click.argument("named", metavar="ROLLOUT")
@as_json
def verify(*, named: str, as_json: bool) -> None:
    """Recompute every verdict and log E of a rollout from its record, and verify who signed to widen it."""
    with client() as api:
        found = api.get(f"/v1/rollouts/{named}/verification").json
    if as_json:
        show_json(found)
    elif found["exact"]:
        evidence = "" if found["log_e"] is None else f", log E {found['log_e']!r}, {found['verdict']}"
        signed = found["signatures"]
        people = f", {signed} {'signature' if signed == 1 else 'signatures'}" if signed else ""
        click.echo(f"exact   {found['ticks']:,} ticks in {found['observations']:,} observations{people}{evidence}")
    else:
        at = "" if found["t"] is None else f" at t = {found['t']:g} s"
        click.echo(f"differs  first difference{at}: {safe(found['first_difference'])}")
    if not found["exact"]:
        leave(REFUSED)
