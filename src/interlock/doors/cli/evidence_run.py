"""``interlock evidence run``: producers of evidence. Each runs something real here, and signs what it saw.

Rules:
1. What is looked at is what is on record: another content, or edits that are in no commit, are refused.
2. 0 when everything passed, 1 when something did not, 3 when something could not be decided. What could not be
   decided is not handed in: it says nothing about the change. What could not be handed in is 3 as well.
3. Without a runner's key it is a look: the same is run and shown, and nothing is handed in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from interlock.doors.cli.desk import as_json, change_id, client, leave, settings, show_json
from interlock.doors.cli.run_exit import exit_code
from interlock.doors.cli.run_local import local
from interlock.doors.cli.run_review import review
from interlock.doors.cli.run_scan import scan
from interlock.doors.cli.run_snapshot import snapshot
from interlock.doors.cli.run_tests import tests

if TYPE_CHECKING:
    pass


@click.group(name="run")
def run() -> None:
    """Run a producer here, and hand in what it saw with the runner's signature."""


run.add_command(snapshot)


@run.command()
@click.argument("change", required=False)
@click.option("--service", metavar="SERVICE", help="Only this service; default all that CHANGE touches.")
@click.option("--environment", metavar="NAME", help="Only there; default wherever the rules have a plan.")
@click.option("--key", metavar="FILE", help="The runner's private key in PEM; default INTERLOCK_RUNNER_KEY.")
@click.option("--out", metavar="FILE", help="Write the signed statement there too.")
@as_json
def rehearsal(
    *,
    change: str | None,
    service: str | None,
    environment: str | None,
    key: str | None,
    out: str | None,
    as_json: bool,
) -> None:
    """Rehearse going back from CHANGE where the rules say: apply, probe, roll back, probe again.

    By rehearsals/*.yaml of the rules in force, never in production. Interrupted, it is rolled back.
    """
    from interlock.doors.cli.interrupts import asked_to_end  # noqa: PLC0415  # --help runs nothing
    from interlock.doors.cli.rehearsal import rehearsals  # noqa: PLC0415  # likewise
    from interlock.doors.cli.screens.rehearsal import not_rehearsed, rehearsed  # noqa: PLC0415  # likewise

    config, name, done = settings(), change_id(change), []
    with asked_to_end(), client(config) as api:
        for each in rehearsals(api, config, name, service, environment, key=key, out=out):
            done.append(each)
            if not as_json:
                click.echo("\n".join(rehearsed(each)))
    for text in not_rehearsed(done):
        click.echo(text, err=True)
    if as_json:
        show_json({"items": done})
    leave(exit_code(done))


@run.command()
@click.argument("change", required=False)
@click.option("--service", metavar="SERVICE", help="Only this service; default all that CHANGE touches.")
@click.option("--key", metavar="FILE", help="The runner's private key in PEM; default INTERLOCK_RUNNER_KEY.")
@click.option("--out", metavar="FILE", help="Write the signed statement there too.")
@as_json
def alerts(*, change: str | None, service: str | None, key: str | None, out: str | None, as_json: bool) -> None:
    """Prove who is told when CHANGE goes wrong: real alert rules over healthy series that begin to fail.

    By alert-plans/*.yaml of the rules in force; the alert rules are those of this checkout. Needs promtool,
    and amtool where the plan says whom Alertmanager sends what.
    """
    from interlock.doors.cli.alert_proof import proofs  # noqa: PLC0415  # --help runs nothing
    from interlock.doors.cli.interrupts import asked_to_end  # noqa: PLC0415  # likewise
    from interlock.doors.cli.screens.alert_proof import proven  # noqa: PLC0415  # likewise

    config, name, done = settings(), change_id(change), []
    with asked_to_end(), client(config) as api:
        for each in proofs(api, config, name, service, key=key, out=out):
            done.append(each)
            if not as_json:
                click.echo("\n".join(proven(each)))
    if as_json:
        show_json({"items": done})
    leave(exit_code(done))


run.add_command(scan)
run.add_command(local)
run.add_command(tests)
run.add_command(review)
