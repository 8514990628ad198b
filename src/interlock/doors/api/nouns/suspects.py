"""Suspects: which recent change could have hurt a service, ranked."""

from __future__ import annotations

from datetime import UTC, datetime

from interlock.core.approval.actor import Scope
from interlock.core.change.errors import InvalidInput
from interlock.doors.api.surface import Answer, Call, Operation, Query
from interlock.road.suspects import Asked, Suspects, suspects

MOST = 50
DEFAULT_SECONDS = 7_200


def _list(call: Call) -> Answer:
    at = call.text("at")
    asked = Asked(
        service=call.path["service"],
        environment=call.text("environment") or "production",
        since=float(call.number("seconds") or DEFAULT_SECONDS),
        at=_moment(at) if at else None,
        limit=call.number("limit") or 10,
    )
    return Answer(body=suspects(call.station, call.actor, asked))


def _moment(text: str) -> datetime:
    """A time with its offset; without one it is UTC.

    Raises:
        InvalidInput: ``time-malformed``.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            f"expected a time such as 2026-03-05T09:30:00Z, got `{text[:40]!a}`",
            code="time-malformed",
            hint="write it as ISO 8601, in UTC or with its offset",
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


OPERATIONS = (
    Operation(
        name="listSuspects",
        method="GET",
        path="/v1/services/{service}/suspects",
        scope=Scope.READ,
        summary="Recent changes that could have hurt a service, the likeliest first, each with its way back.",
        run=_list,
        reply=Suspects,
        query=(
            Query(name="environment", text="where the trouble is; default production"),
            Query(
                name="seconds", text="how far to look back; default 7200", kind="integer", least=1, most=2_592_000
            ),
            Query(name="at", text="when the trouble was noticed, ISO 8601; default now", kind="text"),
            Query(name="limit", text="suspects in the answer; default 10", kind="integer", least=1, most=MOST),
        ),
    ),
)
