"""Plans of producers: by what going back is rehearsed and alerts are proven, as the rules in force have it."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from interlock.core.approval.actor import Scope
from interlock.doors.api.surface import Answer, Call, Operation, Query
from interlock.road import producer_plans


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanShown:
    """One plan. ``content`` is its file, base64, ``digest`` the file's, ``rules`` that of the rules in force."""

    producer: str
    service: str
    environment: str
    path: str
    digest: str
    content: str
    rules: str


def _list(call: Call) -> Answer:
    found = producer_plans.in_force(call.station, call.actor, call.query["producer"], call.text("service"))
    items = [
        PlanShown(
            producer=each.producer,
            service=each.service,
            environment=each.environment,
            path=each.path,
            digest=each.digest,
            content=base64.b64encode(each.content).decode(),
            rules=each.rules,
        )
        for each in found
    ]
    return Answer(body={"items": items, "next": None})


OPERATIONS = (
    Operation(
        name="listPlans",
        method="GET",
        path="/v1/plans",
        scope=Scope.READ,
        summary="The plans of a producer of evidence in the rules in force, with their files.",
        run=_list,
        query=(
            Query(name="producer", text="whose plans", required=True, choices=producer_plans.PRODUCERS),
            Query(name="service", text="only this service's"),
        ),
        list_of=PlanShown,
        stateless=True,
    ),
)
