"""``interlock evidence run review``: a program somewhere else looks at the change and may ask for more.

Rules:
1. Off without a ``reviewer`` in the rules in force. Where it goes, and how much, is said before it goes.
2. 0 without a concern; 1 with some, or where what was handed in does not count; 3 when the reviewer gave no answer
   that can be used, which is never taken for one without concerns, or when it could not be handed in.
3. What it asks is answered by people: ``interlock change answer``.
"""

from __future__ import annotations

from typing import Any

import click

from interlock.doors.cli.desk import as_json, change_id, client, leave, settings, show_json
from interlock.doors.cli.run_exit import exit_code

Told = dict[str, Any]


@click.command()
@click.argument("change", required=False)
@click.option(
    "--show", "--dry-run", "show", is_flag=True, help="Print exactly what would be sent, and send nothing."
)
@click.option("--key", metavar="FILE", help="The runner's private key in PEM; default INTERLOCK_RUNNER_KEY.")
@click.option("--out", metavar="FILE", help="Write the signed statement there too.")
@as_json
def review(*, change: str | None, show: bool, key: str | None, out: str | None, as_json: bool) -> None:
    """Have a model look at CHANGE: its concerns must be answered by people, and nothing it says can approve.

    By `reviewer:` of the rules in force, which say where lines of which files may be sent. Off without.
    """
    from interlock.doors.cli.interrupts import asked_to_end  # noqa: PLC0415  # --help runs nothing
    from interlock.doors.cli.reviewed import Asked, reviewed  # noqa: PLC0415  # likewise
    from interlock.doors.cli.screens.review import screen  # noqa: PLC0415  # likewise

    config = settings()
    with asked_to_end(), client(config) as api:
        done = reviewed(Asked(api=api, config=config, name=change_id(change), key=key, out=out, show=show))
    if show:
        click.echo(done["body"])
        return
    if as_json:
        show_json(done)
    else:
        click.echo("\n".join(screen(done)))
    leave(exit_code([{"verdict": "failed" if done["concerns"] else "passed", "evidence": done["evidence"]}]))
