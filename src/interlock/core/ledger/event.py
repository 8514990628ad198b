"""Events: what a deployer, a pipeline or an agent says it did, kept as ledger entries of their own kind.

Rules:
1. The kind is ``event.`` and a name that the caller chose: no event ever passes for an entry of interlock's own.
   What the caller says lies under ``said``, so no field of it passes for one that interlock wrote.
2. Who spoke is the caller's principal, with kind and token beside it; when is the server's clock. An event is a
   claim by that principal, signed into the log; it decides nothing.
3. A subject is a change's id or any short text; nothing has to exist under it. The ids of other records are
   refused, since what decides looks through all entries about them, and nobody may make that list long.
4. At most 256 events at once, each a leaf of at most 65,535 bytes, together at most 1 MiB.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from interlock.core.approval.actor import Actor
from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.ledger.entry import MAX_LEAF, Entry

PREFIX = "event."
MAX_BATCH = 256
MAX_BATCH_BYTES = 1 << 20
MAX_NAME = 64
MAX_SUBJECT = 200

_OWN = re.compile(r"(?:act|evd|flc|flg|shp|sig|tkt|tok)-[a-z0-9]+")
_NAME = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """``name`` is lowercase and dotted (``deployment.applied``), ``subject`` what it is about."""

    name: str
    subject: str
    said: dict[str, Json] = field(default_factory=dict)


def event_entries(events: Sequence[Event], *, actor: Actor, at: datetime) -> list[Entry]:
    """The entries of a batch, in order; each is known to fit a leaf.

    Raises:
        InvalidInput: ``events-count``, ``event-name``, ``event-subject``, ``event-too-large`` or
            ``not-canonical``; where there are several events the message says which one.
    """
    if not 1 <= len(events) <= MAX_BATCH:
        raise InvalidInput(
            f"expected 1 to {MAX_BATCH} events, got {len(events)}",
            code="events-count",
            hint="send them in several batches, each with an idempotency key of its own",
        )
    entries = [_entry(event, place, actor, at) for place, event in enumerate(events)]
    size = 0
    for place, entry in enumerate(entries):
        leaf = len(entry.leaf(limit=None))
        size += leaf
        if leaf > MAX_LEAF or size > MAX_BATCH_BYTES:
            raise _too_large(place, leaf, size)
    return entries


def _entry(event: Event, place: int, actor: Actor, at: datetime) -> Entry:
    if len(event.name) > MAX_NAME or not _NAME.fullmatch(event.name):
        raise InvalidInput(
            f"expected lowercase words joined by `.` or `-` as name of event {place}, got `{event.name[:70]!a}`",
            code="event-name",
            hint="for example deployment.applied; interlock puts `event.` before it",
        )
    fits = 1 <= len(event.subject) <= MAX_SUBJECT and event.subject.isprintable()
    if not fits or _OWN.fullmatch(event.subject):
        raise InvalidInput(
            f"expected a change or 1 to {MAX_SUBJECT} printable characters as subject of event {place}, "
            f"got `{event.subject[:70]!a}`",
            code="event-subject",
            hint="name a change (chg-…) or what it is about, on one line; say a ticket in a detail",
        )
    body: dict[str, Json] = {"by": actor.kind, "token": actor.token, "said": event.said}
    return Entry(kind=PREFIX + event.name, subject=event.subject, actor=actor.principal, at=at, body=body)


def _too_large(place: int, leaf: int, size: int) -> InvalidInput:
    got = f"event {place} of {leaf}" if leaf > MAX_LEAF else f"{size} up to event {place}"
    return InvalidInput(
        f"expected events of at most {MAX_LEAF} bytes each and {MAX_BATCH_BYTES} together, got {got}",
        code="event-too-large",
        hint="keep the payload elsewhere and say its digest, or send fewer at once",
    )
