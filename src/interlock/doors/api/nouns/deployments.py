"""Past deployments: what went out, and what each had. Records nothing."""

from __future__ import annotations

from interlock.core.approval.actor import Scope
from interlock.doors.api.surface import Answer, Call, Operation, Query
from interlock.road.deployments import PastDeployment, deployments

MOST = 50


def _list(call: Call) -> Answer:
    found = deployments(
        call.station,
        call.actor,
        environment=call.text("environment") or "production",
        service=call.text("service"),
        limit=call.number("limit") or 3,
    )
    return Answer(body={"items": list(found), "next": None})


OPERATIONS = (
    Operation(
        name="listDeployments",
        method="GET",
        path="/v1/deployments",
        scope=Scope.READ,
        summary="Past deployments, newest first: a tested rollback, a canary, an alert on the business metric?",
        run=_list,
        list_of=PastDeployment,
        query=(
            Query(name="environment", text="where; default production"),
            Query(name="service", text="only of this service"),
            Query(name="limit", text="how many; default 3", kind="integer", least=1, most=MOST),
        ),
    ),
)
