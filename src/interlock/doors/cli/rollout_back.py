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
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from interlock.config import Config
from interlock.doors.cli.screens.rollout_blind import IDLE_SECONDS, unjudged, ways_on
from interlock.doors.cli.text import safe

if TYPE_CHECKING:
    from interlock.doors.cli.client import Client

Told = dict[str, Any]
TAKE_UP_SECONDS, LOOK_SECONDS = 6.0, 0.2
"""How long nobody may have it before that is plain: a dead worker's lease lasts three seconds more."""

END_SECONDS = 300.0


def taken_up(api: Client, rollout: str) -> Told:
    """How it stands once some worker brings it back, or once it is plain that none does.

    One that is busy with a step has it and comes to it later.
    """
    end = time.monotonic() + TAKE_UP_SECONDS
    while True:
        shown: Told = api.get(f"/v1/rollouts/{rollout}").json
        if left_alone(shown) or begun(shown) or time.monotonic() >= end:
            return shown
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
    store = interlock.station.store
    try:
        with interlock.working(_failed, only=[rollout]):
            end = time.monotonic() + END_SECONDS
            while True:
                record = store.read(lambda tx: tx.records(RolloutRecord).get(rollout))
                if record.ended or time.monotonic() >= end:
                    found: Any = plain(record)
                    return dict(found)
                say(f"{rollout}: going back, {record.weight:g} % served")
                time.sleep(LOOK_SECONDS)
    except NotFound:
        return None
    finally:
        interlock.close()


def _failed(rollout: str, error: BaseException) -> None:
    click.echo(f"{rollout or 'worker'}: {safe(str(error))}", err=True)
