"""Events become entries of a kind that nothing else has, or are refused before anything is recorded."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.errors import InvalidInput
from interlock.core.ledger.entry import MAX_LEAF
from interlock.core.ledger.event import MAX_BATCH, MAX_BATCH_BYTES, Event, event_entries

AGENT = Actor(principal="copilot", kind="agent", scopes=frozenset({Scope.RECORD}), token="tok-1")
NOW = datetime(2026, 3, 5, tzinfo=UTC)


def event(**changed) -> Event:
    return Event(**{"name": "deployment.applied", "subject": "chg-1", "said": {"ticket": "tkt-1"}} | changed)


def refused(*events: Event) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        event_entries(events, actor=AGENT, at=NOW)
    return caught.value


def test_an_event_says_who_spoke_and_keeps_their_words_apart():
    (entry,) = event_entries([event(said={"by": "ana", "kind": "ticket.issued"})], actor=AGENT, at=NOW)
    assert (entry.kind, entry.subject, entry.actor, entry.at) == (
        "event.deployment.applied",
        "chg-1",
        "copilot",
        NOW,
    )
    assert entry.body == {"by": "agent", "token": "tok-1", "said": {"by": "ana", "kind": "ticket.issued"}}


@pytest.mark.parametrize("name", ["", ".", "a.", ".a", "A", "a b", "a..b", "a_b", "ä", "a\n", "x" * 65])
def test_a_name_is_lowercase_words(name):
    assert refused(event(name=name)).code == "event-name"


def test_no_name_leads_out_of_the_events():
    for name in ("rules.activated", "ticket.issued", "gate.allowed"):
        (entry,) = event_entries([event(name=name)], actor=AGENT, at=NOW)
        assert entry.kind == f"event.{name}"


@pytest.mark.parametrize(
    "subject",
    ["", "a\nb", "\x00", "x" * 201, "\ud800", "tok-1a2b", "act-0000000001", "tkt-x", "sig-x", "evd-x", "shp-0f"],
)
def test_a_subject_is_a_change_or_a_line_of_text(subject):
    assert refused(event(subject=subject)).code == "event-subject"
    assert event_entries([event(subject="x" * 200), event(subject="tok-1a2b did it")], actor=AGENT, at=NOW)


def test_a_leaf_of_65535_bytes_is_taken_and_one_more_is_not():
    empty = len(event_entries([event(said={"x": ""})], actor=AGENT, at=NOW)[0].leaf())
    room = MAX_LEAF - empty
    (full,) = event_entries([event(said={"x": "y" * room})], actor=AGENT, at=NOW)
    assert len(full.leaf()) == MAX_LEAF
    refusal = refused(event(), event(said={"x": "y" * (room + 1)}))
    assert (refusal.code, "event 1" in refusal.message) == ("event-too-large", True)


def test_a_batch_has_1_to_256_events_and_a_mebibyte():
    assert refused().code == refused(*[event()] * (MAX_BATCH + 1)).code == "events-count"
    assert len(event_entries([event()] * MAX_BATCH, actor=AGENT, at=NOW)) == MAX_BATCH
    heavy = event(said={"x": "y" * 60_000})
    fit = MAX_BATCH_BYTES // len(event_entries([heavy], actor=AGENT, at=NOW)[0].leaf())
    assert len(event_entries([heavy] * fit, actor=AGENT, at=NOW)) == fit
    assert refused(*[heavy] * (fit + 1)).code == "event-too-large"
