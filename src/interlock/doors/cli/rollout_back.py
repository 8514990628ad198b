"""A rollout that is to go back where nobody moves it: whoever asked for that is its worker, until it is over.

Rules:
1. What some worker holds is left to it, wherever that runs.
2. Without a server this process moves it, and nothing else of this state. It takes a few seconds: what was brought
   back and verified already is only looked at again.
3. With a server its worker alone moves it. Where none is there that is said, with what can be typed, and the
   command has not done what it was asked for: 1.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from interlock.config import Config
from interlock.doors.cli.aside import complain
from interlock.doors.cli.screens.rollout_blind import IDLE_SECONDS, unjudged, ways_on
from interlock.doors.cli.text import safe

if TYPE_CHECKING:
    from interlock.core.rollout.record import Effect
    from interlock.doors.cli.client import Client
    from interlock.ports.store import Tx

Told = dict[str, Any]
TAKE_UP_SECONDS, LOOK_SECONDS = 6.0, 0.2
"""After that whoever has it lives: a lease that nobody renews is over in three seconds, and idle in two more."""

END_SECONDS = 300.0
INTERRUPTED = 130


def taken_up(api: Client, rollout: str, say: Callable[[str], None]) -> Told:
    """How it stands when it is over, or once it is plain whether some worker has it."""
    end = time.monotonic() + TAKE_UP_SECONDS
    while True:
        shown: Told = api.get(f"/v1/rollouts/{rollout}").json
        if shown["record"]["ended_at"] or left_alone(shown) or time.monotonic() >= end:
            return shown
        say(f"{rollout}: going back, {shown['record']['weight']:g} % served")
        time.sleep(LOOK_SECONDS)


def begun(shown: Told) -> bool:
    """Whether anything was intended since going back was asked."""
    if shown["record"]["phase"] != "withdraw":
        return True
    last = shown["effects"][-1] if shown["effects"] else None
    return last is not None and last["kind"] == "weight" and float(last["target"]) == 0


def left_alone(shown: Told) -> bool:
    """Whether no worker has it, which an older server does not tell."""
    return (shown.get("unmoved") or 0.0) > IDLE_SECONDS


def nobody(shown: Told) -> list[str]:
    """That no worker has it, and what can be typed; empty where one has."""
    if not unjudged(shown):
        return []
    return [f"  {unjudged(shown)}", *(f"    {why}: {command}" for command, why in ways_on(shown))]


def move_back(config: Config, rollout: str, say: Callable[[str], None]) -> Told | None:
    """Move it here until it is over, unless somebody else holds it; its record then. None where it is not here.

    Raises:
        InterlockError: the state cannot be opened.
    """
    from interlock.bootstrap import build  # noqa: PLC0415  # --help moves nothing
    from interlock.core.change.canonical import plain  # noqa: PLC0415  # likewise
    from interlock.core.change.errors import NotFound  # noqa: PLC0415  # likewise
    from interlock.core.rollout.record import RolloutRecord  # noqa: PLC0415  # likewise

    interlock = build(config, begin=False)
    read = interlock.station.store.read
    try:
        with interlock.working(_failed, only=[rollout]):
            end = time.monotonic() + END_SECONDS
            while True:
                record, effects = read(lambda tx: (tx.records(RolloutRecord).get(rollout), _effects(tx, rollout)))
                if record.ended or time.monotonic() >= end:
                    found: Any = plain(record)
                    return dict(found)
                last = effects[-1] if effects else None
                why = f": {last.said}" if last is not None and last.state != "done" and last.said else ""
                say(f"{rollout}: going back, {record.weight:g} % served{safe(why)}")
                time.sleep(LOOK_SECONDS)
    except NotFound:
        return None
    finally:
        interlock.close()


def let_go(record: Told) -> click.exceptions.Exit:
    """What whoever interrupted it must know: it is on record, and nobody does it now."""
    where = "" if record["environment"] == "production" else f" --environment {safe(record['environment'])}"
    seen = "nobody knows how much traffic it has" if record["weight"] is None else f"it had {record['weight']:g} %"
    service = safe(record["service"])
    complain("", f"interrupted: {service} is still on its way back on record; {seen} when this began", indent=2)
    complain("  bring it back: ", f"interlock rollback {service}{where}", indent=4)
    return click.exceptions.Exit(INTERRUPTED)


def _effects(tx: Tx, rollout: str) -> Sequence[Effect]:
    from interlock.core.rollout.record import Effect  # noqa: PLC0415  # --help moves nothing

    return tx.records(Effect).find(rollout=rollout)


def _failed(rollout: str, error: BaseException) -> None:
    complain(f"{rollout or 'worker'}: ", safe(str(error)), indent=2)
