"""Whatever a reviewer says, on top of whatever is known, under whatever policies: nothing gets less."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from importlib import resources

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from interlock.core.approval.model import Tally
from interlock.core.change.canonical import canonical
from interlock.core.change.errors import BadReply
from interlock.core.evidence.model import Evidence
from interlock.core.evidence.summary import MAX_OWN
from interlock.core.policy.bundle import load_bundle
from interlock.core.policy.decision import Outcome
from interlock.core.policy.evaluate import FIRST_STAGE, decide
from interlock.core.review.answered import asked
from interlock.core.review.concern import CLASSES, REVIEW, SEVERITIES, raised
from interlock.core.review.predicate import predicate
from interlock.core.review.reply import hear
from interlock.core.review.sendable import Kept
from interlock.core.review.settings import ReviewerSettings
from interlock.testing.cases import build, enforced, question, read_cases

ROOT = resources.files("interlock.core.policy.bundled")
FILES = {
    f"{folder}/{item.name}": item.read_bytes()
    for folder in ("base", "tests")
    for item in (ROOT / folder).iterdir()
    if item.name.endswith((".cedar", ".yaml"))
}
_RULE = """\
@id("{0}") @outcome("{1}") @reason("r {{open_concerns}}") @remedy("r")
forbid (principal, action, resource)
"""
PERVERSE = (
    _RULE.format("only-without-concerns", "deny")
    + "when { context.open_concerns.isEmpty() };\n"
    + _RULE.format("unless-many", "needs")
    + "unless { context.concerns > 3 };\n"
    + _RULE.format("canary-or-concerns", "needs")
    + "when { !context.canary_complete && context.concerns == 0 };\n"
    + _RULE.format("approvals-or-concerns", "deny")
    + "when { context.approvals < 3 && context.concerns_answered == context.concerns };\n"
)
_PERMIT = b'permit (principal, action == Action::"enter", resource)'
PERMITS_BY_REVIEW = {
    path: content.replace(_PERMIT, _PERMIT + b" when { context.concerns > 0 }") for path, content in FILES.items()
}
assert PERMITS_BY_REVIEW != FILES
BUNDLES = [
    load_bundle(FILES),
    load_bundle(FILES | {"base/perverse.cedar": PERVERSE.encode()}),
    load_bundle(PERMITS_BY_REVIEW),
]
CASES, BASES = read_cases(BUNDLES[0].tests)
SEVERITY = {Outcome.ALLOW: 0, Outcome.NEEDS: 1, Outcome.DENY: 2}
REVIEWER = ReviewerSettings(kind="openai", endpoint="https://models.example/v1", model="m", send=("**",))
LINES = {"config/delivery.yaml": frozenset(range(1, 20)), "src/promise.py": frozenset({3})}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
a_concern = st.fixed_dictionaries(
    {"text": st.text(min_size=1, max_size=900) | anything},
    optional={
        "path": st.sampled_from(sorted(LINES)) | anything,
        "line": st.integers(-2, 25) | anything,
        "severity": st.sampled_from(SEVERITIES) | anything,
        "class": st.sampled_from(CLASSES) | anything,
        "question": st.text(max_size=20) | anything,
        "approve": anything,
        "answered_by": st.just(["ana"]),
        "verdict": st.just("allow"),
    },
)
an_answer = (
    st.fixed_dictionaries(
        {"concerns": st.lists(a_concern, max_size=60)},
        optional={"approve": anything, "verdict": anything, "open_concerns": anything, "lower": anything},
    )
    | anything
)


def as_evidence(answer, given_, name):
    """What becomes of an answer: nothing where it is none, else a piece of a trusted runner."""
    try:
        heard = hear([answer], LINES, plugin="openai")
    except BadReply:
        return ()
    kept = [Kept(path="p" * 300, why="no pattern of `send` covers it")] * 50
    said = predicate(REVIEWER, heard, body=b"{}", sent=2, kept=kept, beside={"text": 1})
    assert len(canonical(said)) < MAX_OWN - 1_000  # a run's name, times and the rules come on top
    piece = Evidence(
        id=name,
        change=given_.change.id,
        subject=given_.change.digest,
        predicate_type=REVIEW,
        format="dsse",
        runner="ci",
        standing="trusted",
        summary=said,
        blob="sha256:" + "3" * 64,
        issued_at=given_.now,
        expires_at=given_.now + timedelta(days=14),
        received_at=given_.now,
        received_from="ci",
    )
    return (piece,)


def with_reviews(given_, pieces):
    """The question as the road asks it once these pieces are on record, and nobody has answered anything."""
    evidence = (*given_.evidence, *pieces)
    concerns = asked(raised(evidence, given_.change.digest), [], lambda _: Tally())
    return replace(given_, evidence=evidence, concerns=concerns)


def unmet(decision):
    return {one.id for one in decision.obligations if not one.met}


def no_weaker(before, after):
    assert SEVERITY[after.outcome] >= SEVERITY[before.outcome]
    assert {one.id for one in after.reasons} >= {one.id for one in before.reasons}
    assert {one.id for one in after.observed} >= {one.id for one in before.observed}
    assert unmet(after) >= unmet(before)
    assert after.expires <= before.expires
    if after.outcome is Outcome.ALLOW:
        assert (FIRST_STAGE in after.marks) >= (FIRST_STAGE in before.marks)


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(CASES), st.sampled_from(BUNDLES), st.lists(an_answer, min_size=1, max_size=3))
def test_a_decision_with_reviews_is_never_weaker_than_without(case, bundle, answers):
    made = build(case, BASES)
    bundle = enforced(bundle, made.freezes)
    before = replace(question(made), concerns=())
    pieces = [as_evidence(answer, before, f"evd-r{place}") for place, answer in enumerate(answers)]
    decisions = [decide(before, bundle)]
    for count in range(1, len(pieces) + 1):
        found = [piece for some in pieces[:count] for piece in some]
        decisions.append(decide(with_reviews(before, found), bundle))
        no_weaker(decisions[-2], decisions[-1])
    no_weaker(decisions[0], decisions[-1])


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([one for one in CASES if one.expect == "passes"]), an_answer)
def test_what_was_allowed_needs_a_person_once_there_is_a_concern(case, answer):
    made = build(case, BASES)
    before = replace(question(made), concerns=())
    pieces = as_evidence(answer, before, "evd-r")
    assume(pieces and before.environment == "production")
    after = with_reviews(before, pieces)
    decision = decide(after, enforced(BUNDLES[0], made.freezes))
    asks = "concerns-answered" in {one.id for one in decision.reasons}
    assert asks is bool(after.concerns)
    assert (decision.outcome is Outcome.ALLOW) is not asks
    answered = replace(after, concerns=tuple(replace(one, answered_by=("ben",)) for one in after.concerns))
    assert decide(answered, enforced(BUNDLES[0], made.freezes)).outcome is Outcome.ALLOW


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CASES), an_answer, st.sampled_from(["expired", "trusted"]))
def test_a_review_stays_when_it_is_old_and_goes_with_the_digest(case, answer, standing):
    made = build(case, BASES)
    before = replace(question(made), concerns=())
    pieces = as_evidence(answer, before, "evd-r")
    now = raised(pieces, before.change.digest)
    assert raised([replace(one, standing=standing) for one in pieces], before.change.digest) == now
    assert raised(pieces, "sha256:" + "9" * 64) == ()
    moved = [replace(one, subject="sha256:" + "9" * 64) for one in pieces]
    assert not {one.id for one in raised(moved, "sha256:" + "9" * 64)} & {one.id for one in now}
