"""The log as C2SP tlog-tiles: checkpoint, tiles of hashes, bundles of entries, for monitors and auditors.

Rules:
1. A token with ``read`` is needed unless ``ledger.public`` is set in the rules in force: entries name people.
2. What a tile or a bundle holds never changes, so it may be kept for ever: by anybody when the log is public,
   otherwise by the caller alone. The checkpoint is never kept.
3. Nothing is served that no signed checkpoint covers.
"""

from __future__ import annotations

from interlock.core.approval.actor import Scope
from interlock.core.change.errors import InterlockError
from interlock.core.ledger.tiles import read_place
from interlock.doors.api.surface import Answer, Call, Operation
from interlock.road.station import Station

_FOR_EVER = "max-age=31536000, immutable"
_MEDIA = "application/octet-stream"


def public(station: Station) -> bool:
    """Whether the rules in force open the log to anybody; without rules they do not."""
    try:
        return station.store.read(lambda tx: station.rules(tx).rules.settings.ledger.public)
    except InterlockError:
        return False


def _checkpoint(call: Call) -> Answer:
    return Answer(raw=call.station.store.checkpoint().encode(), media="text/plain; charset=utf-8")


def _tile(call: Call) -> Answer:
    level, number, width = read_place(call.path["place"], call.path["level"])
    return _kept(call, call.station.store.tile(level, number, width))


def _entries(call: Call) -> Answer:
    _, number, width = read_place(call.path["place"])
    return _kept(call, call.station.store.bundle(number, width))


def _kept(call: Call, content: bytes) -> Answer:
    audience = "private" if call.actor.token else "public"
    return Answer(raw=content, media=_MEDIA, cache=f"{audience}, {_FOR_EVER}")


OPERATIONS = (
    Operation(
        name="logCheckpoint",
        method="GET",
        path="/log/checkpoint",
        scope=Scope.READ,
        unless=public,
        summary="The newest signed checkpoint (C2SP tlog-tiles).",
        run=_checkpoint,
        media="text/plain",
    ),
    Operation(
        name="logEntries",
        method="GET",
        path="/log/tile/entries/{place:path}",
        scope=Scope.READ,
        unless=public,
        summary="A bundle of entries (C2SP tlog-tiles); `place` is `<N>[.p/<W>]`.",
        run=_entries,
        media=_MEDIA,
    ),
    Operation(
        name="logTile",
        method="GET",
        path="/log/tile/{level}/{place:path}",
        scope=Scope.READ,
        unless=public,
        summary="A tile of hashes (C2SP tlog-tiles); `place` is `<N>[.p/<W>]`.",
        run=_tile,
        media=_MEDIA,
    ),
)
