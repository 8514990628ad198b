"""Runs of producers: what is being looked at right now, and how the looking ended."""

from __future__ import annotations

from typing import cast, get_args

from interlock.core.approval.actor import Scope
from interlock.core.evidence.run import EvidenceRun, Producer
from interlock.doors.api.surface import Answer, Call, Operation, Query
from interlock.road import evidence_runs, intake
from interlock.road.evidence_runs import RunEnd, RunOffer


def _begin(call: Call) -> Answer:
    run = evidence_runs.begin(call.station, call.actor, call.path["change"], call.body)
    return Answer(body=run, status=201)


def _end(call: Call) -> Answer:
    return Answer(body=evidence_runs.end(call.station, call.actor, call.path["run"], call.body))


def _list(call: Call) -> Answer:
    change = intake.show(call.station, call.actor, call.path["change"]).id
    now = call.station.clock.now()
    found = call.station.store.read(lambda tx: evidence_runs.runs_about(tx, change))
    return Answer(body={"items": [run.at(now) for run in found], "next": None})


def _open(call: Call) -> Answer:
    call.actor.require(Scope.READ)
    now, producer = call.station.clock.now(), cast("Producer", call.query["producer"])
    found = call.station.store.read(lambda tx: evidence_runs.open_runs(tx, producer))
    return Answer(body={"items": [run.at(now) for run in found], "next": None})


OPERATIONS = (
    Operation(
        name="beginEvidenceRun",
        method="POST",
        path="/v1/changes/{change}/runs",
        scope=Scope.EVIDENCE,
        summary="Say that a producer of evidence begins to look at a change.",
        run=_begin,
        body=RunOffer,
        reply=EvidenceRun,
        status=201,
    ),
    Operation(
        name="listEvidenceRuns",
        method="GET",
        path="/v1/changes/{change}/runs",
        scope=Scope.READ,
        summary="All runs of producers on record for a change, oldest first.",
        run=_list,
        list_of=EvidenceRun,
    ),
    Operation(
        name="listOpenEvidenceRuns",
        method="GET",
        path="/v1/runs",
        scope=Scope.READ,
        summary="The runs of a producer that go on, are lost, or left something, oldest first.",
        run=_open,
        query=(Query(name="producer", text="whose runs", required=True, choices=get_args(Producer)),),
        list_of=EvidenceRun,
    ),
    Operation(
        name="endEvidenceRun",
        method="POST",
        path="/v1/runs/{run}/end",
        scope=Scope.EVIDENCE,
        summary="Say how a producer's run ended, and what it left.",
        run=_end,
        body=RunEnd,
        reply=EvidenceRun,
    ),
)
