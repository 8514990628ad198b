"""A submission is kept once, beside a small record; what it costs is paid before the writer is taken."""

from __future__ import annotations

import gc
import sqlite3
import threading
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import pytest

from interlock.core.approval.actor import Actor
from interlock.core.change.canonical import canonical, sha256
from interlock.core.change.change import Change, ChangeRecord, ChangeState, Submission
from interlock.core.change.errors import IntegrityError
from interlock.core.change.parts import FileChange, GitRange
from interlock.core.facts.describe import describe
from interlock.core.facts.model import Description
from interlock.core.ledger.note import VerifierKey
from interlock.core.policy.rules import Rules
from interlock.ports.store import Page, Tx
from interlock.road import decide, intake, permit, rules
from interlock.road.compared import compare
from interlock.road.recorded import MAX_REMEMBERED, Described
from interlock.storage.audit import audit
from interlock.testing.road import Road, submission


def rows(road: Road, question: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(road.database.removeprefix("sqlite:///"))) as connection:
        return connection.execute(question).fetchall()


def damage(road: Road, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(road.database.removeprefix("sqlite:///"))) as connection:
        connection.execute(statement, values)
        connection.commit()


def wide(name: str, count: int) -> Submission:
    """One commit over ``count`` files."""
    git = submission(name).parts[0]
    assert isinstance(git, GitRange)
    files = tuple(FileChange(path=f"src/{name}/{number}.py", status="modified") for number in range(count))
    return Submission(parts=(replace(git, files=files),))


def record(road: Road, change: Change) -> ChangeRecord:
    return road.station.store.read(lambda tx: tx.records(ChangeRecord).get(change.id))


def test_the_record_is_small_and_names_what_the_ledger_names(road: Road) -> None:
    given = wide("wide", 2_000)
    change = road.open(given)
    kept = record(road, change)
    (entry,) = [entry for _, entry in road.station.store.read(lambda tx: tx.log.entries(change.id))]
    assert kept.blob == entry.body["submission"] == sha256(canonical(given))
    assert rows(road, "SELECT max(length(body)) FROM changes")[0][0] < 2_000
    assert kept.parts == ("git",)
    assert intake.submission_of(road.station, road.person("ana"), change.id) == canonical(given)


def test_the_same_content_twice_is_kept_once(road: Road) -> None:
    given = wide("wide", 500)
    first = road.open(given)
    blobs = rows(road, "SELECT count(*), sum(length(content)) FROM blob")
    intake.withdraw(road.station, road.person("omar"), first.id)
    again = road.open(given)
    assert record(road, again).blob == record(road, first).blob
    assert rows(road, "SELECT count(*), sum(length(content)) FROM blob") == blobs


def test_listing_judging_and_opening_read_no_other_submission(road: Road) -> None:
    """Every other submission is taken away: whatever read one would fail."""
    others = [road.open(submission(f"other {number}")) for number in range(3)]
    mine = road.open(submission("mine"))
    for other in others:
        damage(road, "DELETE FROM blob WHERE digest = ?", record(road, other).blob)
    ana = road.person("ana")
    assert {item.id for item in intake.listing(road.station, ana, Page())} == {item.id for item in (*others, mine)}
    judged = decide.judge(road.station, ana, mine.id, "production")
    assert any(proposal.open_reviews == 3 for proposal in judged.proposals)
    road.gate(mine)
    road.open(submission("another"))
    assert intake.show(road.station, ana, others[0].id).title == others[0].title
    assert intake.withdraw(road.station, road.person("omar"), others[0].id).state is ChangeState.WITHDRAWN


def gone(road: Road, blob: str) -> None:
    damage(road, "DELETE FROM blob WHERE digest = ?", blob)


def altered(road: Road, blob: str) -> None:
    damage(road, "UPDATE blob SET content = content || ' ' WHERE digest = ?", blob)


def of_another_change(road: Road, blob: str) -> None:
    """The record is made to name another change's content, and its own digest with it."""
    other = record(road, road.open(submission("another"))).blob
    for row_id, body in rows(road, "SELECT id, body FROM changes"):
        text = body.replace(blob, other)
        damage(
            road, "UPDATE changes SET body = ?, body_digest = ? WHERE id = ?", text, sha256(text.encode()), row_id
        )


def of_no_schema(road: Road, blob: str) -> None:
    damage(road, "INSERT INTO blob VALUES (?, ?)", sha256(b'{"parts":7}'), b'{"parts":7}')
    for row_id, body in rows(road, "SELECT id, body FROM changes"):
        text = body.replace(blob, sha256(b'{"parts":7}'))
        damage(
            road, "UPDATE changes SET body = ?, body_digest = ? WHERE id = ?", text, sha256(text.encode()), row_id
        )


@pytest.mark.parametrize("how", [gone, altered, of_another_change, of_no_schema])
def test_a_submission_that_is_not_what_was_recorded_is_judged_by_nobody(
    road: Road, how: Callable[[Road, str], None]
) -> None:
    change = road.open(submission("a"))
    how(road, record(road, change).blob)
    for ask in (
        lambda: decide.judge(road.station, road.person("ana"), change.id, "production"),
        lambda: road.gate(change),
    ):
        with pytest.raises(IntegrityError) as refused:
            ask()
        assert refused.value.code == "submission-damaged"
        assert "from a backup" in refused.value.hint
        assert "\n" not in refused.value.message
    assert road.open(submission("the writer lives")).digest


def test_a_record_and_its_submission_are_kept_together_or_not_at_all(road: Road) -> None:
    """The ledger entry fails after the blob and the record were written: neither stays."""

    @dataclass
    class FailsLate:
        inner: Any
        looks: int = 0

        def now(self) -> Any:
            self.looks += 1
            if threading.current_thread().name == "interlock-writer" and self.looks > 2:
                raise IntegrityError("stopped", code="stopped", hint="a test")
            return self.inner.now()

    before = rows(road, "SELECT (SELECT count(*) FROM blob), (SELECT count(*) FROM changes_in_flight)")
    road.station = replace(road.station, clock=FailsLate(road.clock))
    with pytest.raises(IntegrityError, match="stopped"):
        road.open(wide("wide", 200))
    road.station = replace(road.station, clock=road.clock)
    assert rows(road, "SELECT (SELECT count(*) FROM blob), (SELECT count(*) FROM changes_in_flight)") == before
    assert rows(road, "SELECT count(*) FROM changes") == [(0,)]
    assert road.open(wide("wide", 200)).revision == 1


class NeverInTheWriter(Described):
    """Fails the test when something is described while everybody waits."""

    def of(self, submission: Submission, rules: Rules, name: str | None) -> Description:
        known = (name or "", rules.digest) in self._known
        if threading.current_thread().name == "interlock-writer":
            assert known, "described inside the write transaction"
        return super().of(submission, rules, name)


def test_nothing_is_described_inside_the_writer(road: Road, api_of: Callable[[Road], Any]) -> None:
    road.station = replace(road.station, described=NeverInTheWriter())
    change = road.open(submission("a"))
    road.gate(change)
    told = replace(change.submission, parts=(replace(change.submission.parts[0], repository="elsewhere"),))
    assert told.digest == change.digest
    road.gate(change, told)
    intake.push(road.station, road.person("omar"), change.id, submission("b"), version=None)
    body = {"title": "Through the API", "submission": submission("c")}
    assert api_of(road).reply(road.person("omar"), "/v1/changes", body).status_code == 201


def moved_paths(road: Road) -> tuple[dict[str, bytes], Submission]:
    """Rules under which ``src/`` belongs to the cart."""
    services = road.files["catalog/services.yaml"].replace(b'paths: "src/**, tests', b'paths: "tests')
    return road.rules_change(
        {
            "catalog/services.yaml": services.replace(
                b"interlock.dev/alert: CartsDrop",
                b'interlock.dev/alert: CartsDrop\n    interlock.dev/paths: "src/**"',
            )
        }
    )


def activate(road: Road, made: tuple[dict[str, bytes], Submission]) -> None:
    files, wanted = made
    change = road.open(wanted, title="Other paths")
    road.approve(change, "ana", "ben")
    rules.activate(road.station, road.person("ana"), files, road.gate(change).ticket_id or "")


def test_rules_that_change_after_the_description_describe_anew(road: Road) -> None:
    request = intake.OpenRequest(title="Between", submission=submission("between"))
    ready = intake.receive(road.station, request.submission)
    activate(road, moved_paths(road))
    change = intake.open_change(road.station, road.person("omar"), request, ready)
    assert change.services == ("cart",)


def test_a_push_between_reading_and_gate_is_judged_as_it_is_now(road: Road) -> None:
    change = road.open(submission("a"))
    ready = compare(road.station, change.id, change.submission, None, believed=True)
    pushed = intake.push(road.station, road.person("omar"), change.id, submission("b"), version=None)

    def work(tx: Tx) -> tuple[Change, str]:
        return next(ready.at(tx, tx.records(ChangeRecord).get(change.id)).judged())

    judged, name = road.station.store.read(work)
    assert judged.digest == pushed.digest
    assert judged.submission == pushed.submission
    assert name == record(road, pushed).blob


def test_what_is_remembered_is_what_is_computed(road: Road) -> None:
    given = wide("wide", 50)
    in_force = road.rules()
    memory = Described()
    first = memory.of(given, in_force, "name")
    assert memory.of(given, in_force, "name") is first
    assert first == describe(given, catalog=in_force.catalog, settings=in_force.settings)


def test_what_is_remembered_is_bounded_and_the_newest_stays(road: Road) -> None:
    memory, in_force = Described(), road.rules()
    for number in range(8):
        large = wide(f"w{number}", MAX_REMEMBERED // 4)
        newest = memory.of(large, in_force, f"name {number}")
        assert memory.of(large, in_force, f"name {number}") is newest
    assert 1 <= len(memory._known) < 5
    alone = wide("alone", MAX_REMEMBERED + 1)
    kept = memory.of(alone, in_force, "alone")
    assert memory.of(alone, in_force, "alone") is kept
    assert len(memory._known) == 1


def test_large_changes_leave_no_memory_behind(road: Road) -> None:
    """Four large changes after the first one: what stays is far less than one of them."""
    omar: Actor = road.person("omar")

    def one(number: int) -> None:
        road.open(wide(f"large {number}", 4_000), by=omar)

    one(0)
    road.open(submission("small 0"))
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(1, 5):
            one(number)
        road.open(submission("small 1"))
        gc.collect()
        stays, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most > 4_000_000
    assert stays < most / 4


def test_an_offer_that_no_reader_writes_is_refused_by_the_gate(road: Road) -> None:
    change = road.open(submission("a"))
    odd = submission("a", paths=("../outside.py",))
    with pytest.raises(Exception, match="path") as refused:
        permit.gate(road.station, road.pipeline(), change.id, permit.Offer(submission=odd))
    assert getattr(refused.value, "code", "") == "submission-path"


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DELETE FROM changes_in_flight", "is not found by `order-service` in changes_in_flight"),
        (
            "UPDATE changes_asked SET value = 'mallory' WHERE value = 'ana'",
            "is found by `mallory` in changes_asked",
        ),
        ("INSERT INTO changes_asked VALUES ('ana', 'chg-none')", "is found by `ana` in changes_asked"),
        ("DROP TABLE changes_asked", "is gone"),
    ],
)
def test_the_audit_notices_side_tables_that_say_something_else(road: Road, statement: str, what: str) -> None:
    road.open(submission("a"))
    over = road.open(submission("b"))
    intake.withdraw(road.station, road.person("omar"), over.id)
    key = VerifierKey.parse(road.station.ledger_key)
    assert audit(road.database, key).holds
    damage(road, statement)
    found = audit(road.database, key).findings
    assert any(what in finding.text for finding in found), found
