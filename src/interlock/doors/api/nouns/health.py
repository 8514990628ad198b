"""Is it alive, and is it ready: two questions anybody may ask, answered without saying anything secret."""

from __future__ import annotations

from dataclasses import dataclass

from interlock import __version__
from interlock.core.change.errors import InterlockError, Unavailable
from interlock.doors.api.surface import Answer, Call, Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The process answers."""

    status: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Database, rules and ledger were all looked at just now. ``rules`` is their digest."""

    status: str
    rules: str
    ledger: str


def _health(call: Call) -> Answer:
    del call
    return Answer(body=Health(status="ok", version=__version__))


def _ready(call: Call) -> Answer:
    station = call.station
    try:
        head = station.store.checkpoint().splitlines()[1]
        rules = station.store.read(lambda tx: station.rules(tx).rules.digest)
    except InterlockError as error:
        raise Unavailable(
            f"expected database, rules and ledger to be ready, got {error.code}",
            code="not-ready",
            hint=error.hint,
            plugin="server",
        ) from error
    return Answer(body=Readiness(status="ready", rules=rules, ledger=f"{head} entries, signed"))


OPERATIONS = (
    Operation(
        name="health",
        method="GET",
        path="/healthz",
        scope=None,
        summary="Whether the process answers.",
        run=_health,
        reply=Health,
    ),
    Operation(
        name="readiness",
        method="GET",
        path="/readyz",
        scope=None,
        summary="Whether the database answers, rules are in force and the ledger's head is signed.",
        run=_ready,
        reply=Readiness,
    ),
)
