"""What waits for a signature, what is void and what went through broken glass: told wherever a gate is asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from interlock.core.change.canonical import plain
from interlock.core.policy.decision import Outcome
from interlock.core.ticket.read import read_ticket
from interlock.doors.api.nouns import changes
from interlock.doors.api.nouns.gate import GateReply
from interlock.doors.api.nouns.judgements import shown
from interlock.doors.api.surface import Call
from interlock.doors.cli.screens import permit
from interlock.doors.cli.screens import ticket as ticket_screen
from interlock.road import decide
from interlock.road.permit import GateResult, redeem
from interlock.testing.road import Road, submission

GLASS = {"reason": "orders are lost"}
EXCEPTION = {"rule": "tier1-presence", "reason": "orders are lost"}


def sign(road: Road, change: Any, person: str, purpose: str, details: dict[str, str]) -> str:
    said = road.prepare(change, person, purpose=purpose, details=details)
    ends = said.issued_at + timedelta(minutes=30 if purpose == "break-glass" else 120)
    return road.hand_in(replace(said, expires_at=ends)).id


def as_json(result: GateResult) -> Any:
    reply = GateReply(
        outcome=result.outcome,
        reasons=result.reasons,
        judgement=shown(result.judgement),
        ticket_id=result.ticket_id,
        ticket=None if result.ticket is None else result.ticket.decode(),
    )
    return plain(reply)


@pytest.fixture
def forms(capsys, tmp_path) -> Callable[[Any], dict[str, str]]:
    """Every form of what the gate answered."""

    def all_of(result: GateResult) -> dict[str, str]:
        found = {}
        for form in ("text", "github", "gitlab", "json"):
            report = tmp_path / "report.xml"
            permit.show(
                as_json(result),
                form=form,
                everything=False,
                ticket_file=None,
                moved="",
                notes=(),
                report_file=str(report),
            )
            found[form] = " ".join(capsys.readouterr().out.split())
        found["gitlab"] = report.read_text()
        found["summary"] = permit.markdown(as_json(result))
        return found

    return all_of


def test_one_signature_of_two_is_told_with_who_may_sign_next(road: Road, forms) -> None:
    change = road.open(submission("a"))
    sign(road, change, "ben", "break-glass", GLASS)
    sign(road, change, "ana", "exception", EXCEPTION)
    result = road.gate(change)
    assert result.outcome is not Outcome.ALLOW
    told = {(one.kind, one.people, one.needed, one.may_sign) for one in result.judgement.pending}
    assert told == {
        ("break-glass", ("ben",), 2, ("ana", "cleo", "vera")),
        ("exception", ("ana",), 2, ("ben", "cleo", "vera")),
    }
    for form, text in forms(result).items():
        if form != "json":
            for told_too in ("break-glass", "1 of 2", "ana, cleo, vera may sign", "tier1-presence"):
                assert told_too in text, (form, told_too)
    asked = json.loads(json.dumps(as_json(result)))["judgement"]["pending"]
    assert [one["kind"] for one in asked] == ["exception", "break-glass"]
    assert as_json(result)["judgement"]["grants"] == []


def test_who_is_away_or_wrote_it_may_not_sign_next(road: Road) -> None:
    change = road.open(submission("a"))
    sign(road, change, "ben", "break-glass", GLASS)
    said = road.prepare(change, "cleo", purpose="absence", subject="cleo", answers={})
    road.hand_in(said)
    (one,) = decide.judge(road.station, road.person("ana"), change.id, "production").pending
    assert one.may_sign == ("ana", "vera")


def test_two_signatures_wait_for_nobody(road: Road, forms) -> None:
    change = road.open(submission("a"))
    for person in ("ana", "ben"):
        sign(road, change, person, "break-glass", GLASS)
    result = road.gate(change)
    assert result.judgement.pending == ()
    for form, text in forms(result).items():
        assert "ana, ben" in text or form == "json", form
        assert "orders are lost" in text, form
        assert "audit is due" in text or '"audit": true' in text, form


def test_a_ticket_tells_broken_glass_from_approvals(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "vera")
    for person in ("ana", "ben"):
        sign(road, change, person, "break-glass", GLASS)
    ticket = road.gate(change).ticket
    assert ticket is not None
    lines = ticket_screen.claim(read_ticket(ticket).ticket)
    assert "approved vera · written by omar" in [" ".join(line.split()) for line in lines]
    assert any(line.startswith("GLASS    broken by ana, ben") for line in lines)


def test_every_signature_that_does_not_count_is_told_with_its_reason(road: Road, forms) -> None:
    """An author's, one that has expired, one that a ticket used: nobody has to guess why it says 0 of 2."""
    change = road.open(submission("a"))
    road.approve(change, "omar", "ana", "ben")
    ticket = road.gate(change).ticket_id
    assert ticket is not None
    redeem(road.station, road.pipeline(), ticket)
    road.approve(change, "vera")
    road.clock.pass_by(days=4)
    road.approve(change, "omar")
    for form, text in forms(road.gate(change)).items():
        plainly = text.replace("\\", "")
        assert f"ana: used already, for {ticket}" in plainly or form == "json", form
        assert "vera: expired on 2026-03-0" in plainly or form == "json", form
        assert "omar: by an author: `omar` wrote" in plainly or form == "json", form
    other = road.open(submission("b"))
    sign(road, other, "omar", "break-glass", GLASS)
    assert "omar's break-glass: by an author" in forms(road.gate(other))["text"]


def test_whose_approval_counts_is_not_asked_again_and_who_is_away_is_named(road: Road) -> None:
    change = road.open(submission("a"))

    def asked() -> decide.Judgement:
        return decide.judge(road.station, road.person("ana"), change.id, "production")

    assert "ana" in {one.person for one in asked().proposals}
    assert asked().away == ()
    road.approve(change, "ana")
    assert "ana" not in {one.person for one in asked().proposals}
    for person in ("cleo", "vera"):
        road.hand_in(road.prepare(change, person, purpose="absence", subject=person, answers={}))
    assert [one.person for one in asked().proposals] == ["ben"]
    assert [one.person for one in asked().away] == ["cleo", "vera"]


def test_who_approved_other_content_is_asked_again(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ana")
    drifted = road.gate(change, submission("b"))
    assert "digest-drift" in {reason.id for reason in drifted.reasons}
    assert "ana" in {one.person for one in drifted.judgement.proposals}
    assert "ana" not in {one.person for one in road.gate(change).judgement.proposals}


def test_the_history_of_a_change_tells_of_its_tickets(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ana", "ben")
    ticket = road.gate(change).ticket_id
    assert ticket is not None
    redeem(road.station, road.pipeline(), ticket)
    (operation,) = [one for one in changes.OPERATIONS if one.name == "showHistory"]
    call = Call(station=road.station, actor=road.person("ana"), path={"change": change.id}, query={})
    body: Any = operation.run(call).body
    assert [(one.kind, one.subject) for one in body["items"] if one.subject != change.id] == [
        ("ticket.issued", ticket),
        ("ticket.redeemed", ticket),
    ]
    assert [one.index for one in body["items"]] == sorted(one.index for one in body["items"])
