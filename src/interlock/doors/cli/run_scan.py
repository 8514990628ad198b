"""``interlock evidence run scan``: the command itself."""

from __future__ import annotations

import click

from interlock.doors.cli.desk import as_json, change_id, client, leave, settings, show_json
from interlock.doors.cli.run_exit import exit_code


@click.command()
@click.argument("change", required=False)
@click.option("--key", metavar="FILE", help="The runner's private key in PEM; default INTERLOCK_RUNNER_KEY.")
@click.option("--out", metavar="FILE", help="Write the signed statement there too.")
@click.option("--sarif", metavar="FILE", help="Write the new findings there as SARIF.")
@as_json
def scan(*, change: str | None, key: str | None, out: str | None, sarif: str | None, as_json: bool) -> None:
    """Scan what CHANGE adds against its base: injection, access control, deserialization, secrets.

    By scan-plans/*.yaml of the rules in force; without any by bandit, detect-secrets and rules of access control.
    """
    from interlock.doors.cli.interrupts import asked_to_end  # noqa: PLC0415  # --help runs nothing
    from interlock.doors.cli.scanning import scanned  # noqa: PLC0415  # likewise
    from interlock.doors.cli.screens.scan import shown  # noqa: PLC0415  # likewise

    config, name = settings(), change_id(change)
    with asked_to_end(), client(config) as api:
        done = scanned(api, config, name, key=key, out=out, sarif=sarif)
    if as_json:
        show_json(done)
    else:
        click.echo("\n".join(shown(done)))
    leave(exit_code([done]))
