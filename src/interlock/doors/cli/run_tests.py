"""``interlock evidence run tests``: the command."""

from __future__ import annotations

import click

from interlock.doors.cli.desk import as_json, change_id, client, leave, settings, show_json
from interlock.doors.cli.run_exit import exit_code


@click.command()
@click.argument("change", required=False)
@click.option("--service", metavar="SERVICE", help="Only this service; default all that CHANGE touches.")
@click.option("--key", metavar="FILE", help="The runner's private key in PEM; default INTERLOCK_RUNNER_KEY.")
@click.option("--out", metavar="FILE", help="Write the signed statement there too.")
@as_json
def tests(*, change: str | None, service: str | None, key: str | None, out: str | None, as_json: bool) -> None:
    """Run the tests of CHANGE with it and without it: they must pass with it, and fail without it.

    By test-plans/*.yaml of the rules in force, in copies of the repository. What is run is the change's own code.
    """
    from interlock.doors.cli.biting import bites  # noqa: PLC0415  # --help runs nothing
    from interlock.doors.cli.interrupts import asked_to_end  # noqa: PLC0415  # likewise
    from interlock.doors.cli.screens.biting import bitten  # noqa: PLC0415  # likewise

    config, name = settings(), change_id(change)
    with asked_to_end(), client(config) as api:
        done = bites(api, config, name, service, key=key, out=out)
    if as_json:
        show_json({"items": done})
    else:
        click.echo("\n".join(line for each in done for line in bitten(each)))
    leave(exit_code(done))
