"""``interlock check``: what this change would need, before anybody records it."""

from __future__ import annotations

import click

from interlock.doors.cli.desk import REFUSED, as_json, client, leave, settings, show_json
from interlock.doors.cli.reading import Sources, read, reading_flags, recipes


@click.command()
@reading_flags
@click.option("--environment", default="production", show_default=True, help="Where it is to go.")
@click.option("--service", "services", multiple=True, help="A service it touches beyond what its paths show.")
@click.option("--all", "everything", is_flag=True, help="Also what is met and what is only watched.")
@as_json
def check(
    *,
    environment: str,
    services: tuple[str, ...],
    everything: bool,
    as_json: bool,
    sources: Sources,
) -> None:
    """Describe and decide here; record nothing. Exit 0 when nothing is missing, 1 when something is."""
    config = settings()
    with client(config) as api:
        wanted = recipes(sources, config.root, head="WORKTREE", client=api, environment=environment)
        body = {"submission": read(api, wanted, config), "environment": environment, "services": list(services)}
        judgement = api.post("/v1/check", body).json
    if as_json:
        show_json(judgement)
    else:
        from interlock.doors.cli.screens.verdict import verdict  # noqa: PLC0415  # --json draws nothing

        click.echo("\n".join(verdict(judgement, everything=everything)))
    if judgement["decision"]["outcome"] != "allow":
        leave(REFUSED)
