"""``interlock rollout``: start a rollout by a ticket, look at it, ask it to pause, go on, wait, widen or go back.

Rules:
1. With a server the server's worker moves it, and ``start`` returns at once. Without one this process is the
   worker: ``start`` stays until the rollout ends or is interrupted; then traffic stays as it is until somebody
   goes on with it (``interlock rollout run``) or back (``interlock rollback``).
2. 0 started or done, 1 refused or gone back, 2 wrong input, 3 could not be decided.
3. Commands that draw or judge have files of their own.
"""

from __future__ import annotations

from typing import Any

import click

from interlock.doors.cli.desk import REFUSED, as_json, client, leave, settings, show_json
from interlock.doors.cli.rollout_ask import abort, extend, pause, resume
from interlock.doors.cli.rollout_run import run
from interlock.doors.cli.rollout_verify import verify
from interlock.doors.cli.rollout_watch import meant, watch
from interlock.doors.cli.rollout_widen import widen

ENTRIES = 200
MOST_ASKED = 10
"""Rollouts under way of which a list asks whether somebody judges them."""


@click.group()
def rollout() -> None:
    """Send a ticketed change out in stages under a judge; watch, pause, verify it."""


for command in (watch, pause, resume, extend, abort, widen, verify, run):
    rollout.add_command(command)


@rollout.command()
@click.argument("change")
@click.option("--ticket", required=True, metavar="ID|FILE", help="The ticket's id, or the file of the gate.")
@click.option("--environment", default="production", show_default=True, help="Where it is to go.")
@click.option("--service", metavar="NAME", help="Which one, where the ticket is for several with plans.")
@click.option("--detach", is_flag=True, help="Without a server: only start it, somebody else runs the worker.")
@as_json
def start(*, change: str, ticket: str, environment: str, service: str | None, detach: bool, as_json: bool) -> None:
    """Redeem a ticket and send CHANGE out, or say everything that stands in the way."""
    from interlock.doors.cli.rollout_words import named_ticket, obstacles, started, under_way  # noqa: PLC0415  # --help reads no ticket

    wanted = {"change": change, "ticket": named_ticket(ticket), "environment": environment, "service": service}
    config = settings()
    with client(config) as api:
        reply = api.post("/v1/rollouts", wanted).json
        other = "" if reply["rollout"] or as_json else under_way(reply["obstacles"])
        own = other and api.get(f"/v1/rollouts/{other}").json["record"]["ticket"] == wanted["ticket"]
    if reply["rollout"] is None:
        lines = obstacles(reply["obstacles"], other if own else "")
        show_json(reply) if as_json else click.echo("\n".join(lines))
        leave(REFUSED)
    begun = reply["rollout"]
    if as_json:
        show_json(begun)
    else:
        click.echo("\n".join(started(begun, waits=config.server is None and not detach, server=config.server)))
    if config.server is None and not detach:
        from interlock.doors.cli.rollout_run import in_the_foreground  # noqa: PLC0415  # only without a server

        leave(in_the_foreground(config, begun["id"], as_json=as_json))


@rollout.command("list")
@click.option("--service", metavar="NAME", help="Only of this service.")
@click.option("--environment", metavar="NAME", help="Only there.")
@click.option("--state", metavar="STATE", help="Only those: running, held, completed, returned, …")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@as_json
def listed(*, service: str | None, environment: str | None, state: str | None, limit: int, as_json: bool) -> None:
    """List rollouts, newest first."""
    from interlock.doors.cli.rollout_words import none_listed  # noqa: PLC0415  # --help lists nothing
    from interlock.doors.cli.screens.rollout_list import listing  # noqa: PLC0415  # likewise

    with client() as api:
        found = api.get("/v1/rollouts", service=service, environment=environment, state=state, limit=limit).json
        on = [] if as_json else [item["id"] for item in found["items"] if not item["ended_at"]][:MOST_ASKED]
        judged = {name: api.get(f"/v1/rollouts/{name}").json for name in on}
        near = "" if found["items"] or as_json else meant(api, service)
    if as_json:
        show_json(found)
        return
    none = none_listed(service, environment, state, near)
    click.echo("\n".join(listing(found["items"], judged)) if found["items"] else none)


@rollout.command()
@click.argument("named", metavar="ROLLOUT|SERVICE")
@click.option("--events", is_flag=True, help="What the ledger tells of it, oldest first.")
@as_json
def show(*, named: str, events: bool, as_json: bool) -> None:
    """Show where a rollout stands, and what it did outside."""
    from interlock.doors.cli.rollout_named import named_rollout  # noqa: PLC0415  # --help shows nothing
    from interlock.doors.cli.rollout_words import fitted, shown  # noqa: PLC0415  # likewise
    from interlock.doors.cli.screens.rollout_events import happened  # noqa: PLC0415  # likewise

    with client() as api:
        named = named_rollout(api, named, ended=True)
        found = api.get(f"/v1/rollouts/{named}").json
        told = _events(api, named) if events else None
    if as_json:
        show_json(found if told is None else {**found, "events": told})
        return
    lines = shown(found) if told is None else happened(told)
    click.echo("\n".join(fitted(lines)))


def _events(api: Any, rollout: str) -> list[dict[str, Any]]:  # noqa: ANN401  # a Client
    """Every entry about it, oldest first."""
    items: list[dict[str, Any]] = []
    after = None
    while True:
        page = api.get("/v1/ledger/entries", subject=rollout, limit=ENTRIES, after=after).json
        items += page["items"]
        after = page["next"]
        if after is None:
            return items[::-1]
