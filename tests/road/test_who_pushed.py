"""Who writes a commit writes its author; a pipeline says who pushed it, and that cannot be taken back."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.change import Change
from interlock.core.change.errors import InvalidInput
from interlock.road import intake
from interlock.road.intake import OpenRequest
from interlock.testing.road import Road, submission

CI = Actor(principal="ci", kind="pipeline", scopes=frozenset({Scope.READ, Scope.OPEN, Scope.GATE}))


def opened(road: Road, *pushed_by: str, by: Actor = CI) -> Change:
    """What Ana wrote, with Omar's name in git."""
    request = OpenRequest(title="a", submission=submission("a", author="omar"), pushed_by=pushed_by)
    return intake.open_change(road.station, by, request)


def pushed(road: Road, change: Change, name: str, *pushed_by: str, by: Actor = CI) -> Change:
    return intake.push(
        road.station, by, change.id, submission(name, author="omar"), version=None, pushed_by=pushed_by
    )


def reasons(road: Road, change: Change) -> list[str]:
    return [reason.id for reason in road.gate(change).reasons]


def unknown(road: Road, change: Change) -> Any:
    found = [one for one in road.gate(change).reasons if one.id == "known-authors"]
    return found[0].text if found else None


def test_an_author_that_git_alone_names_does_not_let_the_writer_approve(road: Road) -> None:
    """The attack: Ana commits as Omar, the pipeline opens it, Ana and Ben approve."""
    change = opened(road)
    road.approve(change, "ana", "ben")
    assert "an unnamed person behind pipeline:ci" in unknown(road, change)


def test_whoever_pushed_is_an_author_by_the_account_of_the_catalog(road: Road) -> None:
    change = opened(road, "ana")
    road.approve(change, "ana", "ben")
    result = road.gate(change)
    assert "tier1-two-approvals" in [reason.id for reason in result.reasons]
    assert set(result.judgement.tally.authors) == {"ana", "omar"}


def test_a_push_by_the_author_needs_nothing_more(road: Road) -> None:
    change = opened(road, "omar")
    road.approve(change, "ana", "ben")
    assert reasons(road, change) == []


def test_an_account_that_nobody_has_is_an_unknown_author(road: Road) -> None:
    assert unknown(road, opened(road, "omar", "somebody-else")) == (
        "nobody knows which person wrote as somebody-else"
    )


def test_names_stay_over_all_pushes(road: Road) -> None:
    change = opened(road, "ana")
    change = pushed(road, change, "b", "omar")
    assert change.pushed_for == ("ana", "omar")
    road.approve(change, "ana", "ben")
    assert "tier1-two-approvals" in reasons(road, change)


@pytest.mark.parametrize("later", [(), ("omar",)], ids=["again nobody", "named later"])
def test_a_push_of_nobody_stays_unknown(road: Road, later: tuple[str, ...]) -> None:
    """Whoever made the first push is no better known for somebody else's second one."""
    change = pushed(road, opened(road), "b", *later)
    road.approve(change, "ana", "ben")
    assert "an unnamed person behind pipeline:ci" in unknown(road, change)


def test_a_later_push_of_nobody_counts_too(road: Road) -> None:
    change = pushed(road, opened(road, "omar"), "b")
    assert change.pushed_for == ("omar", "pipeline:ci")
    assert unknown(road, change) is not None


def test_a_person_who_opens_is_known_and_may_name_more(road: Road) -> None:
    change = opened(road, "cleo", by=road.person("omar"))
    assert change.pushed_for == ("cleo",)
    assert {"omar", "cleo"} <= set(road.gate(change).judgement.tally.authors)


def test_the_ledger_keeps_whose_push_it_was(road: Road) -> None:
    change = pushed(road, opened(road, "omar"), "b", "cleo")
    entries = road.station.store.read(lambda tx: tx.log.entries(change.id))
    told = [entry.body["pushed_for"] for _, entry in entries if entry.kind.startswith("change.")]
    assert told == [["omar"], ["omar", "cleo"]]


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 321, "pipeline:ci", "person:ana", "local:ana"])
def test_what_is_no_account_is_refused(road: Road, name: str) -> None:
    change = opened(road, "omar")
    for work in (lambda: opened(road, name), lambda: pushed(road, change, "b", name)):
        with pytest.raises(InvalidInput) as caught:
            work()
        assert caught.value.code == "pushed-by"


def test_more_accounts_than_a_change_has_is_refused(road: Road) -> None:
    with pytest.raises(InvalidInput) as caught:
        opened(road, *(f"account-{number}" for number in range(51)))
    assert caught.value.code == "pushed-by"
