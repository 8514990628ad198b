"""The ledger, read-only: the newest signed checkpoint, and each entry with all that proves it offline."""

from __future__ import annotations

import base64

from interlock.core.approval.actor import Scope
from interlock.core.change.errors import NotFound
from interlock.core.change.parse import parse
from interlock.core.ledger.prooffile import ProofFile
from interlock.core.ticket.model import Inclusion
from interlock.doors.api.surface import Answer, Call, Operation


def _checkpoint(call: Call) -> Answer:
    return Answer(raw=call.station.store.checkpoint().encode(), media="text/plain; charset=utf-8")


def _index(call: Call) -> int:
    index = call.path["index"]
    if not index.isdigit() or len(index) > 15:  # noqa: PLR2004  # more digits than any ledger has entries
        raise NotFound(
            f"expected the index of an entry, got `{index[:40]}`",
            code="entry-unknown",
            hint="the checkpoint's second line says how many entries there are",
        )
    return int(index)


def _entry(call: Call) -> Answer:
    return Answer(body=dict(call.station.store.inclusion(_index(call))))


def _proof(call: Call) -> Answer:
    told: Inclusion = parse(Inclusion, dict(call.station.store.inclusion(_index(call))), what="an inclusion proof")
    proof = ProofFile(
        index=told.index,
        proof=tuple(map(base64.b64decode, told.proof)),
        checkpoint=told.checkpoint,
        extra=told.leaf.encode(),
    )
    return Answer(raw=proof.text().encode(), media="text/plain; charset=utf-8")


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
    Operation(
        name="ledgerProof",
        method="GET",
        path="/v1/ledger/entries/{index}/proof",
        scope=Scope.READ,
        summary="The same as one file that verifies offline (C2SP tlog-proof).",
        run=_proof,
        media="text/plain",
    ),
)
