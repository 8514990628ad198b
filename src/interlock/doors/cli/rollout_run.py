"""``interlock rollout run``: be the worker in the foreground, where there is no server.

Rules:
1. It moves every rollout of this machine's state, until the named one is over, or until it is interrupted.
2. It tells what ``rollout watch`` tells in a pipe, in the same words; the last screen says what to type next.
3. Interrupted, it lets go in order: traffic stays as it is, which it says with how to go on and how to go back.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from interlock.config import Config
from interlock.core.change.errors import InvalidInput
from interlock.doors.cli.aside import complain
from interlock.doors.cli.desk import REFUSED, as_json, client, leave, settings, show_json
from interlock.doors.cli.rollout_named import named_rollout
from interlock.doors.cli.text import safe

if TYPE_CHECKING:
    from interlock.core.approval.actor import Actor
    from interlock.road.station import Station

LOOK_SECONDS = 0.5
INTERRUPTED = 130


@click.command()
@click.argument("named", metavar="ROLLOUT|SERVICE")
@as_json
def run(*, named: str, as_json: bool) -> None:
    """Move ROLLOUT from here until it is over: the worker in the foreground, without a server."""
    config = settings()
    if config.server is not None:
        raise InvalidInput(
            "expected to run without a server, got INTERLOCK_SERVER, whose worker is to move it",
            code="server-runs-it",
            hint=f"see whether it does: interlock rollout watch {named}; should it have none, start it without "
            "--no-worker, or unset INTERLOCK_SERVER where its database is",
        )
    with client(config) as api:
        rollout = named_rollout(api, named)
    leave(in_the_foreground(config, rollout, as_json=as_json))


def in_the_foreground(config: Config, rollout: str, *, as_json: bool) -> int:
    """Run a worker here until the rollout is over; the exit code."""
    from interlock.bootstrap import build  # noqa: PLC0415  # --help runs nothing
    from interlock.core.rollout.record import RolloutRecord, RolloutState  # noqa: PLC0415  # likewise
    from interlock.doors.cli.client import local_actor  # noqa: PLC0415  # likewise

    interlock = build(config, begin=False)
    try:
        with interlock.working(_failed):
            _followed(interlock.station, local_actor(config.root), rollout, quiet=as_json)
        record = interlock.station.store.read(lambda tx: tx.records(RolloutRecord).get(rollout))
    except KeyboardInterrupt:
        record = interlock.station.store.read(lambda tx: tx.records(RolloutRecord).get(rollout))
        raise _let_go(record) from None
    finally:
        interlock.close()
    if as_json:
        show_json(record)
    return 0 if record.state is RolloutState.COMPLETED else REFUSED


def _followed(station: Station, actor: Actor, rollout: str, *, quiet: bool) -> None:
    """Until it is over, told as ``rollout watch`` tells it in a pipe: a line a change, a screen at its end."""
    from interlock.core.change.canonical import plain  # noqa: PLC0415  # --help runs nothing
    from interlock.doors.cli.rollout_views import Lines  # noqa: PLC0415  # likewise
    from interlock.road.roll.show import show  # noqa: PLC0415  # likewise

    lines = Lines()
    if not quiet:
        click.echo(_baseline(station, rollout), nl=False)
    while True:
        shown: Any = plain(show(station, actor, rollout))
        if not quiet:
            lines.show(shown, time.monotonic())
        if shown["record"]["ended_at"]:
            return
        time.sleep(LOOK_SECONDS)


def _baseline(station: Station, rollout: str) -> str:
    """How long nothing will seem to happen; empty once traffic moved."""
    from interlock.core.rollout.record import RolloutRecord, RolloutState  # noqa: PLC0415  # --help runs nothing
    from interlock.doors.cli.screens.rollout_bars import span  # noqa: PLC0415  # likewise
    from interlock.road.roll.asks import plan_of  # noqa: PLC0415  # likewise

    record = station.store.read(lambda tx: tx.records(RolloutRecord).get(rollout))
    seconds = station.store.read(lambda tx: plan_of(tx, record)).baseline
    if record.state is not RolloutState.STARTING or not seconds:
        return ""
    return (
        f"  first the control's own noise is measured, for {span(seconds)}; then traffic moves\n"
        "  Ctrl-C leaves it as it is: then nobody judges it until you go on\n"
    )


def _let_go(record: Any) -> click.exceptions.Exit:  # noqa: ANN401  # likewise
    """What whoever interrupted it must know: traffic is still out, and nobody judges it."""
    where = "" if record.environment == "production" else f" --environment {safe(record.environment)}"
    service = safe(record.service)
    complain("", f"interrupted: {service} stays at {record.weight:g} %, and nobody judges it", indent=2)
    complain("  go on: ", f"interlock rollout run {record.id}", indent=4)
    complain("  go back: ", f"interlock rollback {service}{where}", indent=4)
    return click.exceptions.Exit(INTERRUPTED)


def _failed(rollout: str, error: BaseException) -> None:
    complain(f"{rollout or 'worker'}: ", safe(str(error)), indent=2)
