"""Counts: what a service counted itself, pushed each second. Kept beside the ledger, not in it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from interlock.core.approval.actor import Scope
from interlock.core.change.errors import InvalidInput, Unavailable
from interlock.core.rollout.samples import Sample, usable
from interlock.doors.api.surface import Answer, Call, Operation
from interlock.ports.counts import MOST_SAMPLES, Pushed

AHEAD_SECONDS = 60.0
_LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CountsRequest:
    """All cumulative counts of one source.

    ``sequence`` grows from push to push: milliseconds of the source's clock will do. ``at`` of each sample is in
    Unix seconds by the source's clock.
    """

    source: str
    sequence: int
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountsReply:
    """``kept`` is false where this source had pushed the same or a later one."""

    kept: bool


def _push(call: Call) -> Answer:
    wanted: CountsRequest = call.body
    _check(wanted, call.station.clock.now().timestamp())
    if call.station.counts is None:
        raise Unavailable(
            "expected a place for counts, got none",
            code="counts-unavailable",
            hint="push to interlock serve",
            plugin="storage",
        )
    pushed = Pushed(source=wanted.source, sequence=wanted.sequence, samples=wanted.samples)
    return Answer(body=CountsReply(kept=call.station.counts.put(call.path["service"], pushed)))


def _check(wanted: CountsRequest, now: float) -> None:
    if not 0 < len(wanted.source) <= _LONGEST or not wanted.source.isprintable():
        raise _refused(f"a name of at most {_LONGEST} characters as `source`", wanted.source)
    if not 0 <= wanted.sequence < 1 << 63:
        raise _refused("`sequence` from 0 to 2^63 − 1", wanted.sequence)
    if not 0 < len(wanted.samples) <= MOST_SAMPLES:
        raise _refused(f"1 to {MOST_SAMPLES} samples", len(wanted.samples))
    for sample in wanted.samples:
        names = (sample.metric, sample.shard, sample.since, *sample.above)
        if any(len(name) > _LONGEST or not name.isprintable() for name in names):
            raise _refused(f"names of at most {_LONGEST} characters", sample.metric)
        if usable(sample, tuple(sample.above)) is None or not math.isfinite(sample.at):
            raise _refused("counts of 0 or more", sample.value)
        if sample.at > now + AHEAD_SECONDS:
            raise _refused("samples of the past, in Unix seconds", sample.at)


def _refused(expected: str, got: object) -> InvalidInput:
    return InvalidInput(
        f"expected {expected}, got `{str(got)[:60]}`", code="counts-range", hint="correct what pushes these counts"
    )


OPERATIONS = (
    Operation(
        name="pushCounts",
        method="POST",
        path="/v1/services/{service}/counts",
        scope=Scope.EVIDENCE,
        summary="Push a source's cumulative counts for the meter `push`; idempotent by source and sequence.",
        run=_push,
        body=CountsRequest,
        reply=CountsReply,
        joined=False,
    ),
)
