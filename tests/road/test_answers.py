"""Concerns on the road: who may answer, what an answer is bound to, and that nothing else makes one go away."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.errors import Forbidden, InterlockError, InvalidInput, NotFound
from interlock.core.evidence.dsse import key_id_of, sign_envelope
from interlock.core.evidence.statement import statement
from interlock.core.policy.decision import Outcome
from interlock.core.review.concern import REVIEW
from interlock.road import decide, evidence_list, gather, intake, revoke
from interlock.testing.road import Road, submission

RULE = "concerns-answered"
TEXT = "It is meant so."


@pytest.fixture
def asking(tmp_path: Path):
    made = Road(folder=tmp_path, enforced=(RULE,))
    yield made
    made.close()


def said(path="src/promise.py", line=3, **more):
    body = {"path": path, "line": line, "severity": "high", "class": "bug", "text": "wrong", "question": "Is it?"}
    return body | more


def review(road, change, *concerns, key=None, **more):
    """A runner's review of the change as it is on record."""
    key = key or road.runner
    times = {"issued_at": road.clock.now().isoformat(), **more}
    predicate = {"tool": "review by m at h", "concerns": list(concerns), "cut": 0, **times}
    signed = sign_envelope(
        statement(subject=change.digest, predicate_type=REVIEW, predicate=predicate),
        key,
        key_id_of(key.public_key()),
    )
    offer = gather.EvidenceOffer(content=signed, format="dsse")
    return gather.add_evidence(road.station, road.pipeline(), change.id, offer)


def test_what_is_listed_stands_as_it_does_now(asking):
    """What had expired was listed as trusted for good."""
    change = asking.open(submission("a"))
    review(asking, change, said())

    def listed():
        return [
            one.standing for one in evidence_list.evidence_of(asking.station, asking.person("vera"), change.id)
        ]

    assert listed() == ["trusted"]
    asking.clock.pass_by(days=14, minutes=1)
    assert listed() == ["expired"]


def judged(road, change, environment="production"):
    return decide.judge(road.station, road.person("vera"), change.id, environment)


def still_open(road, change):
    return [one.id for one in judged(road, change).concerns if not one.answered_by]


def refused(road, change):
    return RULE in {one.id for one in road.gate(change).reasons}


def prepare(road, change, person, concern, **differs):
    request = gather.StatementRequest(
        purpose="answer", subject=change.id, approver=person, details={"concern": concern, "text": TEXT}
    )
    return replace(gather.prepare_statement(road.station, road.person(person), request), **differs)


def answer(road, change, person, concern, **differs):
    return road.hand_in(prepare(road, change, person, concern, **differs))


def test_each_concern_needs_an_answer_of_its_own(asking):
    change = asking.open(submission("a"))
    assert asking.gate(change).outcome is Outcome.ALLOW
    second = asking.open(submission("b"))
    review(asking, second, said(), said(line=4))
    one, other = still_open(asking, second)
    answer(asking, second, "ben", one)
    assert still_open(asking, second) == [other]
    assert refused(asking, second)
    answer(asking, second, "ben", other)
    assert still_open(asking, second) == []
    assert asking.gate(second).outcome is Outcome.ALLOW


def test_an_author_does_not_answer(asking):
    change = asking.open(submission("a"))
    review(asking, change, said())
    (one,) = still_open(asking, change)
    answer(asking, change, "omar", one)
    assert refused(asking, change)
    (shown,) = judged(asking, change).concerns
    assert [item.reason for item in shown.void] == [
        "by an author: `omar` wrote, pushed, opened or prompted this change"
    ]
    answer(asking, change, "ana", one)
    assert not refused(asking, change)


def test_who_opened_it_does_not_answer_even_if_git_names_another(asking):
    change = asking.open(submission("a"), by=asking.person("cleo"))
    review(asking, change, said())
    answer(asking, change, "cleo", still_open(asking, change)[0])
    assert refused(asking, change)


def test_an_agent_and_a_pipeline_do_not_answer(asking):
    change = asking.open(submission("a"))
    review(asking, change, said())
    ready = prepare(asking, change, "ben", still_open(asking, change)[0])
    pushy = Actor(principal="codey", kind="agent", scopes=frozenset(Scope))
    for machine in (asking.agent("codey"), pushy, Actor(principal="ci", kind="pipeline", scopes=frozenset(Scope))):
        with pytest.raises(Forbidden):
            asking.hand_in(ready, by=machine)
    assert refused(asking, change)


def test_who_git_names_as_author_does_not_answer(asking):
    change = asking.open(submission("a", author="ana"))
    review(asking, change, said())
    answer(asking, change, "ana", still_open(asking, change)[0])
    assert refused(asking, change)


def test_another_persons_key_does_not_answer(asking):
    change = asking.open(submission("a"))
    review(asking, change, said())
    with pytest.raises(InvalidInput) as wrong:
        asking.hand_in(prepare(asking, change, "ben", still_open(asking, change)[0]), key=asking.keys["omar"])
    assert wrong.value.code == "key-not-theirs"


@pytest.mark.parametrize(
    ("differs", "code"),
    [
        ({"details": {"concern": "con-000000000000", "text": TEXT}}, "concern-unknown"),
        ({"details": {"concern": "*", "text": TEXT}}, "concern-unknown"),
        ({"details": {"text": TEXT}}, "concern-unknown"),
        ({"digest": "sha256:" + "9" * 64}, "concern-unknown"),
        ({"environment": "nowhere"}, "environment-unknown"),
        ({"on_behalf_of": "ana"}, "statement-on-behalf"),
    ],
)
def test_what_answers_nothing_is_refused_and_leaves_no_trace(asking, differs, code):
    change = asking.open(submission("a"))
    review(asking, change, said())
    (one,) = still_open(asking, change)
    with pytest.raises(InterlockError) as wrong:
        answer(asking, change, "ben", one, **differs)
    assert wrong.value.code == code
    assert asking.station.store.read(lambda tx: gather.statements_about(tx, change.id)) == ()


@pytest.mark.parametrize("text", ["", "   ", "x" * 3_000, "a\x1b[31m", "a\u202eb"])
def test_an_answer_says_something_that_people_can_read(asking, text):
    change = asking.open(submission("a"))
    review(asking, change, said())
    (one,) = still_open(asking, change)
    with pytest.raises(InvalidInput) as wrong:
        answer(asking, change, "ben", one, details={"concern": one, "text": text})
    assert wrong.value.code == "reason-text"


def test_an_approval_or_an_exception_for_another_rule_answers_nothing(asking):
    change = asking.open(submission("a"))
    review(asking, change, said())
    asking.approve(change, "ana", "ben", "vera")
    assert refused(asking, change)


def test_a_push_voids_it_and_an_old_answer_answers_nothing_new(asking):
    change = asking.open(submission("a"))
    review(asking, change, said())
    (before,) = still_open(asking, change)
    answer(asking, change, "ben", before)
    pushed = intake.push(asking.station, asking.person("omar"), change.id, submission("b"), version=None)
    assert judged(asking, pushed).concerns == ()
    review(asking, pushed, said())
    (after,) = still_open(asking, pushed)
    assert after != before
    with pytest.raises(NotFound) as wrong:
        answer(asking, pushed, "ben", before)
    assert wrong.value.code == "concern-unknown"


def test_it_holds_for_one_environment(asking):
    change = asking.open(submission("a"))
    review(asking, change, said())
    (one,) = still_open(asking, change)
    answer(asking, change, "ben", one, environment="staging")
    assert still_open(asking, change) == [one]
    assert [each.answered_by for each in judged(asking, change, "staging").concerns] == [("ben",)]


def test_an_answer_that_ended_or_was_taken_back_answers_nothing(asking):
    change = asking.open(submission("a"))
    review(asking, change, said())
    (one,) = still_open(asking, change)
    kept = answer(asking, change, "ben", one)
    assert kept.statement.expires_at - kept.statement.issued_at == timedelta(days=14)
    revoke.take_back(asking.station, asking.person("ben"), kept.id, why="I was wrong", version=None)
    assert refused(asking, change)
    answer(asking, change, "ben", one)
    assert not refused(asking, change)
    asking.clock.pass_by(days=14, minutes=1)
    assert refused(asking, change)


def test_neither_time_nor_a_second_review_takes_a_concern_back(asking):
    change = asking.open(submission("a"))
    review(asking, change, said())
    asking.clock.pass_by(hours=1)
    review(asking, change)
    assert len(still_open(asking, change)) == 1
    asking.clock.pass_by(days=30)
    assert [one.standing for one in judged(asking, change).evidence] == ["expired", "expired"]
    assert refused(asking, change)


def test_a_review_by_nobody_trusted_binds_nobody(asking):
    change = asking.open(submission("a"))
    kept = review(asking, change, said(), key=Ed25519PrivateKey.generate())
    assert kept.standing == "untrusted"
    assert judged(asking, change).concerns == ()
    assert not refused(asking, change)


def test_what_a_statement_adds_to_itself_is_not_read(asking):
    change = asking.open(submission("a"))
    review(asking, change, said(answered_by=["ana"], id="con-1"), verdict="passed", open_concerns=[])
    (one,) = judged(asking, change).concerns
    assert (one.answered_by, one.id == "con-1") == ((), False)
    assert refused(asking, change)


def test_in_one_person_mode_the_only_person_answers(tmp_path):
    road = Road(folder=tmp_path, enforced=(RULE,))
    try:
        change = road.open(submission("a"))
        review(road, change, said())
        (one,) = still_open(road, change)
        answer(road, change, "omar", one)
        rules = road.rules()
        alone = replace(
            rules,
            settings=replace(rules.settings, one_person=True),
            catalog=replace(rules.catalog, people={"omar": rules.catalog.people["omar"]}),
        )

        def work(tx):
            in_force = replace(road.station.rules(tx), rules=alone)
            return decide.judge_in(road.station, tx, in_force, change, "production", road.person("omar"))

        (shown,) = road.station.store.read(work).concerns
        assert shown.answered_by == ("omar",)
    finally:
        road.close()
