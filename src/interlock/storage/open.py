"""Opening a store: engines, schema, tables, keys, in that order; anything that does not fit refuses the start."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from interlock.core.change.errors import InvalidInput
from interlock.core.ledger.note import NoteSigner
from interlock.ports.world import Clock
from interlock.storage.engine import connect
from interlock.storage.memory import Memory
from interlock.storage.migrate import bring_up_to_date
from interlock.storage.records import RecordType, Shelf
from interlock.storage.shapes import keep_shapes
from interlock.storage.store import SqlStore
from interlock.storage.ticket_key import pin


def open_store(
    url: str,
    *,
    signer: NoteSigner,
    clock: Clock,
    record_types: Iterable[RecordType[Any]],
    memory: Memory | None = None,
    ticket_key: str | None = None,
) -> SqlStore:
    """A store over ``sqlite:///path`` or ``postgresql://…``, created and migrated where needed.

    ``memory`` remembers outside the database what was signed last, and refuses a database that went behind it.
    ``ticket_key`` is the verifier key of the key that signs tickets here; None where none are signed.

    Raises:
        InvalidInput: ``database-url``, ``record-type``, ``log-key-mismatch``, ``ticket-key-mismatch``,
            ``schema-newer``, ``state-older`` or ``database-unsafe``.
        Unavailable: the database does not answer.
        IntegrityError: what is stored contradicts its own proof.
    """
    shelves = [Shelf(each) for each in record_types]
    for name in ("table", "kind"):
        if len({getattr(shelf.type, name) for shelf in shelves}) != len(shelves):
            raise InvalidInput(
                f"expected each record {name} once, got one twice",
                code="record-type",
                hint="register every class once, each with a table of its own",
            )
    engines = connect(url)
    try:
        bring_up_to_date(engines)
        keep_shapes(engines, shelves)
        kinds = {shelf.type.kind: shelf for shelf in shelves}
        store = SqlStore(engines, signer=signer, clock=clock, shelves=kinds, memory=memory)
    except BaseException:
        engines.dispose()
        raise
    try:
        if ticket_key is not None:
            pin(engines, ticket_key)
    except BaseException:
        store.close()
        raise
    return store
