"""The ledger, read-only: the newest signed checkpoint, and each entry with all that proves it offline."""

from __future__ import annotations

from interlock.core.approval.actor import Scope
from interlock.core.change.errors import NotFound
from interlock.core.ticket.model import Inclusion
from interlock.doors.api.surface import Answer, Call, Operation


def _checkpoint(call: Call) -> Answer:
    return Answer(raw=call.station.store.checkpoint().encode(), media="text/plain; charset=utf-8")


def _entry(call: Call) -> Answer:
    index = call.path["index"]
    if not index.isdigit() or len(index) > 15:  # noqa: PLR2004  # more digits than any ledger has entries
        raise NotFound(
            f"expected the index of an entry, got `{index[:40]}`",
            code="entry-unknown",
            hint="the checkpoint's second line says how many entries there are",
        )
    return Answer(body=dict(call.station.store.inclusion(int(index))))


OPERATIONS = (
    Operation(
        name="checkpoint",
        method="GET",
        path="/v1/ledger/checkpoint",
        scope=Scope.READ,
        summary="The newest signed checkpoint (C2SP tlog-checkpoint).",
        run=_checkpoint,
        media="text/plain",
    ),
    Operation(
        name="ledgerEntry",
        method="GET",
        path="/v1/ledger/entries/{index}",
        scope=Scope.READ,
        summary="One entry with its inclusion proof and checkpoint.",
        run=_entry,
        reply=Inclusion,
    ),
)
