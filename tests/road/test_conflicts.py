"""Which other changes stand in the way, and until when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.canonical import sha256
from interlock.core.change.change import Change, ChangeRecord, ChangeState, Submission
from interlock.core.change.errors import Forbidden, IllegalTransition
from interlock.core.change.parts import DocumentVersion, FileChange, GitRange
from interlock.core.policy.decision import Outcome
from interlock.road import intake, permit
from interlock.road.close import close
from interlock.testing.road import Road, submission


@pytest.fixture
def road(tmp_path: Path) -> Iterator[Road]:
    made = Road(folder=tmp_path, enforced=("conflicting-change",))
    yield made
    made.close()


def opened(road: Road, name: str, service: str) -> Change:
    path = "docs/page.md" if service == "email" else "src/promise.py"
    request = intake.OpenRequest(title=name, submission=submission(name, paths=(path,)), services=(service,))
    return intake.open_change(road.station, road.person("omar"), request)


def shipped(road: Road, change: Change) -> permit.GateResult:
    found = road.gate(change)
    assert found.ticket_id is not None, found.reasons
    permit.redeem(road.station, road.pipeline(), found.ticket_id)
    return found


def refused(road: Road, change: Change) -> bool:
    return "conflicting-change" in {reason.id for reason in road.gate(change).reasons}


def test_what_has_landed_stands_in_nobodys_way(road: Road) -> None:
    """A change whose ticket was used used to be in the way of every later one to that service, for good."""
    first = opened(road, "a", "email")
    shipped(road, first)
    second = opened(road, "b", "email")
    assert road.gate(second).outcome is Outcome.ALLOW


def test_a_ticket_that_was_not_used_has_landed_nothing(road: Road) -> None:
    first = opened(road, "a", "email")
    assert road.gate(first).outcome is Outcome.ALLOW
    assert refused(road, opened(road, "b", "email"))


def test_a_first_stage_is_still_under_way(tmp_path: Path) -> None:
    """One percent of the traffic is not landed."""
    road = Road(folder=tmp_path, enforced=("conflicting-change", "canary-plan"))
    try:
        request = intake.OpenRequest(title="a", submission=staged("a"), services=("order-service",))
        shipped(road, intake.open_change(road.station, road.person("omar"), request))
        assert refused(road, opened(road, "b", "order-service"))
    finally:
        road.close()


def staged(name: str) -> Submission:
    """A submission with a canary plan in its documentation."""
    (git,) = submission(name).parts
    assert isinstance(git, GitRange)
    text = "---\ncanary: {first_stage_percent: 1, bake_minutes: 15, metric: orders_total}\n---\n"
    written = DocumentVersion(path="change.md", commit=git.commits[0].id, digest=sha256(text.encode()), text=text)
    files = (FileChange(path="change.md", status="added", added=3, removed=0), *git.files)
    return Submission(parts=(replace(git, files=files, documents=(written,)),))


def test_it_has_landed_where_it_was_shipped_and_nowhere_else(road: Road) -> None:
    first = opened(road, "a", "email")
    shipped(road, first)
    second = opened(road, "b", "email")
    found = road.gate(second, environment="elsewhere")
    assert "conflicting-change" in {reason.id for reason in found.reasons}


def test_a_new_push_is_under_way_again(road: Road) -> None:
    first = opened(road, "a", "email")
    shipped(road, first)
    pushed = submission("c", paths=("docs/page.md",))
    intake.push(road.station, road.person("omar"), first.id, pushed, version=None)
    assert refused(road, opened(road, "b", "email"))


def closed(road: Road, change: Change, by: Actor | None = None) -> ChangeRecord:
    return close(road.station, by or road.person("omar"), change.id)


def test_a_closed_change_is_over_and_out_of_the_way(tmp_path: Path) -> None:
    """A first stage that nobody takes further is ended by those who brought it, or by the pipeline."""
    road = Road(folder=tmp_path, enforced=("conflicting-change", "canary-plan"))
    try:
        pipeline = Actor(principal="ci", kind="pipeline", scopes=frozenset({Scope.OPEN}))
        for name, by in (("a", road.person("omar")), ("b", pipeline)):
            change = opened(road, name, "email")
            shipped(road, change)
            assert closed(road, change, by).state is ChangeState.CLOSED
            with pytest.raises(IllegalTransition):
                closed(road, change)
            assert "change-over" in {reason.id for reason in road.gate(change).reasons}
    finally:
        road.close()


def test_only_what_went_out_is_closed(road: Road) -> None:
    change = opened(road, "a", "email")
    with pytest.raises(IllegalTransition) as never:
        closed(road, change)
    road.gate(change)
    with pytest.raises(IllegalTransition) as in_force:
        closed(road, change)
    assert (never.value.code, in_force.value.code) == ("change-state", "ticket-in-force")
    road.clock.pass_by(minutes=16)
    with pytest.raises(IllegalTransition) as unused:
        closed(road, change)
    assert unused.value.code == "change-not-landed"


def test_a_stranger_closes_nothing(road: Road) -> None:
    change = opened(road, "a", "email")
    shipped(road, change)
    stranger = Actor(principal="cleo", kind="person", scopes=frozenset({Scope.OPEN}))
    with pytest.raises(Forbidden) as refused:
        closed(road, change, stranger)
    assert refused.value.code == "change-not-yours"
