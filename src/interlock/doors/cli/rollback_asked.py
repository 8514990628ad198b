"""What a rollback says while it waits, and what it asks before it says or does anything but weight 0.

Rules:
1. Whoever goes back is never left alone with a silent terminal: after a second it is said what is waited for. On a
   terminal that line is drawn over; in a pipe each change takes one, on the error stream.
2. A dry run asks like the rollback itself, and both believe the newest record: what this machine has kept may be
   of the rollout before the one that is starting. Nobody waits long for that, and whatever it fails over stops
   nobody who goes back.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import click

from interlock.config import Config
from interlock.core.change.errors import InterlockError, NotFound
from interlock.core.rollout.journal import WentBack

Told = dict[str, Any]
Say = Callable[[str], None]
SLOW_SECONDS = 1.0
_PHASES = {
    "withdraw": "its traffic is being taken away",
    "settle": "its ticket is being voided",
    "undo": "the rollback steps are being run",
}


@contextmanager
def waiting(*, quiet: bool) -> Iterator[Say]:
    """Say what is waited for, once it takes long."""
    if quiet:
        yield lambda _: None
        return
    if sys.stderr.isatty():
        from interlock.doors.cli.reading import progress  # noqa: PLC0415  # only where somebody looks

        with progress() as say:
            yield say
        return
    yield _Lines().say


class _Lines:
    """Each text once, none in the first second."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._last = ""

    def say(self, text: str) -> None:
        """Print it, if it is new and late enough."""
        if text != self._last and time.monotonic() - self._began >= SLOW_SECONDS:
            click.echo(text, err=True)
            self._last = text


def how_far(shown: Told) -> str:
    """Where the server is with it."""
    record = shown["record"]
    doing = _PHASES.get(record["phase"], "waiting for the server's worker")
    return f"{record['id']}: {doing}, {record['weight']:g} % served"


def newest(
    config: Config, service: str, environment: str, *, patience: float
) -> tuple[Told | None, InterlockError | None]:
    """The newest rollout there that has something to bring back, else why a server names none."""
    from interlock.doors.cli.client import connect  # noqa: PLC0415  # --help asks nobody

    if nobody_to_ask(config):
        return None, None
    try:
        client = connect(config, patience=patience, tell=False)
        try:
            found = client.get("/v1/rollouts", service=service, environment=environment, limit=1).json["items"]
        finally:
            client.close()
    except (InterlockError, OSError) as error:
        return None, error if isinstance(error, InterlockError) and config.server is not None else None
    if found and found[0]["state"] != "returned":
        return found[0], None
    return None, None if config.server is None else _none(service, environment)


def _none(service: str, environment: str) -> NotFound:
    return NotFound(
        f"expected a rollout of `{service}` in `{environment}` with something to bring back, got none",
        code="rollback-nothing",
        hint=f"see what there was: interlock rollout list --service {service}",
    )


def nobody_to_ask(config: Config) -> bool:
    """Whether there is neither a server nor a database, as far as this user may see."""
    database = config.database.removeprefix("sqlite:///")
    return config.server is None and database != config.database and not os.access(database, os.F_OK)


class Asking:
    """Who is the newest, asked beside what is done meanwhile; nobody waits longer than ``patience`` seconds."""

    def __init__(self, config: Config, service: str, environment: str, *, patience: float) -> None:
        self._asked = (config, service, environment)
        self._until, self._patience = time.monotonic() + patience, patience
        self._found: Told | None = None
        self._thread = threading.Thread(target=self._ask, name="interlock-newest", daemon=True)
        self._thread.start()

    def other(self, rollout: str) -> Told | None:
        """The newest rollout there, should it be another than this one."""
        self._thread.join(max(0.0, self._until - time.monotonic()))
        found = self._found
        return found if found is not None and found["id"] != rollout else None

    def _ask(self) -> None:
        try:
            found, _ = newest(*self._asked, patience=self._patience)
        except Exception:  # noqa: BLE001  # whatever it is: going back goes on, by what this machine has kept
            return
        self._found = found


def kept_nothing(rollout: str) -> str:
    """That what could be gone back by here is of an earlier rollout."""
    return f"what this machine has kept is of {rollout}, an earlier one"


def of_the_newest(journal: WentBack, newest: Told) -> WentBack:
    """The journal, about the rollout that is meant: the ledger ends it by that."""
    return replace(
        journal,
        rollout=newest["id"],
        change=newest["change"],
        digest=newest["digest"],
        previous=newest["previous"],
    )
