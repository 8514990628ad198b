"""A new key for tickets, on purpose: what the ledger says of it.

Rules:
1. A ticket key changes only by this, which names the old and the new one and says why. Deployers find the entry in
   the log that they pin beside the key.
2. It is done beside the database by whoever holds the keys' folder: no token of the API reaches it.
"""

from __future__ import annotations

from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.errors import InvalidInput
from interlock.core.ledger.entry import Entry
from interlock.ports.store import Store
from interlock.ports.world import Clock

RENEWED = "ticket.key-renewed"
SUBJECT = "ticket-key"
MAX_WHY = 500


def check_why(why: str) -> None:
    """A reason of one line.

    Raises:
        InvalidInput: ``ticket-key-why``.
    """
    if not why.strip() or len(why) > MAX_WHY or not why.isprintable():
        raise InvalidInput(
            f"expected a reason of one line and at most {MAX_WHY} characters, got `{why[:40]!a}`",
            code="ticket-key-why",
            hint="say what became of the old key: --why TEXT",
        )


def note_renewal(store: Store, clock: Clock, actor: Actor, *, before: str | None, after: str, why: str) -> int:
    """The index of the entry that says so, once a checkpoint covers it. Keys are verifier keys (C2SP vkey)."""
    actor.require(Scope.ADMIN)
    check_why(why)
    body = {"before": before, "after": after, "why": why}
    entry = Entry(kind=RENEWED, subject=SUBJECT, actor=actor.principal, at=clock.now(), body={**body})
    return store.write(lambda tx: tx.log.append(entry), signed=True)
