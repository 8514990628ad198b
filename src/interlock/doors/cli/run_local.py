"""``interlock evidence run local``: the command."""

from __future__ import annotations

import click

from interlock.core.change.errors import InvalidInput
from interlock.doors.cli.desk import as_json, change_id, client, leave, settings, show_json
from interlock.doors.cli.run_exit import exit_code

_CHANGE = "chg-"
_DEFAULT_SECONDS = 3_600.0


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="[CHANGE] -- COMMAND...")
@click.option(
    "--service", metavar="SERVICE", help="Which service is run; default the only one that CHANGE touches."
)
@click.option("--visit", "visits", multiple=True, metavar="URL", help="An address that must answer meanwhile.")
@click.option(
    "--seconds",
    type=click.FloatRange(1, 86_400),
    default=_DEFAULT_SECONDS,
    show_default=True,
    help="The most it may take; without a terminal also the most that addresses are waited for.",
)
@click.option("--key", metavar="FILE", help="The runner's private key in PEM; default INTERLOCK_RUNNER_KEY.")
@click.option("--out", metavar="FILE", help="Write the signed statement there too.")
@as_json
def local(
    *,
    words: tuple[str, ...],
    service: str | None,
    visits: tuple[str, ...],
    seconds: float,
    key: str | None,
    out: str | None,
    as_json: bool,
) -> None:
    """Run CHANGE here with COMMAND, try it, and keep the transcript: what it said, and when.

    On a terminal it is yours until it ends, by Ctrl-C too. Without one it is ended once each URL has answered.
    With --json what it says goes to the stream for errors.
    """
    from interlock.doors.cli.interrupts import asked_to_end  # noqa: PLC0415  # --help runs nothing
    from interlock.doors.cli.running import tried  # noqa: PLC0415  # likewise
    from interlock.doors.cli.running_here import Asked  # noqa: PLC0415  # likewise
    from interlock.doors.cli.screens.local import shown  # noqa: PLC0415  # likewise

    given, command = (words[0], words[1:]) if words[0].startswith(_CHANGE) else (None, words)
    if not command:
        raise InvalidInput(
            "expected a command after the change, got none",
            code="local-command",
            hint="interlock evidence run local CHANGE -- make run",
        )
    config, name = settings(), change_id(given)
    asked = Asked(
        command=command, service=service, visits=visits, seconds=seconds, key=key, out=out, quiet=as_json
    )
    with asked_to_end(), client(config) as api:
        done = tried(api, config, name, asked)
    if as_json:
        show_json({"items": [done]})
    else:
        click.echo("\n".join(shown(done)))
    leave(exit_code([done]))
