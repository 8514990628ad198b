"""A rollout goes wider without a PASS by a signature under what is not ruled out, once, and no other way."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.canonical import plain
from interlock.core.change.errors import Forbidden, IllegalTransition, InterlockError, NotFound
from interlock.core.ledger.told import differing, told
from interlock.core.rollout.record import RolloutRecord, RolloutState
from interlock.ports.store import Tx
from interlock.road import gather, on_record, revoke
from interlock.road.gather import StatementRequest
from interlock.road.roll import asks, show, verify, widening
from interlock.road.roll.written import ENGINE, entry
from interlock.road.void import void_in
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
    """One that is held because so little traffic rules nothing out."""
    started = rolling.begin()
    rolling.run(started.id, until=lambda record: record.hold == "no-pass")
    return started.id


def test_a_signature_takes_it_one_stage_further_and_is_told_everywhere(rolling: Rolling, rollout: str) -> None:
    said = rolling.said(rollout, why="quiet night")
    before = rolling.record(rollout)
    assert (said.subject, said.digest, said.environment) == (rollout, before.digest, "production")
    assert (said.details["stage"], said.details["percent"], said.details["why"]) == ("2 of 4", "10", "quiet night")
    assert said.expires_at - said.issued_at == timedelta(minutes=60)
    kept = rolling.hand_in(said)
    after = rolling.record(rollout)
    assert (after.stage, after.granted, after.state) == (1, 10.0, RolloutState.RUNNING)
    (signed,) = after.widenings
    assert (signed.by, signed.statement, signed.presence, signed.fingerprint) == (
        "ana",
        kept.id,
        "verified",
        rolling.road.keys["ana"].key.fingerprint,
    )
    for subject, kind in ((rollout, "rollout.widened"), (after.ticket, "ticket.widened")):
        body = rolling.body(subject, kind)
        assert (body["by"], body["statement"], body["signature"]) == ("ana", kept.id, kept.signature)
        assert (body["not_ruled_out"], body["presence"]) == (said.details["not_ruled_out"], "verified")
    assert rolling.body(rollout, "statement.widen")["nonce"] == said.nonce
    shown = on_record.show_statement(rolling.station, rolling.road.person("ben"), kept.id)
    assert (shown.standing, shown.signed.used_by) == ("used", rollout)
    found = verify.verify(rolling.station, rolling.road.person("ben"), rollout)
    assert (found.exact, found.signatures, found.first_difference) == (True, 1, "")


def test_what_the_ledger_tells_of_the_kept_statement_is_what_is_kept(rolling: Rolling, rollout: str) -> None:
    kept = rolling.hand_in(rolling.said(rollout))
    entries = [entry for _, entry in rolling.station.store.read(lambda tx: tx.log.entries(rollout))]
    known = told(entries, "statements", kept.id)
    assert known["used_by"] == rollout
    assert differing(plain(kept), known) == []
    assert differing(plain(replace(kept, used_by=None)), known) == [f"used_by is none, recorded `{rollout}`"]


def refused(rolling: Rolling, rollout: str, code: str, act: Callable[[], object]) -> InterlockError:
    """The refusal, which left everything as it was."""
    before, entries = rolling.record(rollout), rolling.kinds(rollout)
    with pytest.raises(InterlockError) as error:
        act()
    assert error.value.code == code, error.value
    assert (rolling.record(rollout), rolling.kinds(rollout)) == (before, entries)
    return error.value


def test_one_statement_widens_once(rolling: Rolling, rollout: str) -> None:
    said = rolling.said(rollout)
    rolling.hand_in(said)
    refused(rolling, rollout, "statement-twice", lambda: rolling.hand_in(said))


def test_two_people_who_sign_for_one_stage_take_it_one_stage_further(rolling: Rolling, rollout: str) -> None:
    """While the weight was set the second was told "expected one that is judged, got one which is running"."""
    first, second = rolling.said(rollout, "ana"), rolling.said(rollout, "ben")
    rolling.hand_in(first)
    assert rolling.record(rollout).phase == "weigh"
    refused(rolling, rollout, "widening-moved", lambda: rolling.hand_in(second))
    rolling.run(rollout, until=lambda record: (record.stage, record.phase) == (1, "watch"))
    moved = refused(rolling, rollout, "widening-moved", lambda: rolling.hand_in(second))
    assert moved.message == (f"expected a widening of `{rollout}` to 3 of 4 (50 %), got one to `2 of 4 (10 %)`")
    assert rolling.record(rollout).stage == 1


def test_what_is_being_set_cannot_be_signed_for_and_says_what_goes_on(rolling: Rolling, rollout: str) -> None:
    rolling.hand_in(rolling.said(rollout, "ana"))
    early = refused(rolling, rollout, "rollout-state", lambda: rolling.said(rollout, "ben"))
    assert early.message == (
        f"expected a rollout that is being judged, got `{rollout}` which is running: its weight is being set, "
        "and it is judged again from then on"
    )


@pytest.mark.parametrize(
    ("differs", "code"),
    [
        ({"digest": f"sha256:{'9' * 64}"}, "widening-bound"),
        ({"environment": "staging"}, "widening-bound"),
        ({"answers": {"breaks": "nothing"}}, "widening-bound"),
        ({"on_behalf_of": "ben"}, "statement-on-behalf"),
        ({"nonce": "short"}, "statement-nonce"),
    ],
)
def test_what_is_signed_is_about_this_rollout_and_nothing_else(
    rolling: Rolling, rollout: str, differs: dict[str, object], code: str
) -> None:
    refused(rolling, rollout, code, lambda: rolling.hand_in(rolling.said(rollout, **differs)))


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("stage", "3 of 4", "widening-moved"),
        ("stage", "promotion", "widening-moved"),
        ("percent", "50", "widening-moved"),
        ("not_ruled_out", "everything is ruled out", "widening-words"),
        ("why", " ", "reason-missing"),
        ("why", "a\x07b", "reason-text"),
        ("more", "than asked", "widening-bound"),
    ],
)
def test_each_word_of_it_is_held_against_the_record(
    rolling: Rolling, rollout: str, name: str, text: str, code: str
) -> None:
    said = rolling.said(rollout)
    refused(rolling, rollout, code, lambda: rolling.hand_in(replace(said, details={**said.details, name: text})))


def test_words_that_were_true_when_they_were_prepared_do_not_do(rolling: Rolling, rollout: str) -> None:
    said = rolling.said(rollout)
    asks.extend(rolling.station, rolling.road.person("ben"), rollout, 7200)
    ticks = itertools.count(1)
    # To word it anew is what takes long, not to judge: now and then is often enough.
    rolling.run(rollout, until=lambda _: next(ticks) % 50 == 0 and rolling.said(rollout).details != said.details)
    changed = refused(rolling, rollout, "widening-words", lambda: rolling.hand_in(said))
    assert "sign anew" in changed.hint
    rolling.hand_in(rolling.said(rollout))
    assert rolling.record(rollout).stage == 1


def test_another_rollouts_statement_moves_neither(rolling: Rolling, rollout: str) -> None:
    said = rolling.said(rollout)
    signature = rolling.road.keys["ana"].sign(said)
    ana = rolling.road.person("ana")
    with pytest.raises(NotFound):
        rolling.hand_in(replace(said, subject="rol-elsewhere0"))
    other = replace(said, nonce=f"{said.nonce}x")
    refused(rolling, rollout, "signature-invalid", lambda: widening.widen(rolling.station, ana, other, signature))


def test_what_has_expired_or_came_too_late_widens_nothing(rolling: Rolling, rollout: str) -> None:
    now = rolling.world.now()
    hour = timedelta(hours=1)
    for times, code in (
        ({"issued_at": now - 2 * hour, "expires_at": now - hour}, "statement-expired"),
        ({"issued_at": now - 30 * hour, "expires_at": now + hour}, "statement-too-old"),
        ({"issued_at": now, "expires_at": now + 2 * hour}, "statement-lifetime"),
        ({"issued_at": now + hour, "expires_at": now + 2 * hour}, "statement-from-future"),
    ):
        refused(rolling, rollout, code, lambda times=times: rolling.hand_in(rolling.said(rollout, **times)))


def test_neither_an_agent_nor_a_pipeline_carries_it_in(rolling: Rolling, rollout: str) -> None:
    said = rolling.said(rollout)
    every = frozenset(Scope)
    agent = rolling.road.agent("q")
    refused(rolling, rollout, "agent-never", lambda: rolling.hand_in(said, by=agent))
    pipeline = Actor(principal="ci", kind="pipeline", scopes=every)
    refused(rolling, rollout, "approval-by-machine", lambda: rolling.hand_in(said, by=pipeline))
    reader = Actor(principal="ana", kind="person", scopes=frozenset({Scope.READ}))
    refused(rolling, rollout, "scope-missing", lambda: rolling.hand_in(said, by=reader))
    nobody = Actor(principal="mallory", kind="person", scopes=every)
    refused(rolling, rollout, "approval-by-machine", lambda: rolling.hand_in(said, by=nobody))


def test_the_key_is_the_named_persons_and_in_the_catalog(rolling: Rolling, rollout: str) -> None:
    said = rolling.said(rollout)
    refused(rolling, rollout, "key-not-theirs", lambda: rolling.hand_in(said, key="ben"))
    rolling.road.keys["stranger"] = type(rolling.road.keys["ana"])("stranger")
    refused(rolling, rollout, "key-not-theirs", lambda: rolling.hand_in(said, key="stranger"))
    stranger = replace(said, approver="stranger")
    ana = rolling.road.person("ana")
    refused(rolling, rollout, "approver-unknown", lambda: rolling.hand_in(stranger, by=ana))
    agents = replace(said, approver="q")
    refused(rolling, rollout, "approver-unknown", lambda: rolling.hand_in(agents, by=ana, key="ben"))
    with pytest.raises(NotFound) as unknown:
        rolling.said(rollout, "stranger")
    assert unknown.value.code == "person-unknown"


def test_a_signature_without_presence_is_not_enough_at_tier_1(rolling: Rolling, rollout: str) -> None:
    said = rolling.said(rollout)
    signature = rolling.road.keys["ana"].sign(said, flags=0)
    ana = rolling.road.person("ana")
    without = refused(
        rolling, rollout, "widening-presence", lambda: widening.widen(rolling.station, ana, said, signature)
    )
    assert isinstance(without, Forbidden)


def test_nothing_is_prepared_for_what_cannot_be_widened(rolling: Rolling, rollout: str) -> None:
    asks.abort(rolling.station, rolling.road.person("ana"), rollout)
    refused(rolling, rollout, "rollout-state", lambda: rolling.said(rollout))
    rolling.run(rollout)
    over = refused(rolling, rollout, "rollout-state", lambda: rolling.said(rollout))
    assert isinstance(over, IllegalTransition)
    with pytest.raises(NotFound):
        rolling.said("rol-0000000000")


def test_the_caller_adds_a_reason_and_nothing_else(rolling: Rolling, rollout: str) -> None:
    def asking(**more: object) -> Callable[[], object]:
        wanted = StatementRequest(purpose="widen", subject=rollout, approver="ana", **more)  # type: ignore[arg-type]  # fields by name
        return lambda: widening.prepare(rolling.station, rolling.road.person("ana"), wanted)

    refused(rolling, rollout, "widening-details", asking(details={"why": "w", "stage": "4 of 4"}))
    refused(rolling, rollout, "widening-details", asking(details={"why": "w"}, answers={"breaks": "x"}))
    refused(rolling, rollout, "widening-details", asking(details={"why": "w"}, digest=f"sha256:{'1' * 64}"))
    refused(rolling, rollout, "reason-missing", asking(details={}))
    refused(rolling, rollout, "statement-on-behalf", asking(details={"why": "w"}, on_behalf_of="ben"))
    refused(rolling, rollout, "statement-lifetime", asking(details={"why": "w"}, hours=2))


def test_a_voided_ticket_goes_no_wider(rolling: Rolling, rollout: str) -> None:
    said = rolling.said(rollout)
    ticket = rolling.record(rollout).ticket
    ci = rolling.road.pipeline()
    rolling.station.store.write(lambda tx: void_in(rolling.station, tx, ci, ticket, why="a key was taken back"))
    refused(rolling, rollout, "rollout-state", lambda: rolling.hand_in(said))
    refused(rolling, rollout, "rollout-state", lambda: rolling.said(rollout))


def test_it_is_handed_in_where_it_acts(rolling: Rolling, rollout: str) -> None:
    said = rolling.said(rollout)
    signature = rolling.road.keys["ana"].sign(said)
    ana = rolling.road.person("ana")
    refused(
        rolling,
        rollout,
        "statement-elsewhere",
        lambda: gather.add_statement(rolling.station, ana, said, signature),
    )


def test_what_was_done_is_not_taken_back(rolling: Rolling, rollout: str) -> None:
    kept = rolling.hand_in(rolling.said(rollout))
    ana = rolling.road.person("ana")
    settled = refused(
        rolling, rollout, "statement-settled", lambda: revoke.take_back(rolling.station, ana, kept.id)
    )
    assert "rollout pause|abort" in settled.hint


def test_at_tier_1_whoever_wrote_the_change_does_not_sign(rolling: Rolling, rollout: str) -> None:
    """One person took their own change from 1 % to all traffic, by four signatures."""
    refused(rolling, rollout, "widening-author", lambda: rolling.said(rollout, "omar"))
    said = rolling.said(rollout, "ana")
    author = replace(said, approver="omar")
    refused(rolling, rollout, "widening-author", lambda: rolling.hand_in(author))
    rolling.hand_in(said)


def test_nobody_signs_before_the_stage_was_watched(rolling: Rolling, rollout: str) -> None:
    """It completed within the second in which it was asked first, with nothing baked."""
    rolling.hand_in(rolling.said(rollout))
    rolling.run(rollout, until=lambda record: (record.stage, record.phase) == (1, "watch"))
    early = refused(rolling, rollout, "widening-early", lambda: rolling.said(rollout))
    assert "expected a stage that baked 10 s" in early.message
    baked = rolling.run(rollout, until=lambda record: record.baked >= 10)
    assert (baked.stage, baked.hold) == (1, "")
    rolling.hand_in(rolling.said(rollout))
    assert rolling.record(rollout).stage == 2


def test_what_was_signed_before_a_pause_waits_for_its_end(rolling: Rolling, rollout: str) -> None:
    """Ben had seen trouble and paused; Ana's signature from before took it one stage further."""
    said = rolling.said(rollout)
    ben = rolling.road.person("ben")
    asks.pause(rolling.station, ben, rollout, "support says orders are missing")
    paused = refused(rolling, rollout, "rollout-state", lambda: rolling.hand_in(said))
    assert "that nobody paused" in paused.message
    refused(rolling, rollout, "rollout-state", lambda: rolling.said(rollout))
    asks.resume(rolling.station, ben, rollout)
    rolling.hand_in(said)
    assert rolling.record(rollout).stage == 1


def test_nobody_signs_while_harm_is_suspected(tmp_path: Path) -> None:
    """At 14 : 1 for lost orders the sentence to be signed said that nothing is ruled out."""
    plan = QUICK.replace("bake: 10s", "bake: 900s").replace("limit: 20s", "limit: 3000s")
    plan = plan.replace("      errors: {}\n", "").replace("    errors: {kind: bad}\n", "")
    rolling = Rolling(tmp_path, plan=plan, world=World(rate=30.0, seed=5, canary=Arm(orders=0.15)))
    started = rolling.begin().id
    rolling.run(started, until=lambda record: record.phase == "watch" and record.log_e >= 2.4)
    held = rolling.record(started)

    def at_last(tx: Tx) -> None:
        """Its time is over, as far as the record goes."""
        after = replace(held, state=RolloutState.HELD, hold="no-pass", version=held.version + 1)
        tx.records(RolloutRecord).replace(after, expected_version=held.version)
        tx.log.append(entry(rolling.station, ENGINE, "rollout.held", started, {"hold": "no-pass"}))

    rolling.station.store.write(at_last)
    harm = refused(rolling, started, "widening-harm", lambda: rolling.said(started))
    assert "expected evidence of harm below 10 : 1, got 1" in harm.message
    assert "orders: " in harm.message
    assert "expected, −" in harm.message
    rolling.close()


@pytest.mark.parametrize("plan", [QUICK.replace("  - {percent: 100, bake: 10s}\n", "")])
def test_the_last_stage_is_signed_over_to_promotion(tmp_path: Path, plan: str) -> None:
    rolling = Rolling(tmp_path, plan=plan, world=World(rate=2.0, seed=3))
    rollout = rolling.begin().id
    for stage in range(3):
        rolling.run(rollout, until=lambda record, s=stage: (record.stage, record.hold) == (s, "no-pass"))
        said, second = rolling.said(rollout), rolling.said(rollout, "ben")
        rolling.hand_in(said)
        refused(rolling, rollout, "widening-moved", lambda late=second: rolling.hand_in(late))
    ended = rolling.run(rollout)
    assert ended.state is RolloutState.COMPLETED
    went = [(one.stage, one.percent) for one in ended.widenings]
    assert went == [("2 of 3", "10"), ("3 of 3", "50"), ("promotion", "100")]
    assert rolling.body(rollout, "rollout.passed")["by"] == "ana"
    found = verify.verify(rolling.station, rolling.road.person("ana"), rollout)
    assert (found.exact, found.signatures) == (True, 3), found
    rolling.close()


def test_a_watcher_sees_who_signed(rolling: Rolling, rollout: str) -> None:
    rolling.widen(rollout)
    record = show.show(rolling.station, rolling.road.person("ben"), rollout).record
    assert [one.by for one in record.widenings] == ["ana"]
