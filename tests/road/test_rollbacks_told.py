"""Going back without a server is told to the ledger afterwards: once, by who reaches it, and only who may."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.errors import Forbidden, InvalidInput
from interlock.core.rollout.journal import MAX_JOURNAL, Act, WentBack, journal_bytes, read_journal
from interlock.plugins.world.rollback_journal import RollbackJournal
from interlock.road.rollbacks import hand_over, record_rollbacks
from interlock.testing.road import START

JOURNAL = WentBack(
    id="rbk-20260305090000-00000001",
    service="shop",
    environment="production",
    rollout="rol-1",
    change="chg-1",
    digest="sha256:" + "9" * 64,
    previous=None,
    by="local:ana@shop.example",
    at=START,
    ended_at=START,
    ok=True,
    before=5.0,
    weight=0.0,
    acts=(Act(name="weight", ok=True, said="0 % read back"),),
)


def entries(road):
    return road.station.store.read(lambda tx: tx.log.entries("rol-1"))


def test_a_server_that_starts_tells_what_waits_and_puts_it_away(road, tmp_path):
    files = RollbackJournal(tmp_path / "home")
    files.write(JOURNAL)
    files.write(replace(JOURNAL, id="rbk-20260305090100-00000002", ok=False))
    assert hand_over(road.station, files) == 2
    assert hand_over(road.station, files) == 0
    told = [(entry.kind, entry.actor, entry.body["by"], entry.body["ok"]) for _, entry in entries(road)]
    assert told == [
        ("rollout.rolled-back", "interlock", "local:ana@shop.example", True),
        ("rollout.rolled-back", "interlock", "local:ana@shop.example", False),
    ]
    assert files.of("rol-1")
    assert not files.of("rol-2")


def test_told_again_it_changes_nothing_whoever_tells_it(road):
    first = record_rollbacks(road.station, road.person("ana"), [JOURNAL])
    again = record_rollbacks(road.station, road.person("ben"), [JOURNAL, JOURNAL])
    assert again == (first[0], first[0])
    assert len(entries(road)) == 1


def test_who_may_not_record_tells_nothing(road):
    reader = Actor(principal="eve", kind="person", scopes=frozenset({Scope.READ}))
    with pytest.raises(Forbidden):
        record_rollbacks(road.station, reader, [JOURNAL])
    assert entries(road) == []


def test_a_file_that_is_no_journal_waits_and_stands_in_nobodys_way(road, tmp_path):
    files = RollbackJournal(tmp_path)
    place = files.write(JOURNAL)
    for name, content in (("a", b"{"), ("b", b"{}"), ("c", b" " * (MAX_JOURNAL + 1)), ("d", b"\xff")):
        place.with_name(f"{name}.json").write_bytes(content)
    assert hand_over(road.station, files) == 1
    assert len(list(place.parent.glob("*.json"))) == 4


def test_a_journal_reads_as_it_was_written():
    assert read_journal(journal_bytes(JOURNAL)) == JOURNAL
    with pytest.raises(InvalidInput):
        read_journal(journal_bytes(JOURNAL).replace(b"shop", b"shop\\u0000" * 20_000))
