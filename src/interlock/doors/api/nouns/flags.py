"""Flags for applications: OpenFeature's remote evaluation (OFREP 0.3.0), so that any provider of it will do.

Rules:
1. A flag is interlock's as soon as the router `flag` moved it; before, an application gets its own default.
2. Errors have the shapes of that protocol where it has one; an unknown caller is a problem as everywhere.
3. Whoever evaluates all flags at once is counted for each: it may use any of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from interlock.core.approval.actor import Scope
from interlock.core.change.canonical import Json, canonical, plain, sha256
from interlock.core.change.errors import InvalidInput
from interlock.core.rollout.flags import FlagRecord, Value
from interlock.doors.api.surface import Answer, Call, Operation, Query
from interlock.road.evaluations import Evaluations

MAX_KEY = 1_024
"""Characters of a targeting key."""

_BAD, _UNKNOWN, _SAME = 400, 404, 304
_ALL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRequest:
    """``context.targetingKey`` says who is asking; the rest of the context is not looked at."""

    context: dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What a flag is for one user. ``reason`` is ``STATIC`` where all get the same."""

    key: str
    value: Value
    variant: Literal["canary", "control"]
    reason: Literal["SPLIT", "STATIC"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationFailure:
    """Why there is no value."""

    key: str
    errorCode: str  # noqa: N815  # the protocol's own name
    errorDetails: str  # noqa: N815  # likewise


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationsFailure:
    """Why there is no value of any flag."""

    errorCode: str  # noqa: N815  # the protocol's own name
    errorDetails: str  # noqa: N815  # likewise


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkEvaluation:
    """All flags for one user."""

    flags: tuple[Evaluation, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class _Wrong:
    code: str
    details: str


def _evaluate(call: Call) -> Answer:
    key = call.path["key"]
    user = _user(call.body)
    if isinstance(user, _Wrong):
        return _failure(key, user.code, user.details)
    evaluations = _evaluations(call)
    record = evaluations.flags().get(key)
    if record is None:
        return _failure(key, "FLAG_NOT_FOUND", f"expected a flag that was moved, got `{key}`", status=_UNKNOWN)
    return Answer(body=_evaluation(evaluations, record, user))


def _evaluate_all(call: Call) -> Answer:
    user = _user(call.body)
    if isinstance(user, _Wrong):
        return Answer(body=EvaluationsFailure(errorCode=user.code, errorDetails=user.details), status=_BAD)
    evaluations = _evaluations(call)
    flags = sorted(evaluations.flags().values(), key=lambda record: record.flag)
    body = BulkEvaluation(flags=tuple(_evaluation(evaluations, record, user) for record in flags))
    etag = sha256(canonical(plain(body))).removeprefix("sha256:")[:32]
    known = [each.strip().removeprefix("W/").strip('"') for each in (call.if_none_match or "").split(",")]
    if etag in known or "*" in known:
        return Answer(raw=b"", status=_SAME, etag=etag)
    return Answer(body=body, etag=etag)


def _evaluations(call: Call) -> Evaluations:
    station = call.station
    return station.evaluations.over(station.store, station.clock, station.ids)


def _evaluation(evaluations: Evaluations, record: FlagRecord, user: str) -> Evaluation:
    canary = evaluations.evaluate(record, user)
    return Evaluation(
        key=record.flag,
        value=record.canary if canary else record.control,
        variant="canary" if canary else "control",
        reason="SPLIT" if 0 < record.percent < _ALL else "STATIC",
    )


def _user(body: EvaluationRequest) -> str | _Wrong:
    user = body.context.get("targetingKey")
    if user is None or user == "":
        return _Wrong(
            "TARGETING_KEY_MISSING", "expected `targetingKey` in the context: who is in the canary stays there"
        )
    if not isinstance(user, str) or len(user) > MAX_KEY:
        return _Wrong("INVALID_CONTEXT", f"expected `targetingKey` to be a text of at most {MAX_KEY} characters")
    return user


def _failure(key: str, code: str, details: str, *, status: int = _BAD) -> Answer:
    return Answer(body=EvaluationFailure(key=key, errorCode=code, errorDetails=details), status=status)


def _unread(path: Mapping[str, str], error: InvalidInput) -> Answer:
    if error.code == "path-parameter":
        return _failure(path["key"], "FLAG_NOT_FOUND", error.message, status=_UNKNOWN)
    return _failure(path["key"], "PARSE_ERROR", error.message)


def _unread_all(path: Mapping[str, str], error: InvalidInput) -> Answer:
    del path
    return Answer(body=EvaluationsFailure(errorCode="PARSE_ERROR", errorDetails=error.message), status=_BAD)


OPERATIONS = (
    Operation(
        name="evaluateFlag",
        method="POST",
        path="/ofrep/v1/evaluate/flags/{key}",
        scope=Scope.READ,
        summary="What a flag is for one user (OpenFeature OFREP).",
        run=_evaluate,
        body=EvaluationRequest,
        reply=Evaluation,
        joined=False,
        others={
            _BAD: ("The request cannot be read, or says not who is asking.", EvaluationFailure),
            _UNKNOWN: ("Nobody moved a flag of that name.", EvaluationFailure),
        },
        refused=_unread,
    ),
    Operation(
        name="evaluateFlags",
        method="POST",
        path="/ofrep/v1/evaluate/flags",
        scope=Scope.READ,
        summary="What every flag is for one user (OpenFeature OFREP).",
        run=_evaluate_all,
        body=EvaluationRequest,
        reply=BulkEvaluation,
        joined=False,
        query=(
            Query(
                name="flagConfigEtag", text="taken and not looked at: the answer is always the newest", kind="text"
            ),
            Query(name="flagConfigLastModified", text="likewise", kind="text"),
        ),
        others={
            _BAD: ("The request cannot be read, or says not who is asking.", EvaluationsFailure),
            _SAME: ("As in the answer whose ETag is in If-None-Match.", None),
        },
        refused=_unread_all,
    ),
)
