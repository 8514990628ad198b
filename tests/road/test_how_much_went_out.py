"""How much of the traffic a ticket is for, when less went out before or the rules ask for less meanwhile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from interlock.core.change.canonical import sha256
from interlock.core.change.change import Submission
from interlock.core.change.gitlog import empty_tree
from interlock.core.change.parse import parse_json
from interlock.core.change.parts import DocumentVersion, FileChange, GitRange
from interlock.core.policy.modes import default_modes
from interlock.core.ticket.model import Ticket
from interlock.core.ticket.record import TicketRecord, TicketState
from interlock.road import permit, rules
from interlock.road.permit import GateResult
from interlock.road.void import void_in
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
    return Submission(parts=(replace(git, base=empty_tree("sha1"), files=files, documents=(written,)),))


def test_a_valid_ticket_for_more_than_the_rules_now_allow_is_voided_and_issued_anew(tmp_path: Path) -> None:
    road = Road(folder=tmp_path, enforced=())
    try:
        change = road.open(staged("a"))
        before = road.gate(change)
        assert weight_of(road, before) == 100
        files, wanted = road.rules_change({"policies/modes.yaml": default_modes(("canary-plan",)).encode()})
        git, *more = wanted.parts
        assert isinstance(git, GitRange)
        new = road.open(Submission(parts=(replace(git, base=empty_tree("sha1")), *more)))
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


def test_a_voided_ticket_does_not_forget_what_another_one_shipped(shipping: Any) -> None:
    """The attack: asked again after it was used, and once more where something is edited."""
    base = shipping.commit("one")
    shipping.git("switch", "-q", "-c", "feature")
    shipping.commit("two")
    change = shipping.open(base)
    first = shipping.allowed(shipping.gate(change))
    permit.redeem(shipping.road.station, shipping.road.pipeline(), str(first.ticket_id))
    second = shipping.allowed(shipping.gate(change))
    assert second.ticket_id != first.ticket_id
    (shipping.root / "two.txt").write_text("edited\n")
    assert [reason.id for reason in shipping.gate(change).reasons] == ["gate-dirty"]
    assert [tip.ticket for tip in shipping.tips().tips] == [first.ticket_id]


def test_when_all_is_voided_the_first_base_stays_where_a_range_begins(shipping: Any) -> None:
    base = shipping.commit("one")
    two = shipping.commit("two")
    result = shipping.allowed(shipping.ship(base))
    station, actor = shipping.road.station, shipping.road.person("ana")
    station.store.write(lambda tx: void_in(station, tx, actor, str(result.ticket_id), why="harm"))
    assert shipping.tips().tips == ()
    shipping.commit("three")
    again = shipping.ship(two)
    assert "all that was shipped was voided" in shipping.refused(again)
    assert again.reasons[0].remedy.endswith(f"--base {base[:12]}")
    shipping.allowed(shipping.ship(base))


def test_what_lies_on_a_first_stage_goes_out_no_wider_than_it(tmp_path: Path) -> None:
    """The attack: one note on top of a Tier-1 change, and both for everybody."""
    road = Road(folder=tmp_path, enforced=("canary-plan",))
    try:
        first = staged("a")
        (below,) = first.parts
        assert isinstance(below, GitRange)
        assert weight_of(road, road.gate(road.open(first))) == 1
        (note,) = submission("b", paths=("docs/page.md",)).parts
        assert isinstance(note, GitRange)
        on_top = replace(note, base=below.head)
        assert weight_of(road, road.gate(road.open(Submission(parts=(on_top,))))) == 1
        (next_one,) = submission("c", paths=("docs/page.md",)).parts
        assert isinstance(next_one, GitRange)
        later = replace(next_one, base=on_top.head)
        assert weight_of(road, road.gate(road.open(Submission(parts=(later,))))) == 1
        judged_whole = replace(next_one, base=empty_tree("sha1"), head_tree="d" * 40)
        assert weight_of(road, road.gate(road.open(Submission(parts=(judged_whole,))))) == 100
    finally:
        road.close()
