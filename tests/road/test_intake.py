"""A change becomes one record, and every push to it a revision."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.change.errors import Conflict, Forbidden, IllegalTransition, InvalidInput, NotFound
from interlock.ports.store import Page
from interlock.road import decide, intake, permit
from interlock.testing.road import Road, submission


def entries(road: Road, subject: str) -> list[str]:
    return [entry.kind for _, entry in road.station.store.read(lambda tx: tx.log.entries(subject))]


def test_the_record_names_what_it_touches_and_whom_to_ask(road: Road) -> None:
    change = road.open(submission("a"))
    assert change.services == ("order-service",)
    assert {"ana", "ben"} <= set(change.reviewers)
    assert "omar" not in change.reviewers
    assert entries(road, change.id) == ["change.opened"]


def test_the_same_content_is_refused_while_it_is_open(road: Road) -> None:
    first = road.open(submission("a"))
    with pytest.raises(Conflict) as refused:
        road.open(submission("a"), by=road.person("cleo"))
    assert refused.value.code == "change-exists"
    assert first.id in refused.value.message


def test_withdrawn_content_may_come_again(road: Road) -> None:
    first = road.open(submission("a"))
    intake.withdraw(road.station, road.person("omar"), first.id)
    assert road.open(submission("a")).id != first.id


def test_a_withdrawn_change_takes_no_push(road: Road) -> None:
    change = road.open(submission("a"))
    intake.withdraw(road.station, road.person("omar"), change.id)
    with pytest.raises(IllegalTransition):
        intake.push(road.station, road.person("omar"), change.id, submission("b"), version=None)
    assert entries(road, change.id) == ["change.opened", "change.withdrawn"]


def test_a_push_from_an_older_version_conflicts_and_leaves_no_trace(road: Road) -> None:
    change = road.open(submission("a"))
    intake.push(road.station, road.person("omar"), change.id, submission("b"), version=change.version)
    with pytest.raises(Conflict) as refused:
        intake.push(road.station, road.person("omar"), change.id, submission("c"), version=change.version)
    assert refused.value.code == "version-stale"
    assert entries(road, change.id) == ["change.opened", "change.pushed"]


def test_an_unknown_change_is_said_to_be_unknown(road: Road) -> None:
    with pytest.raises(NotFound):
        intake.show(road.station, road.person("omar"), "chg-none")


@pytest.mark.parametrize("title", ["", "   ", "x" * 201, "two\nlines", "\x1b[31mred"])
def test_a_title_is_one_printable_line(road: Road, title: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        road.open(submission("a"), title=title)
    assert refused.value.code == "change-title"


def test_a_service_the_catalog_does_not_have_is_refused_with_the_nearest(road: Road) -> None:
    request = intake.OpenRequest(title="x", submission=submission("a"), services=("order-servise",))
    with pytest.raises(InvalidInput) as refused:
        intake.open_change(road.station, road.person("omar"), request)
    assert "did you mean `order-service`" in refused.value.message


def test_an_emergency_says_why_and_nothing_else_does(road: Road) -> None:
    request = intake.OpenRequest(title="x", submission=submission("a"), change_class="emergency")
    for wrong in (request, replace(request, change_class="normal", emergency_reason="fire")):
        with pytest.raises(InvalidInput) as refused:
            intake.open_change(road.station, road.person("omar"), wrong)
        assert refused.value.code == "change-emergency"


def test_an_agent_nobody_registered_opens_nothing(road: Road) -> None:
    with pytest.raises(Forbidden) as refused:
        road.open(submission("a"), by=road.agent("stranger"))
    assert refused.value.code == "agent-unregistered"


def test_a_listing_is_newest_first_and_pages(road: Road) -> None:
    made = [road.open(submission(name)).id for name in "abc"]
    first = intake.listing(road.station, road.person("omar"), Page(limit=2))
    rest = intake.listing(road.station, road.person("omar"), Page(limit=2, after=first[-1].id))
    assert [change.id for change in (*first, *rest)] == made[::-1]


def test_load_follows_open_reviews(road: Road) -> None:
    """Whoever has the most open reviews is not asked first again and again."""
    for number in range(6):
        change = road.open(submission(f"n{number}"))
    busy = change.reviewers
    assert len(set(busy)) == len(busy)
    assert len(busy) >= 2


@pytest.mark.parametrize("environment", ["", "x" * 201, "prod\x1b[2J"])
def test_an_environment_has_a_short_name_wherever_it_is_asked_for(road: Road, environment: str) -> None:
    change, asker = road.open(submission("a")), road.pipeline()
    offer = permit.Offer(environment=environment, digest=change.digest)
    request = decide.CheckRequest(submission=submission("b"), environment=environment)
    for ask in (
        lambda: permit.gate(road.station, asker, change.id, offer),
        lambda: decide.judge(road.station, asker, change.id, environment),
        lambda: decide.check(road.station, asker, request),
    ):
        with pytest.raises(InvalidInput) as refused:
            ask()
        assert refused.value.code == "environment-name"
    assert entries(road, change.id) == ["change.opened"]
