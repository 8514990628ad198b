"""The base is not the opener's to choose: the ways in which teams ship, on real git, and ways round them."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from interlock.core.approval.actor import Actor
from interlock.core.change.canonical import canonical, sha256
from interlock.core.change.change import Change, Submission
from interlock.core.change.errors import IntegrityError, InvalidInput
from interlock.core.change.parts import Artefact, GitRange
from interlock.core.ticket.shipped import MAX_TIPS, Checkout, Shipped, place_id
from interlock.plugins.readers.checkout import beginning, survey
from interlock.plugins.readers.git import GitReader
from interlock.ports.reader import ReadRequest
from interlock.road import permit
from interlock.road.permit import GateResult, Offer
from interlock.road.shipped import show_shipped
from interlock.road.void import void_in
from interlock.testing.road import Road

ORIGIN = "https://forge.example/shop"


class Shipping:
    """A repository, and the road that its commits go out by. Each ``ship`` is a pipeline's run in a checkout."""

    def __init__(self, road: Road, root: Path) -> None:
        self.road = road
        self.root = root
        root.mkdir()
        self._minute = 0
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", ORIGIN)

    def git(self, *arguments: str) -> str:
        moment = f"2026-03-05T0{self._minute // 60}:{self._minute % 60:02d}:00Z"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "Omar",
            "GIT_AUTHOR_EMAIL": "omar@shop.example",
            "GIT_COMMITTER_NAME": "Omar",
            "GIT_COMMITTER_EMAIL": "omar@shop.example",
            "GIT_AUTHOR_DATE": moment,
            "GIT_COMMITTER_DATE": moment,
        }
        command = ["git", "-C", os.fspath(self.root), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().strip()

    def commit(self, name: str, text: str = "") -> str:
        self._minute += 1
        (self.root / f"{name}.txt").write_text(text or f"{name} {self._minute}\n")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", name)
        return self.git("rev-parse", "HEAD")

    def merge(self, branch: str, *how: str) -> str:
        self._minute += 1
        self.git("merge", "-q", *(how or ("--no-ff", "-m", f"merge {branch}")), branch)
        if how:
            self.git("commit", "-q", "-m", f"squash {branch}")
        return self.git("rev-parse", "HEAD")

    def tips(self, environment: str = "production") -> Shipped:
        return show_shipped(self.road.station, self.road.pipeline(), self._repository(), environment)

    def default_base(self) -> str | None:
        return beginning(self.root, self.tips().tips)

    def read(self, base: str, path: Path | None = None) -> Submission:
        reading = GitReader().read(ReadRequest(root=path or self.root, arguments={"base": base, "head": "HEAD"}))
        assert reading is not None
        return Submission(parts=(reading.part,))

    def open(self, base: str) -> Change:
        return self.road.open(self.read(base), title=f"from {base[:12]}")

    def checkout(self, submission: Submission, path: Path | None = None) -> Checkout:
        bases = [part.base for part in submission.parts if isinstance(part, GitRange)]
        found = survey(path or self.root, bases, self.tips().tips, ("main",))
        assert found is not None
        return found

    def gate(self, change: Change, environment: str = "production") -> GateResult:
        checkout = self.checkout(change.submission)
        return self.road.gate(change, checkout=checkout, environment=environment)

    def ship(self, base: str | None = None) -> GateResult:
        """Open what is checked out, beginning where it begins by itself, and ask the gate."""
        return self.gate(self.open(base or self.default_base() or "ROOT"))

    def _repository(self) -> str:
        part = self.read("ROOT").parts[0]
        assert isinstance(part, GitRange)
        return part.repository


@pytest.fixture
def shipping(tmp_path: Path) -> Iterator[Shipping]:
    (tmp_path / "shop").mkdir()
    road = Road(folder=tmp_path / "shop", enforced=())
    made = Shipping(road, tmp_path / "repository")
    yield made
    road.close()


def allowed(result: GateResult) -> GateResult:
    assert (result.outcome, result.reasons) == ("allow", ())
    return result


def refused(result: GateResult) -> str:
    assert (result.outcome, result.ticket) == ("deny", None)
    assert [reason.id for reason in result.reasons] == ["base-not-shipped"]
    return result.reasons[0].text


def test_trunk_based_each_merge_begins_at_the_one_before(shipping: Shipping) -> None:
    first = shipping.commit("one")
    allowed(shipping.ship())
    for name in ("two", "three"):
        shipping.git("switch", "-q", "-c", name)
        shipping.commit(name)
        shipping.git("switch", "-q", "main")
        head = shipping.merge(name)
        assert shipping.default_base() == first
        allowed(shipping.ship())
        first = head


def test_what_lies_before_the_chosen_base_is_named_and_refused(shipping: Shipping) -> None:
    """The attack: a commit that empties a setting, a note behind it, a change that begins between them."""
    shipped = shipping.commit("one")
    allowed(shipping.ship())
    evil = shipping.commit("evil", "max_days: null\n")
    shipping.commit("note")
    result = shipping.ship(base=evil)
    assert (
        refused(result)
        == f"1 commit since what was shipped would go out unjudged, before base {evil[:12]}: {evil[:12]} evil"
    )
    assert result.reasons[0].remedy == f"judge them too: interlock change push CHANGE --base {shipped[:12]}"
    assert result.reasons[0].facts["named"] == [f"{evil[:12]} evil"]
    allowed(shipping.ship(base=shipped))


def test_a_base_older_than_what_was_shipped_is_whole(shipping: Shipping) -> None:
    oldest = shipping.commit("one")
    shipping.commit("two")
    allowed(shipping.ship("ROOT"))
    shipping.commit("three")
    allowed(shipping.ship(oldest))


def test_a_range_from_nothing_is_whole(shipping: Shipping) -> None:
    shipping.commit("one")
    allowed(shipping.ship("ROOT"))
    shipping.commit("two")
    shipping.commit("three")
    allowed(shipping.ship("ROOT"))


def test_a_pull_request_that_shipped_before_its_merge(shipping: Shipping) -> None:
    """Its merge commit has another id and the same tree: the next branch may begin there."""
    shipping.commit("one")
    allowed(shipping.ship())
    shipping.git("switch", "-q", "-c", "feature")
    head = shipping.commit("feature")
    allowed(shipping.ship())
    shipping.git("switch", "-q", "main")
    merged = shipping.merge("feature")
    shipping.git("switch", "-q", "-c", "next")
    shipping.commit("next")
    assert shipping.default_base() == head
    allowed(shipping.ship(merged))


@pytest.mark.parametrize("gone", [False, True], ids=["branch kept", "branch deleted"])
def test_a_squashed_merge_is_no_new_content(shipping: Shipping, *, gone: bool) -> None:
    shipping.commit("one")
    allowed(shipping.ship())
    shipping.git("switch", "-q", "-c", "feature")
    shipping.commit("feature")
    shipping.commit("feature more")
    allowed(shipping.ship())
    shipping.git("switch", "-q", "main")
    squashed = shipping.merge("feature", "--squash")
    if gone:
        shipping.git("branch", "-q", "-D", "feature")
        shipping.git("reflog", "expire", "--expire=now", "--all")
        shipping.git("gc", "-q", "--prune=now")
    shipping.commit("next")
    assert shipping.default_base() in {squashed, shipping.git("rev-parse", "HEAD~2")}
    allowed(shipping.ship(squashed))


def test_a_squashed_merge_with_something_slipped_in_is_refused(shipping: Shipping) -> None:
    shipping.commit("one")
    allowed(shipping.ship())
    shipping.git("switch", "-q", "-c", "feature")
    shipping.commit("feature")
    allowed(shipping.ship())
    shipping.git("switch", "-q", "main")
    shipping.git("merge", "-q", "--squash", "feature")
    slipped = shipping.commit("slipped in")
    shipping.commit("next")
    assert f"{slipped[:12]} slipped in" in refused(shipping.ship(slipped))


def test_a_rebased_branch_that_shipped_may_be_begun_at(shipping: Shipping) -> None:
    shipping.commit("one")
    allowed(shipping.ship())
    shipping.git("switch", "-q", "-c", "feature")
    shipping.commit("feature")
    allowed(shipping.ship())
    shipping.git("commit", "-q", "--amend", "-m", "the same again")
    again = shipping.git("rev-parse", "HEAD")
    shipping.commit("next")
    allowed(shipping.ship(again))


def test_a_hotfix_from_an_older_release_then_the_trunk_again(shipping: Shipping) -> None:
    release = shipping.commit("one")
    allowed(shipping.ship())
    trunk = shipping.commit("two")
    allowed(shipping.ship())
    shipping.git("switch", "-q", "-c", "hotfix", release)
    shipping.commit("hotfix")
    allowed(shipping.ship(release))
    shipping.git("switch", "-q", "main")
    shipping.commit("three")
    allowed(shipping.ship(trunk))


def test_going_back_through_the_gate(shipping: Shipping) -> None:
    """An older head is no new content: its range may begin where it did then, or earlier."""
    release = shipping.commit("one")
    shipping.commit("two")
    allowed(shipping.ship("ROOT"))
    shipping.commit("three")
    allowed(shipping.ship())
    shipping.git("switch", "-q", "--detach", "HEAD^")
    allowed(shipping.ship(release))


def test_two_services_of_one_repository_share_what_went_out(shipping: Shipping) -> None:
    """Whatever the repository holds was judged with all services that it touches, whichever was deployed."""
    shipping.commit("one")
    allowed(shipping.ship())
    shipping.commit("cart")
    allowed(shipping.ship())
    orders = shipping.commit("orders")
    shipping.commit("orders more")
    assert "1 commit since" in refused(shipping.ship(orders))


def test_a_first_range_is_compared_with_the_trunk(shipping: Shipping) -> None:
    given = shipping.commit("one")
    shipping.git("switch", "-q", "-c", "feature")
    evil = shipping.commit("evil")
    shipping.commit("note")
    text = refused(shipping.ship(evil))
    assert text == f"1 commit since `main` would go out unjudged, before base {evil[:12]}: {evil[:12]} evil"
    allowed(shipping.ship(given))


def test_what_the_trunk_has_at_the_first_time_is_taken_as_given_and_the_ledger_says_so(shipping: Shipping) -> None:
    shipping.commit("one")
    base = shipping.commit("two")
    shipping.commit("three")
    said = []
    for _ in range(2):
        change = shipping.open(base)
        allowed(shipping.gate(change))
        entries = shipping.road.station.store.read(lambda tx, name=change.id: tx.log.entries(name))
        said += [entry.body for _, entry in entries if entry.kind == "gate.allowed"]
        base = shipping.git("rev-parse", "HEAD")
        shipping.commit("more")
    assert [body["taken_as_given"] for body in said] == [True, False]
    assert [body["begins"] for body in said] == [
        [shipping.git("rev-parse", name)] for name in ("HEAD~3", "HEAD~2")
    ]


def test_a_shallow_clone_is_an_error_and_no_answer(shipping: Shipping, tmp_path: Path) -> None:
    shipping.commit("one")
    allowed(shipping.ship())
    for name in ("two", "three", "four"):
        shipping.commit(name)
    copy = tmp_path / "shallow"
    shipping.git("clone", "-q", "--depth", "2", f"file://{shipping.root}", os.fspath(copy))
    submission = shipping.read("HEAD^")
    with pytest.raises(InvalidInput) as caught:
        shipping.checkout(submission, copy)
    assert caught.value.code == "git-shallow"
    assert "--unshallow" in caught.value.hint


def test_a_trunk_that_was_forced_elsewhere_leaves_everything_open(shipping: Shipping) -> None:
    shipping.commit("one")
    allowed(shipping.ship())
    shipping.git("switch", "-q", "--orphan", "elsewhere")
    base = shipping.commit("other one")
    shipping.commit("other two")
    shipping.git("branch", "-q", "-D", "main")
    shipping.git("reflog", "expire", "--expire=now", "--all")
    shipping.git("gc", "-q", "--prune=now")
    result = shipping.ship(base)
    assert "other one" in refused(result)
    assert result.reasons[0].remedy.endswith("--base ROOT")
    allowed(shipping.ship("ROOT"))


def test_a_voided_ticket_shipped_nothing(shipping: Shipping) -> None:
    shipping.commit("one")
    allowed(shipping.ship())
    two = shipping.commit("two")
    result = allowed(shipping.ship())
    station, actor = shipping.road.station, shipping.road.person("ana")
    station.store.write(lambda tx: void_in(station, tx, actor, str(result.ticket_id), why="harm"))
    shipping.commit("three")
    assert f"{two[:12]} two" in refused(shipping.ship(two))
    assert shipping.default_base() == shipping.git("rev-parse", "HEAD~2")


def test_a_refusal_ships_nothing(shipping: Shipping) -> None:
    shipping.commit("one")
    allowed(shipping.ship())
    before = shipping.tips()
    evil = shipping.commit("evil")
    shipping.commit("note")
    refused(shipping.ship(evil))
    assert shipping.tips() == before


def test_a_change_without_a_range_is_no_way_round(shipping: Shipping) -> None:
    """A repository that ships through the gate does not ship new commits beside an artefact."""
    shipping.commit("one")
    allowed(shipping.ship())
    part = Artefact(name="readme", digest=f"sha256:{'a' * 64}", media="file")
    change = shipping.road.open(Submission(parts=(part,)))
    allowed(shipping.gate(change))
    evil = shipping.commit("evil")
    assert f"{evil[:12]} evil" in refused(shipping.gate(change))


def test_an_environment_that_is_no_production_is_not_asked(shipping: Shipping) -> None:
    shipping.commit("one")
    allowed(shipping.ship())
    two = shipping.commit("two")
    shipping.commit("three")
    change = shipping.open(two)
    allowed(shipping.gate(change, "staging"))
    assert "two" in refused(shipping.gate(change)), "what went to staging did not go to production"


def test_edits_that_are_in_no_commit_are_named_and_refused(shipping: Shipping) -> None:
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
    allowed(shipping.gate(change))


def test_edits_are_refused_in_every_environment_and_whoever_tells_of_them(shipping: Shipping) -> None:
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
    def later(self, shipping: Shipping) -> Change:
        shipping.commit("one")
        allowed(shipping.ship())
        evil = shipping.commit("evil")
        shipping.commit("note")
        return shipping.open(evil)

    def test_nothing_told(self, shipping: Shipping, later: Change) -> None:
        assert "nothing shows" in refused(shipping.road.gate(later))

    def test_other_heads(self, shipping: Shipping, later: Change) -> None:
        told = replace(shipping.checkout(later.submission), heads=("f" * 40,), left_out=(), left_out_count=0)
        assert "nothing shows" in refused(shipping.road.gate(later, checkout=told))

    def test_other_bases(self, shipping: Shipping, later: Change) -> None:
        told = replace(shipping.checkout(later.submission), bases=("f" * 40,), left_out=(), left_out_count=0)
        assert "nothing shows" in refused(shipping.road.gate(later, checkout=told))

    def test_by_the_opener(self, shipping: Shipping, later: Change) -> None:
        told = replace(shipping.checkout(later.submission), left_out=(), left_out_count=0)
        offer = Offer(submission=later.submission, checkout=told)
        result = permit.gate(shipping.road.station, shipping.road.person("omar"), later.id, offer)
        assert {"base-not-shipped", "not-read-again"} <= {reason.id for reason in result.reasons}

    def test_by_digest_alone(self, shipping: Shipping, later: Change) -> None:
        actor: Actor = shipping.road.pipeline()
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
    def test_without_measure(self, shipping: Shipping, later: Change, wrong: dict[str, object]) -> None:
        told = replace(shipping.checkout(later.submission), **wrong)  # type: ignore[arg-type]  # fields by name
        with pytest.raises(InvalidInput) as caught:
            shipping.road.gate(later, checkout=told)
        assert caught.value.code == "offer-checkout"


def test_a_record_that_was_edited_decides_nothing(shipping: Shipping) -> None:
    shipping.commit("one")
    allowed(shipping.ship())
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


def test_only_the_newest_heads_are_kept(shipping: Shipping) -> None:
    shipping.commit("one")
    for number in range(MAX_TIPS + 2):
        allowed(shipping.ship())
        shipping.commit(f"more {number}")
    found = shipping.tips()
    assert len(found.tips) == MAX_TIPS
    assert found.id == place_id(found.repository, "production")
    allowed(shipping.ship())
