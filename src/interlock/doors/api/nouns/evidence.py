"""Evidence: what a runner, a scanner or a test run says about a digest. Bytes travel as base64."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Literal

from interlock.core.approval.actor import Scope
from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.model import Evidence
from interlock.doors.api.surface import Answer, Call, Operation
from interlock.road import gather
from interlock.road.evidence_list import evidence_of
from interlock.road.gather import EvidenceOffer


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRequest:
    """``content`` is the file, base64. ``subject`` is the digest it speaks of, for a format that names none."""

    content: str
    format: Literal["dsse", "sarif", "junit"] | None = None
    subject: str | None = None


def decoded(text: str, what: str) -> bytes:
    """The bytes of base64 ``text``.

    Raises:
        InvalidInput: ``base64``.
    """
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput(
            f"expected base64 in {what}, got something else", code="base64", hint="encode the file's bytes"
        ) from error


def _add(call: Call) -> Answer:
    wanted: EvidenceRequest = call.body
    kept = gather.add_evidence(
        call.station,
        call.actor,
        call.path["change"],
        EvidenceOffer(content=decoded(wanted.content, "`content`"), format=wanted.format, subject=wanted.subject),
    )
    return Answer(body=kept, status=201)


def _list(call: Call) -> Answer:
    found = evidence_of(call.station, call.actor, call.path["change"])
    return Answer(body={"items": list(found), "next": None})


OPERATIONS = (
    Operation(
        name="addEvidence",
        method="POST",
        path="/v1/changes/{change}/evidence",
        scope=Scope.EVIDENCE,
        summary="Add a DSSE envelope, a SARIF scan or a JUnit report; unsigned is self-attested.",
        run=_add,
        body=EvidenceRequest,
        reply=Evidence,
        status=201,
    ),
    Operation(
        name="listEvidence",
        method="GET",
        path="/v1/changes/{change}/evidence",
        scope=Scope.READ,
        summary="All evidence on record for a change, oldest first, each as it stands now.",
        run=_list,
        list_of=Evidence,
    ),
)
