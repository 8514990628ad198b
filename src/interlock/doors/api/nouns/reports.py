"""Reports: what the records amount to when one looks back."""

from __future__ import annotations

from interlock.core.approval.actor import Scope
from interlock.doors.api.surface import Answer, Call, Operation, Query
from interlock.road.count_findings import ProvenanceReport, count_findings

DAY = 86_400
DEFAULT_SECONDS, MOST_SECONDS = 90 * DAY, 3_660 * DAY


def _provenance(call: Call) -> Answer:
    seconds = float(call.number("seconds") or DEFAULT_SECONDS)
    return Answer(body=count_findings(call.station, call.actor, seconds=seconds))


OPERATIONS = (
    Operation(
        name="reportProvenance",
        method="GET",
        path="/v1/reports/provenance",
        scope=Scope.READ,
        summary="What scans found in the changes on record, by who wrote them, with the ratio of AI to the rest.",
        run=_provenance,
        reply=ProvenanceReport,
        query=(
            Query(
                name="seconds",
                text="how far to look back; default 7776000 (90 days)",
                kind="integer",
                least=1,
                most=MOST_SECONDS,
            ),
        ),
    ),
)
