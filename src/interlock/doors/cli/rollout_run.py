"""``interlock rollout run``: be the worker in the foreground, where there is no server.

Rules:
1. It moves every rollout of this machine's state, until the named one is over, or until it is interrupted.
2. Interrupted, it lets go in order: traffic stays as it is, which it says with how to go on and how to go back.
"""

from __future__ import annotations

import time
from typing import Any

import click

from interlock.config import Config
from interlock.core.change.errors import InvalidInput
from interlock.doors.cli.desk import REFUSED, as_json, leave, settings, show_json
from interlock.doors.cli.text import safe

LOOK_SECONDS = 0.5
INTERRUPTED = 130


@click.command()
@click.argument("named", metavar="ROLLOUT")
@as_json
def run(*, named: str, as_json: bool) -> None:
    """Move ROLLOUT from here until it is over: the worker in the foreground, without a server."""
    config = settings()
    if config.server is not None:
        raise InvalidInput(
            "expected to run without a server, got INTERLOCK_SERVER, whose worker moves it",
            code="server-runs-it",
            hint=f"watch it: interlock rollout watch {named}",
        )
    leave(in_the_foreground(config, named, as_json=as_json))


def in_the_foreground(config: Config, rollout: str, *, as_json: bool) -> int:
    """Run a worker here until the rollout is over; the exit code."""
    from interlock.bootstrap import build  # noqa: PLC0415  # --help runs nothing
    from interlock.core.rollout.record import RolloutRecord, RolloutState  # noqa: PLC0415  # likewise

    interlock = build(config, begin=False)
    last = ""
    try:
        with interlock.working(_failed):
            while True:
                record = interlock.station.store.read(lambda tx: tx.records(RolloutRecord).get(rollout))
                last = _told(record, last, quiet=as_json)
                if record.phase == "over":
                    break
                time.sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        record = interlock.station.store.read(lambda tx: tx.records(RolloutRecord).get(rollout))
        raise _let_go(record) from None
    finally:
        interlock.close()
    if as_json:
        show_json(record)
    return 0 if record.state is RolloutState.COMPLETED else REFUSED


def _told(record: Any, last: str, *, quiet: bool) -> str:  # noqa: ANN401  # a RolloutRecord, imported late
    """Say what changed since."""
    held = f", {record.hold}" if record.hold else ""
    line = f"{record.state}{held}  stage {record.stage + 1}  {record.weight:g} %  {record.phase}"
    why = f"  {record.why}" if record.why else ""
    if line + why != last and not quiet:
        click.echo(f"{time.strftime('%H:%M:%S')}  {line}{safe(why)}")
    return line + why


def _let_go(record: Any) -> click.exceptions.Exit:  # noqa: ANN401  # likewise
    """What whoever interrupted it must know: traffic is still out, and nobody judges it."""
    where = "" if record.environment == "production" else f" --environment {safe(record.environment)}"
    click.echo(
        f"interrupted: {safe(record.service)} stays at {record.weight:g} %, and nobody judges it\n"
        f"  go on: interlock rollout run {record.id}\n"
        f"  go back: interlock rollback {safe(record.service)}{where}",
        err=True,
    )
    return click.exceptions.Exit(INTERRUPTED)


def _failed(rollout: str, error: BaseException) -> None:
    click.echo(f"{rollout or 'worker'}: {safe(str(error))}", err=True)
