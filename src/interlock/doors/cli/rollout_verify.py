"""``interlock rollout verify``: judge a recorded rollout anew. 0 exact, 1 differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from interlock.doors.cli.desk import REFUSED, as_json, client, leave, show_json
from interlock.doors.cli.rollout_named import named_rollout
from interlock.doors.cli.screens.rollout_bars import odds
from interlock.doors.cli.text import plural, safe


@click.command()
@click.argument("named", metavar="ROLLOUT|SERVICE")
@as_json
def verify(*, named: str, as_json: bool) -> None:
    """Recompute every verdict and log E of a rollout from its record, and verify who signed to widen it."""
    with client() as api:
        found = api.get(f"/v1/rollouts/{named_rollout(api, named, ended=True)}/verification").json
    if as_json:
        show_json(found)
    else:
        click.echo("\n".join(lines(found)))
    if not found["exact"]:
        leave(REFUSED)


def lines(found: Mapping[str, Any]) -> list[str]:
    """What was found; how the judge stood is of the last tick on record alone, and was another before."""
    if not found["exact"]:
        at = "" if found["t"] is None else f" at t = {found['t']:g} s"
        return [f"differs  first difference{at}: {safe(found['first_difference'])}"]
    signed = f", {plural(found['signatures'], 'signature')}" if found["signatures"] else ""
    told = [f"exact    {plural(found['ticks'], 'tick')} in {plural(found['observations'], 'observation')}{signed}"]
    if found["log_e"] is not None:
        told.append(f"         after the last: {found['verdict']}, {odds(found['log_e'])} for harm")
        told.append(f"         log E {found['log_e']!r}")
    return told
