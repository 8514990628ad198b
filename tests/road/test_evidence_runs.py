"""Runs of producers on record: who may say that one began and ended, and what the change's lights make of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from interlock.core.change.change import Submission
from interlock.core.change.errors import Conflict, Forbidden, IllegalTransition, InvalidInput, NotFound
from interlock.core.change.parts import Artefact
from interlock.road import decide
from interlock.road.evidence_runs import RunEnd, RunOffer, begin, end, runs_about

OFFER = RunOffer(run="reh-1", producer="rehearsal", about="shop in staging", host="box", seconds=60.0)


@pytest.fixture
def change(road):
    part = Artefact(name="readme", digest=f"sha256:{'a' * 64}", media="file")
    return road.open(Submission(parts=(part,)))


def light(road, change):
    judged = decide.judge(road.station, road.person("ana"), change.id, "production")
    return next(each for each in judged.lights if each.fact == "rehearsal")


def test_a_run_is_seen_while_it_goes_on_and_its_end_is_in_the_ledger(road, change):
    assert light(road, change).state == "missing"
    run = begin(road.station, road.pipeline(), change.id, OFFER)
    assert (run.digest, run.by) == (change.digest, "pipeline:ci")
    assert (light(road, change).state, light(road, change).run) == ("running", "reh-1")
    over = end(road.station, road.pipeline(), "reh-1", RunEnd(ended="undecidable"))
    assert (over.ended, light(road, change).state) == ("undecidable", "undecidable")
    kinds = [entry.kind for _, entry in road.station.store.read(lambda tx: tx.log.entries(change.id))]
    assert kinds[-2:] == ["evidence.began", "evidence.ended"]
    assert [one.id for one in road.station.store.read(lambda tx: runs_about(tx, change.id))] == ["reh-1"]


def test_a_run_that_nobody_ends_is_lost_after_its_time_and_may_still_be_ended(road, change):
    begin(road.station, road.pipeline(), change.id, OFFER)
    road.clock.moment += timedelta(seconds=61)
    assert light(road, change).state == "lost"
    end(road.station, road.pipeline(), "reh-1", RunEnd(ended="dirty", left=("a flag is on",)))
    assert (light(road, change).state, light(road, change).why) == ("dirty", "a flag is on")
    end(road.station, road.pipeline(), "reh-1", RunEnd(ended="cancelled"))
    assert light(road, change).state == "cancelled"
    with pytest.raises(IllegalTransition):
        end(road.station, road.pipeline(), "reh-1", RunEnd(ended="passed"))


def test_who_may_begin_and_end_one(road, change):
    with pytest.raises(NotFound):
        begin(road.station, road.pipeline(), "chg-none", OFFER)
    with pytest.raises(InvalidInput, match="at most 86400 s"):
        begin(road.station, road.pipeline(), change.id, RunOffer(**{**vars_of(OFFER), "seconds": 1e6}))
    for name in ("", "a/b", "\x1b[31m", "R" * 9):
        with pytest.raises(InvalidInput, match="a run's name"):
            begin(road.station, road.pipeline(), change.id, RunOffer(**{**vars_of(OFFER), "run": name}))
    begin(road.station, road.pipeline(), change.id, OFFER)
    with pytest.raises(Conflict):
        begin(road.station, road.pipeline(), change.id, OFFER)
    with pytest.raises(Forbidden) as refused:
        end(road.station, road.agent("helper-bot"), "reh-1", RunEnd(ended="passed"))
    assert refused.value.code in {"evidence-run-not-yours", "scope-missing"}
    assert end(road.station, road.person("ana"), "reh-1", RunEnd(ended="cancelled")).ended == "cancelled"


def vars_of(offer):
    return {name: getattr(offer, name) for name in ("run", "producer", "about", "host", "seconds")}
