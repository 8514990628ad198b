"""``interlock describe``: what a change is, with the lines every fact was read from. No decision."""

from __future__ import annotations

from typing import Any

import click

from interlock.doors.cli.desk import as_json, client, settings, show_json
from interlock.doors.cli.reading import Sources, read, reading_flags, recipes


@click.command()
@reading_flags
@as_json
def describe(
    *,
    as_json: bool,
    sources: Sources,
) -> None:
    """Say what a change is: provenance, services, reach, reversibility, documentation, validations."""
    config = settings()
    wanted = recipes(sources, config.root, head="WORKTREE")
    with client(config) as api:
        judgement = api.post("/v1/check", {"submission": read(api, wanted, config)}).json
    if as_json:
        show_json(judgement["description"])
        return
    click.echo("\n".join(_screen(judgement)))


def _screen(judgement: dict[str, Any]) -> list[str]:
    from interlock.doors.cli.screens.facts import facts  # noqa: PLC0415  # --json draws nothing

    return facts(judgement)
