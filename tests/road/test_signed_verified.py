"""``rollout verify`` names a widening that is not what a person signed, even by whoever can write entries."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from interlock.core.approval.model import SignedStatement, Statement
from interlock.core.change.canonical import Json, canonical, sha256
from interlock.core.rollout import widening
from interlock.core.rollout.record import RolloutRecord
from interlock.core.rollout.transition import widened
from interlock.ports.store import Tx
from interlock.road.gather import statement_entry
from interlock.road.roll import asks, verify
from interlock.road.roll.written import write_move
from interlock.testing.rolling import PLAN, Rolling
from interlock.testing.rollout import World

QUICK = PLAN.replace("limit: 300s", "limit: 20s").replace("baseline: 60s", "baseline: 10s")


@pytest.fixture
def rolling(tmp_path: Path) -> Iterator[Rolling]:
    made = Rolling(tmp_path, plan=QUICK, world=World(rate=2.0, seed=3))
    yield made
    made.close()


@pytest.fixture
def rollout(rolling: Rolling) -> str:
    started = rolling.begin()
    rolling.run(started.id, until=lambda record: record.hold == "no-pass")
    return started.id


def differs(rolling: Rolling, rollout: str) -> str:
    found = verify.verify(rolling.station, rolling.road.person("ben"), rollout)
    assert not found.exact
    assert found.signatures == 0
    return found.first_difference


def written(rolling: Rolling, said: Statement, *, key: str = "ana", told: str = "", **more: Json) -> str:
    """What the road writes, by somebody who owns the server and checks nothing; ``told`` names another."""
    station, rollout = rolling.station, said.subject
    device = rolling.road.keys[key]
    signed = SignedStatement(
        id="sig-forged0000",
        statement=said,
        signature=device.sign(said),
        fingerprint=device.key.fingerprint,
        presence="verified",
        received_at=rolling.world.now(),
        received_from=said.approver,
        used_by=rollout,
    )

    def work(tx: Tx) -> None:
        record = tx.records(RolloutRecord).get(rollout)
        plan = asks.plan_of(tx, record)
        tx.records(SignedStatement).add(signed)
        tx.log.append(statement_entry(station, rolling.road.person("ana"), signed))
        honest: dict[str, Json] = {"rules": rolling.road.rules().digest, "observation": record.observations - 1}
        move = widening.widen(record, plan, signed, station.clock.now(), more=honest | more)
        if told:
            move = replace(move, body={**move.body, "statement": told})
        write_move(station, tx, rolling.road.person("ana"), record, move)

    station.store.write(work)
    return rollout


def test_what_is_written_as_it_was_signed_is_exact(rolling: Rolling, rollout: str) -> None:
    """The forgers' tool below forges nothing by itself."""
    written(rolling, rolling.said(rollout))
    found = verify.verify(rolling.station, rolling.road.person("ben"), rollout)
    assert (found.exact, found.signatures) == (True, 1), found


def test_a_widening_by_a_mere_word_is_named(rolling: Rolling, rollout: str) -> None:
    def work(tx: Tx) -> None:
        record = tx.records(RolloutRecord).get(rollout)
        body: dict[str, Json] = {"by": "ana", "why": "w", "not_ruled_out": "orders: nothing is ruled out"}
        move = widened(record, asks.plan_of(tx, record), {}, rolling.world.now(), body=body)
        write_move(rolling.station, tx, rolling.road.person("ana"), record, move)

    rolling.station.store.write(work)
    assert differs(rolling, rollout) == "it went wider by the word of `ana`, which nobody signed"


def test_another_persons_key_is_named(rolling: Rolling, rollout: str) -> None:
    written(rolling, rolling.said(rollout), key="ben")
    assert "expected a key of `ana` and of nobody else" in differs(rolling, rollout)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("not_ruled_out", "everything is ruled out", "expected what is not ruled out in its own words"),
        ("stage", "3 of 4", "signed for another step than the one that was taken"),
        ("percent", "50", "signed for another step than the one that was taken"),
    ],
)
def test_a_statement_about_something_else_is_named(
    rolling: Rolling, rollout: str, name: str, text: str, says: str
) -> None:
    said = rolling.said(rollout)
    written(rolling, replace(said, details={**said.details, name: text}))
    assert says in differs(rolling, rollout)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"why": "because"}, "the why is not what the ledger tells of the widening"),
        ({"presence": "possession"}, "the presence is not what the ledger tells of the widening"),
        ({"signature": "none"}, "the signature is not what the ledger tells of the widening"),
        ({"by": "ben"}, "the by is not what the ledger tells of the widening"),
        ({"observation": 0}, "it was signed over observation 0, the newest then was"),
        ({"rules": f"sha256:{'1' * 64}"}, "are not kept"),
    ],
)
def test_an_entry_that_tells_something_else_is_named(
    rolling: Rolling, rollout: str, more: dict[str, Json], says: str
) -> None:
    written(rolling, rolling.said(rollout), **more)
    assert says in differs(rolling, rollout)


def test_a_statement_that_is_not_there_is_named(rolling: Rolling, rollout: str) -> None:
    written(rolling, rolling.said(rollout), told="sig-elsewhere0")
    assert differs(rolling, rollout) == "`sig-elsewhere0`, by which it went wider, is not kept"


def test_a_statement_without_its_widening_is_named(rolling: Rolling, rollout: str) -> None:
    said = rolling.said(rollout)
    rolling.hand_in(said)
    kept = rolling.station.store.read(lambda tx: tx.records(SignedStatement).find(subject=rollout))[0]
    more = replace(kept, id="sig-second0000", statement=replace(said, nonce=f"{said.nonce}x"))

    def work(tx: Tx) -> None:
        tx.records(SignedStatement).add(more)
        tx.log.append(statement_entry(rolling.station, rolling.road.person("ana"), more))

    rolling.station.store.write(work)
    assert "that are not those by which it went wider" in differs(rolling, rollout)


@pytest.mark.parametrize("name", ["signature", "fingerprint", "presence", "statement", "used_by"])
def test_a_kept_statement_that_was_edited_is_named(
    rolling: Rolling, rollout: str, tmp_path: Path, name: str
) -> None:
    kept = rolling.hand_in(rolling.said(rollout))
    said = kept.statement
    edited = {
        "signature": replace(kept, signature=rolling.road.keys["ben"].sign(said)),
        "fingerprint": replace(kept, fingerprint=rolling.road.keys["ben"].key.fingerprint),
        "presence": replace(kept, presence="possession"),
        "used_by": replace(kept, used_by=None),
        "statement": replace(kept, statement=replace(said, details={**said.details, "why": "because"})),
    }[name]
    body = canonical(edited)
    with sqlite3.connect(tmp_path / "state.db") as database:
        database.execute(
            "UPDATE statements SET body = ?, body_digest = ? WHERE id = ?", (body.decode(), sha256(body), kept.id)
        )
    database.close()
    assert kept.id in differs(rolling, rollout)
