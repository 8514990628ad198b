"""How much of the traffic a ticket is for, when less went out before or the rules ask for less meanwhile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from interlock.core.change.canonical import sha256
from interlock.core.change.change import Submission
from interlock.core.change.parse import parse_json
from interlock.core.change.parts import DocumentVersion, FileChange, GitRange
from interlock.core.policy.modes import default_modes
from interlock.core.ticket.model import Ticket
from interlock.core.ticket.record import TicketRecord, TicketState
from interlock.road import rules
from interlock.road.permit import GateResult
from interlock.testing.road import Road, submission

PLAN = "---\ncanary: {first_stage_percent: 1, bake_minutes: 15, metric: orders_total}\n---\n"


def weight_of(road: Road, result: GateResult) -> float:
    assert result.ticket_id is not None, result.reasons
    name = result.ticket_id
    blob = road.station.store.read(lambda tx: tx.blob(tx.records(TicketRecord).get(name).blob))
    return parse_json(Ticket, blob, what="a ticket").max_weight


def staged(name: str) -> Submission:
    """A Tier-1 submission with a canary plan in its documentation."""
    (git,) = submission(name).parts
    assert isinstance(git, GitRange)
    written = DocumentVersion(path="change.md", commit=git.commits[0].id, digest=sha256(PLAN.encode()), text=PLAN)
    files = (FileChange(path="change.md", status="added", added=3, removed=0), *git.files)
    return Submission(parts=(replace(git, files=files, documents=(written,)),))


def test_a_valid_ticket_for_more_than_the_rules_now_allow_is_voided_and_issued_anew(tmp_path: Path) -> None:
    road = Road(folder=tmp_path, enforced=())
    try:
        change = road.open(staged("a"))
        before = road.gate(change)
        assert weight_of(road, before) == 100
        files, wanted = road.rules_change({"policies/modes.yaml": default_modes(("canary-plan",)).encode()})
        new = road.open(wanted)
        road.approve(new, "ana", "ben")
        ticket = road.gate(new).ticket_id
        assert ticket is not None
        rules.activate(road.station, road.person("ana"), files, ticket)
        after = road.gate(change)
        assert weight_of(road, after) == 1
        assert after.ticket_id != before.ticket_id
        first = road.station.store.read(lambda tx: tx.records(TicketRecord).get(str(before.ticket_id)))
        assert (first.state, first.why) == (TicketState.VOIDED, "at most 1 % may go now")
        assert road.gate(change).ticket_id == after.ticket_id, "a ticket for what may go stays the answer"
    finally:
        road.close()
