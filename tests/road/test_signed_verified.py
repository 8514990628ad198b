"""``rollout verify`` names a widening that is not what a person signed, even by whoever can write entries."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from interlock.core.approval.actor import Actor
from interlock.core.approval.model import SignedStatement, Statement
from interlock.core.change.canonical import Json, canonical, sha256
from interlock.core.ledger.entry import Entry
from interlock.core.rollout import widening
from interlock.core.rollout.record import RolloutRecord, RolloutState
from interlock.core.rollout.transition import widened
from interlock.ports.store import Tx
from interlock.road.gather import statement_entry
from interlock.road.roll import asks, verify
from interlock.road.roll import written as written_module
from interlock.road.roll.written import ENGINE, entry, write_move
from interlock.road.station import Station
from interlock.testing.rolling import PLAN, Rolling
from interlock.testing.rollout import Arm, World

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


def forged(rolling: Rolling, rollout: str, ruled_out: dict[str, float], **body: Json) -> None:
    """A widening by itself, by somebody who owns the server."""

    def work(tx: Tx) -> None:
        record = tx.records(RolloutRecord).get(rollout)
        move = widened(record, asks.plan_of(tx, record), ruled_out, rolling.world.now(), body=body)
        write_move(rolling.station, tx, ENGINE, record, move)

    rolling.station.store.write(work)


def test_a_pass_that_no_verdict_led_to_is_named(rolling: Rolling, rollout: str) -> None:
    """It was exact, with a made-up regression ruled out beside it."""
    forged(rolling, rollout, {"orders": 0.05}, by="pass", verdict="pass", log_e=-3.0)
    assert differs(rolling, rollout) == "it went wider than stage 1 by `pass`, recomputed `not-enough-data`"


@pytest.mark.parametrize("by", ["backstop alone", "no control and no backstop"])
def test_what_only_a_stage_of_all_traffic_does_is_named_at_another(
    rolling: Rolling, rollout: str, by: str
) -> None:
    forged(rolling, rollout, {}, by=by)
    says = f"it went wider than stage 1 by `{by}`, which only a stage of all traffic does"
    assert differs(rolling, rollout) == says


@pytest.fixture
def passing(tmp_path: Path) -> Iterator[Rolling]:
    """Enough traffic for a PASS at every stage."""
    often = Arm(errors=0.05)
    plan = PLAN.replace("baseline: 60s", "baseline: 0").replace(
        "judge:\n", "judge:\n  phi: {orders: {windows: [1], values: [1]}, errors: {windows: [1], values: [1]}}\n"
    )
    made = Rolling(tmp_path, plan=plan, world=World(rate=1000.0, control=often, canary=often))
    yield made
    made.close()


def test_what_passed_by_itself_is_exact(passing: Rolling) -> None:
    ended = passing.run(passing.begin().id)
    assert ended.state is RolloutState.COMPLETED
    found = verify.verify(passing.station, passing.road.person("ben"), ended.id)
    assert (found.exact, found.signatures, found.first_difference) == (True, 0, "")


@pytest.mark.parametrize(
    ("edited", "says"),
    [
        ({"verdict": "stop"}, "recorded verdict 'stop', recomputed 'pass'"),
        ({"log_e": -3.0}, "recorded log E -3, recomputed"),
        ({"ruled_out": {"orders": 0.01, "errors": 0.01}}, "recorded ruled out {'errors': 0.01, 'orders': 0.01}"),
        ({"by": "backstop alone"}, "which only a stage of all traffic does"),
        ({"stage": 2}, "something else than the plan's next"),
        ({"weight": 50.0}, "something else than the plan's next"),
    ],
)
def test_a_pass_that_was_told_otherwise_is_named(
    passing: Rolling, monkeypatch: pytest.MonkeyPatch, edited: dict[str, Json], says: str
) -> None:
    """The entry of the first widening says something else from the beginning: the ledger itself is whole."""

    def otherwise(station: Station, actor: Actor, kind: str, subject: str, body: Mapping[str, Json]) -> Entry:
        return entry(station, actor, kind, subject, {**body, **edited} if kind == "rollout.widened" else body)

    monkeypatch.setattr(written_module, "entry", otherwise)
    started = passing.begin()
    passing.run(started.id, until=lambda record: record.stage == 1)
    assert says in differs(passing, started.id)


def test_a_second_pass_on_the_verdict_of_the_first_is_named(passing: Rolling) -> None:
    started = passing.begin()
    passing.run(started.id, until=lambda record: record.stage == 1)
    told = passing.body(started.id, "rollout.widened")
    passing.run(started.id, until=lambda record: record.phase == "watch")
    forged(passing, started.id, told["ruled_out"], by="pass", verdict="pass", log_e=told["log_e"])  # type: ignore[arg-type]  # as it was told
    assert "and nothing was judged at its 10 %" in differs(passing, started.id)


def test_a_stage_more_on_the_record_than_in_the_ledger_is_named(passing: Rolling) -> None:
    started = passing.begin()
    passing.run(started.id, until=lambda record: record.stage == 1)

    def work(tx: Tx) -> None:
        record = tx.records(RolloutRecord).get(started.id)
        after = replace(record, stage=2, version=record.version + 1)
        tx.records(RolloutRecord).replace(after, expected_version=record.version)
        tx.log.append(entry(passing.station, ENGINE, "rollout.resumed", started.id, {}))

    passing.station.store.write(work)
    assert differs(passing, started.id) == "the ledger tells of 1 stages that it went wider, the record of 2"


def test_another_persons_key_is_named(rolling: Rolling, rollout: str) -> None:
    written(rolling, rolling.said(rollout), key="ben")
    assert "expected a key of `ana` and of nobody else" in differs(rolling, rollout)


def test_an_author_who_signed_at_tier_1_is_named(rolling: Rolling, rollout: str) -> None:
    written(rolling, replace(rolling.said(rollout), approver="omar"), key="omar")
    assert "expected somebody who did not write the change, got `omar`" in differs(rolling, rollout)


def test_what_went_wider_in_a_pause_is_named(rolling: Rolling, rollout: str) -> None:
    said = rolling.said(rollout)
    asks.pause(rolling.station, rolling.road.person("ben"), rollout, "orders are missing")
    written(rolling, said)
    assert differs(rolling, rollout) == "it went wider than stage 1 while somebody had paused it"


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
