"""The base is not the opener's to choose: the ways in which teams ship, on real git, and ways round them."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from interlock.core.change.canonical import canonical, sha256
from interlock.core.change.change import Change, Submission
from interlock.core.change.errors import IntegrityError, InvalidInput
from interlock.core.change.parts import Artefact
from interlock.core.ticket.shipped import MAX_TIPS, place_id
from interlock.road import permit
from interlock.road.permit import Offer
from interlock.road.void import void_in


def test_trunk_based_each_merge_begins_at_the_one_before(shipping: Any) -> None:
    first = shipping.commit("one")
    shipping.allowed(shipping.ship())
    for name in ("two", "three"):
        shipping.git("switch", "-q", "-c", name)
        shipping.commit(name)
        shipping.git("switch", "-q", "main")
        head = shipping.merge(name)
        assert shipping.default_base() == first
        shipping.allowed(shipping.ship())
        first = head


def test_what_lies_before_the_chosen_base_is_named_and_refused(shipping: Any) -> None:
    """The attack: a commit that empties a setting, a note behind it, a change that begins between them."""
    shipped = shipping.commit("one")
    shipping.allowed(shipping.ship())
    evil = shipping.commit("evil", "max_days: null\n")
    shipping.commit("note")
    result = shipping.ship(base=evil)
    assert (
        shipping.refused(result)
        == f"1 commit since what was shipped would go out unjudged, before base {evil[:12]}: {evil[:12]} evil"
    )
    assert result.reasons[0].remedy == f"judge them too: interlock change push CHANGE --base {shipped[:12]}"
    assert result.reasons[0].facts["named"] == [f"{evil[:12]} evil"]
    shipping.allowed(shipping.ship(base=shipped))


def test_a_base_older_than_what_was_shipped_is_whole(shipping: Any) -> None:
    oldest = shipping.commit("one")
    shipping.commit("two")
    shipping.allowed(shipping.ship("ROOT"))
    shipping.commit("three")
    shipping.allowed(shipping.ship(oldest))


def test_a_range_from_nothing_is_whole(shipping: Any) -> None:
    shipping.commit("one")
    shipping.allowed(shipping.ship("ROOT"))
    shipping.commit("two")
    shipping.commit("three")
    shipping.allowed(shipping.ship("ROOT"))


def test_a_pull_request_that_shipped_before_its_merge(shipping: Any) -> None:
    """Its merge commit has another id and the same tree: the next branch may begin there."""
    shipping.commit("one")
    shipping.allowed(shipping.ship())
    shipping.git("switch", "-q", "-c", "feature")
    head = shipping.commit("feature")
    shipping.allowed(shipping.ship())
    shipping.git("switch", "-q", "main")
    merged = shipping.merge("feature")
    shipping.git("switch", "-q", "-c", "next")
    shipping.commit("next")
    assert shipping.default_base() == head
    shipping.allowed(shipping.ship(merged))


@pytest.mark.parametrize("gone", [False, True], ids=["branch kept", "branch deleted"])
def test_a_squashed_merge_is_no_new_content(shipping: Any, *, gone: bool) -> None:
    shipping.commit("one")
    shipping.allowed(shipping.ship())
    shipping.git("switch", "-q", "-c", "feature")
    shipping.commit("feature")
    shipping.commit("feature more")
    shipping.allowed(shipping.ship())
    shipping.git("switch", "-q", "main")
    squashed = shipping.merge("feature", "--squash")
    if gone:
        shipping.git("branch", "-q", "-D", "feature")
        shipping.git("reflog", "expire", "--expire=now", "--all")
        shipping.git("gc", "-q", "--prune=now")
    shipping.commit("next")
    assert shipping.default_base() in {squashed, shipping.git("rev-parse", "HEAD~2")}
    shipping.allowed(shipping.ship(squashed))


def test_a_squashed_merge_with_something_slipped_in_is_refused(shipping: Any) -> None:
    shipping.commit("one")
    shipping.allowed(shipping.ship())
    shipping.git("switch", "-q", "-c", "feature")
    shipping.commit("feature")
    shipping.allowed(shipping.ship())
    shipping.git("switch", "-q", "main")
    shipping.git("merge", "-q", "--squash", "feature")
    slipped = shipping.commit("slipped in")
    shipping.commit("next")
    assert f"{slipped[:12]} slipped in" in shipping.refused(shipping.ship(slipped))


def test_a_rebased_branch_that_shipped_may_be_begun_at(shipping: Any) -> None:
    shipping.commit("one")
    shipping.allowed(shipping.ship())
    shipping.git("switch", "-q", "-c", "feature")
    shipping.commit("feature")
    shipping.allowed(shipping.ship())
    shipping.git("commit", "-q", "--amend", "-m", "the same again")
    again = shipping.git("rev-parse", "HEAD")
    shipping.commit("next")
    shipping.allowed(shipping.ship(again))


def test_a_hotfix_from_an_older_release_then_the_trunk_again(shipping: Any) -> None:
    release = shipping.commit("one")
    shipping.allowed(shipping.ship())
    trunk = shipping.commit("two")
    shipping.allowed(shipping.ship())
    shipping.git("switch", "-q", "-c", "hotfix", release)
    fixed = shipping.commit("hotfix")
    result = shipping.ship(release)
    assert [reason.id for reason in result.reasons] == ["takes-back"]
    change = shipping.tips().tips[-1].change
    last = f"{trunk[:12]} ({change})"
    assert result.reasons[0].text == f"1 file of what went out last, {last}, would be taken back unjudged: two.txt"
    assert result.reasons[0].remedy.endswith(f"interlock change push CHANGE --base tree:{trunk[:12]}")
    opened = shipping.open(f"tree:{trunk}")
    shown = {file.path: file.status for file in opened.submission.parts[0].files}
    assert shown == {"hotfix.txt": "added", "two.txt": "deleted"}
    shipping.allowed(shipping.gate(opened))
    shipping.git("switch", "-q", "main")
    shipping.commit("three")
    without = shipping.ship(trunk)
    assert [reason.facts["named"] for reason in without.reasons] == [["hotfix.txt", "two.txt"]]
    shipping.git("merge", "-q", "-m", "the hotfix too", fixed)
    assert shipping.default_base() == fixed
    shipping.allowed(shipping.ship())


def test_going_back_through_the_gate(shipping: Any) -> None:
    """An older head takes back what came after it: the range says so, from what is out there to the older head."""
    release = shipping.commit("one")
    shipping.commit("two")
    shipping.allowed(shipping.ship("ROOT"))
    newest = shipping.commit("three")
    shipping.allowed(shipping.ship())
    shipping.git("switch", "-q", "--detach", "HEAD^")
    assert [reason.id for reason in shipping.ship(release).reasons] == ["takes-back"]
    opened = shipping.open(f"tree:{newest}")
    assert [(file.path, file.status) for file in opened.submission.parts[0].files] == [("three.txt", "deleted")]
    shipping.allowed(shipping.gate(opened))


def test_two_services_of_one_repository_share_what_went_out(shipping: Any) -> None:
    """Whatever the repository holds was judged with all services that it touches, whichever was deployed."""
    shipping.commit("one")
    shipping.allowed(shipping.ship())
    shipping.commit("cart")
    shipping.allowed(shipping.ship())
    orders = shipping.commit("orders")
    shipping.commit("orders more")
    assert "1 commit since" in shipping.refused(shipping.ship(orders))


def test_a_first_range_is_compared_with_the_trunk(shipping: Any) -> None:
    given = shipping.commit("one")
    shipping.git("switch", "-q", "-c", "feature")
    evil = shipping.commit("evil")
    shipping.commit("note")
    text = shipping.refused(shipping.ship(evil))
    assert text == f"1 commit since `main` would go out unjudged, before base {evil[:12]}: {evil[:12]} evil"
    shipping.allowed(shipping.ship(given))


def test_what_the_trunk_has_at_the_first_time_is_taken_as_given_and_the_ledger_says_so(shipping: Any) -> None:
    shipping.commit("one")
    base = shipping.commit("two")
    shipping.commit("three")
    said = []
    for _ in range(2):
        change = shipping.open(base)
        shipping.allowed(shipping.gate(change))
        entries = shipping.road.station.store.read(lambda tx, name=change.id: tx.log.entries(name))
        said += [entry.body for _, entry in entries if entry.kind == "gate.allowed"]
        base = shipping.git("rev-parse", "HEAD")
        shipping.commit("more")
    assert [body["taken_as_given"] for body in said] == [True, False]
    assert [body["begins"] for body in said] == [
        [shipping.git("rev-parse", name)] for name in ("HEAD~3", "HEAD~2")
    ]


def test_a_shallow_clone_is_an_error_and_no_answer(shipping: Any, tmp_path: Path) -> None:
    shipping.commit("one")
    shipping.allowed(shipping.ship())
    for name in ("two", "three", "four"):
        shipping.commit(name)
    copy = tmp_path / "shallow"
    shipping.git("clone", "-q", "--depth", "2", f"file://{shipping.root}", os.fspath(copy))
    submission = shipping.read("HEAD^")
    with pytest.raises(InvalidInput) as caught:
        shipping.checkout(submission, copy)
    assert caught.value.code == "git-shallow"
    assert "--unshallow" in caught.value.hint


def test_a_trunk_that_was_forced_elsewhere_leaves_everything_open(shipping: Any) -> None:
    shipping.commit("one")
    shipping.allowed(shipping.ship())
    shipping.git("switch", "-q", "--orphan", "elsewhere")
    base = shipping.commit("other one")
    shipping.commit("other two")
    shipping.git("branch", "-q", "-D", "main")
    shipping.git("reflog", "expire", "--expire=now", "--all")
    shipping.git("gc", "-q", "--prune=now")
    result = shipping.ship(base)
    assert "other one" in shipping.refused(result)
    assert result.reasons[0].remedy.endswith("--base ROOT")
    shipping.allowed(shipping.ship("ROOT"))


def test_a_voided_ticket_shipped_nothing(shipping: Any) -> None:
    shipping.commit("one")
    shipping.allowed(shipping.ship())
    two = shipping.commit("two")
    result = shipping.allowed(shipping.ship())
    station, actor = shipping.road.station, shipping.road.person("ana")
    station.store.write(lambda tx: void_in(station, tx, actor, str(result.ticket_id), why="harm"))
    shipping.commit("three")
    assert f"{two[:12]} two" in shipping.refused(shipping.ship(two))
    assert shipping.default_base() == shipping.git("rev-parse", "HEAD~2")


def test_a_refusal_ships_nothing(shipping: Any) -> None:
    shipping.commit("one")
    shipping.allowed(shipping.ship())
    before = shipping.tips()
    evil = shipping.commit("evil")
    shipping.commit("note")
    shipping.refused(shipping.ship(evil))
    assert shipping.tips() == before


def test_a_change_without_a_range_is_no_way_round(shipping: Any) -> None:
    """A repository that ships through the gate does not ship new commits beside an artefact."""
    shipping.commit("one")
    shipping.allowed(shipping.ship())
    part = Artefact(name="readme", digest=f"sha256:{'a' * 64}", media="file")
    change = shipping.road.open(Submission(parts=(part,)))
    shipping.allowed(shipping.gate(change))
    evil = shipping.commit("evil")
    assert f"{evil[:12]} evil" in shipping.refused(shipping.gate(change))


def test_an_environment_that_is_no_production_is_not_asked(shipping: Any) -> None:
    shipping.commit("one")
    shipping.allowed(shipping.ship())
    two = shipping.commit("two")
    shipping.commit("three")
    change = shipping.open(two)
    shipping.allowed(shipping.gate(change, "staging"))
    assert "two" in shipping.refused(shipping.gate(change)), "what went to staging did not go to production"


def test_edits_that_are_in_no_commit_are_named_and_refused(shipping: Any) -> None:
    """The attack: the range is honest, and a Tier-1 setting is emptied in the folder that is deployed."""
    shipping.commit("one")
    change = shipping.open("ROOT")
    (shipping.root / "one.txt").write_text("max_days: null\n")
    shipping.git("update-index", "--assume-unchanged", "one.txt")
    (shipping.root / "stray.txt").write_text("not judged\n")
    result = shipping.gate(change)
    assert [reason.id for reason in result.reasons] == ["gate-dirty"]
    assert result.reasons[0].text == "the checkout holds edits that are in no commit: one.txt"
    shipping.git("update-index", "--no-assume-unchanged", "one.txt")
    shipping.git("checkout", "-q", "--", "one.txt")
    shipping.allowed(shipping.gate(change))


def test_edits_are_refused_in_every_environment_and_whoever_tells_of_them(shipping: Any) -> None:
    shipping.commit("one")
    change = shipping.open("ROOT")
    (shipping.root / "one.txt").write_text("edited\n")
    offer = Offer(
        environment="staging", submission=change.submission, checkout=shipping.checkout(change.submission)
    )
    result = permit.gate(shipping.road.station, shipping.road.person("omar"), change.id, offer)
    assert "gate-dirty" in [reason.id for reason in result.reasons]


class TestWhatIsTold:
    """The pipeline tells of its checkout; a telling that does not fit is none."""

    @pytest.fixture
    def later(self, shipping: Any) -> Change:
        shipping.commit("one")
        shipping.allowed(shipping.ship())
        evil = shipping.commit("evil")
        shipping.commit("note")
        return shipping.open(evil)

    def test_nothing_told(self, shipping: Any, later: Change) -> None:
        assert "nothing shows" in shipping.refused(shipping.road.gate(later))

    def test_other_heads(self, shipping: Any, later: Change) -> None:
        told = replace(shipping.checkout(later.submission), heads=("f" * 40,), left_out=(), left_out_count=0)
        assert "nothing shows" in shipping.refused(shipping.road.gate(later, checkout=told))

    def test_other_bases(self, shipping: Any, later: Change) -> None:
        told = replace(shipping.checkout(later.submission), bases=("f" * 40,), left_out=(), left_out_count=0)
        assert "nothing shows" in shipping.refused(shipping.road.gate(later, checkout=told))

    def test_by_the_opener(self, shipping: Any, later: Change) -> None:
        told = replace(shipping.checkout(later.submission), left_out=(), left_out_count=0)
        offer = Offer(submission=later.submission, checkout=told)
        result = permit.gate(shipping.road.station, shipping.road.person("omar"), later.id, offer)
        assert {"base-not-shipped", "not-read-again"} <= {reason.id for reason in result.reasons}

    def test_by_digest_alone(self, shipping: Any, later: Change) -> None:
        actor = shipping.road.pipeline()
        result = permit.gate(shipping.road.station, actor, later.id, Offer(digest=later.digest))
        assert "base-not-shipped" in [reason.id for reason in result.reasons]

    @pytest.mark.parametrize(
        "wrong",
        [
            {"left_out_count": -1},
            {"edited": ("a",), "edited_count": 0},
            {"untracked": ("a",) * 101, "untracked_count": 101},
            {"repository": "x" * 1_001},
        ],
        ids=lambda wrong: next(iter(wrong)),
    )
    def test_without_measure(self, shipping: Any, later: Change, wrong: dict[str, object]) -> None:
        told = replace(shipping.checkout(later.submission), **wrong)  # type: ignore[arg-type]  # fields by name
        with pytest.raises(InvalidInput) as caught:
            shipping.road.gate(later, checkout=told)
        assert caught.value.code == "offer-checkout"


def test_a_record_that_was_edited_decides_nothing(shipping: Any) -> None:
    shipping.commit("one")
    shipping.allowed(shipping.ship())
    evil = shipping.commit("evil")
    shipping.commit("note")
    change = shipping.open(evil)
    before = shipping.tips()
    forged = replace(before, tips=(replace(before.tips[0], head=evil),))
    text = canonical(forged)
    with sqlite3.connect(shipping.road.database.removeprefix("sqlite:///")) as connection:
        edit = "UPDATE shipped SET body = ?, body_digest = ? WHERE id = ?"
        assert connection.execute(edit, (text.decode(), sha256(text), forged.id)).rowcount == 1
    with pytest.raises(IntegrityError) as caught:
        shipping.gate(change)
    assert caught.value.code == "record-unvouched"


def test_only_the_newest_heads_are_kept(shipping: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_TIPS == 20
    monkeypatch.setattr("interlock.core.ticket.shipped.MAX_TIPS", 4)
    shipping.commit("one")
    for number in range(4 + 2):
        shipping.allowed(shipping.ship())
        shipping.commit(f"more {number}")
    found = shipping.tips()
    assert len(found.tips) == 4
    assert found.id == place_id(found.repository, "production")
    shipping.allowed(shipping.ship())
