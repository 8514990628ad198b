"""A checklist of a change that is going out: its stages, the version before, and what steps are told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.approval.actor import Actor
from interlock.core.audit.checklist_form import form_of
from interlock.core.audit.checklist_text import rendered
from interlock.core.change.errors import Forbidden, NotFound
from interlock.core.change.parts import Artefact
from interlock.core.ledger.entry import Entry
from interlock.core.rollout.record import RolloutRecord, RolloutState
from interlock.road.checklist import checklist
from interlock.testing.road import submission
from interlock.testing.rolling import Rolling
from interlock.testing.rollout import Arm, World


@pytest.fixture
def rolling(tmp_path):
    made = Rolling(tmp_path, world=World(rate=1000.0, control=Arm(), canary=Arm()))
    yield made
    made.close()


def of(rolling, change, *, by="ana"):
    return checklist(rolling.station, rolling.road.person(by), change.id, "production")


def test_stages_that_are_behind_it_are_ticked_by_the_rollout(rolling):
    change, ticket = rolling.change("a")
    [before] = of(rolling, change).canaries
    assert (before.rollout, before.passed) == ("", 0)
    rollout = rolling.started(rolling.start(change, ticket))
    rolling.run(rollout.id, until=lambda record: record.stage == 1)
    [under_way] = of(rolling, change).canaries
    assert (under_way.rollout, under_way.state, under_way.passed) == (rollout.id, "running", 1)
    text = rendered(of(rolling, change), form_of())
    stages = [line for line in text.splitlines() if " % for " in line]
    assert [line.startswith("- [x]") for line in stages] == [True, *[False] * (len(stages) - 1)]
    assert rollout.id in stages[0]


def test_the_way_back_names_the_version_before_and_what_it_is_pinned_to(rolling):
    first, ticket = rolling.change("a")
    rollout = rolling.started(rolling.start(first, ticket))
    rolling.station.store.write(lambda tx: _complete(rolling, tx, rollout))
    image = Artefact(
        name="shop/orders", digest="sha256:" + "2" * 64, media="oci-image", previous_digest="sha256:" + "1" * 64
    )
    second = rolling.road.open(submission("b", more=(image,)))
    found = of(rolling, second)
    [back] = found.ways_back
    assert back.command == ("interlock", "rollback", "order-service")
    assert back.previous == first.digest
    assert back.plan is not None
    assert f"ROLLOUT_PREVIOUS={first.digest}" in back.plan.lines[0]
    assert [line for line in back.plan.lines if line.endswith("# verifies it")]
    assert found.pins[0].startswith(f"commit {first.submission.parts[0].head} of {first.id}, {ticket}")
    assert found.pins[1] == "shop/orders@sha256:" + "1" * 64
    assert of(rolling, first).ways_back[0].previous == ""


def _complete(rolling, tx, rollout):
    done = replace(tx.records(RolloutRecord).get(rollout.id), state=RolloutState.COMPLETED, phase="over")
    tx.records(RolloutRecord).replace(replace(done, version=done.version + 1))
    tx.log.append(
        Entry(kind="rollout.completed", subject=rollout.id, actor="x", at=rolling.road.clock.now(), body={})
    )


def test_the_same_record_gives_the_same_page_whenever_it_is_asked_for(rolling):
    change, _ = rolling.change("a")
    first = rendered(of(rolling, change), form_of())
    rolling.world.pass_by(600.0)
    assert rendered(of(rolling, change, by="ben"), form_of()) == first


def test_nobody_without_a_right_to_read_sees_it_and_an_unknown_change_is_told(rolling):
    change, _ = rolling.change("a")
    nobody = Actor(principal="x", kind="person", scopes=frozenset())
    with pytest.raises(Forbidden):
        checklist(rolling.station, nobody, change.id, "production")
    with pytest.raises(NotFound):
        checklist(rolling.station, rolling.road.person("ana"), "chg-nothere", "production")
