"""A decision depends on what is known, never on the order in which it was said."""

from dataclasses import replace
from importlib import resources

from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.core.policy.bundle import load_bundle
from interlock.core.policy.evaluate import decide
from interlock.testing.cases import build, enforced, question, read_cases

ROOT = resources.files("interlock.core.policy.bundled")
FILES = {
    f"{folder}/{item.name}": item.read_bytes()
    for folder in ("base", "tests")
    for item in (ROOT / folder).iterdir()
    if item.name.endswith((".cedar", ".yaml"))
}
BUNDLE = load_bundle(FILES)
CASES, BASES = read_cases(BUNDLE.tests)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CASES), st.randoms(use_true_random=False))
def test_order_of_approvals_evidence_and_names_does_not_matter(case, random) -> None:
    made = build(case, BASES)
    given_, bundle = question(made), enforced(BUNDLE, made.freezes)

    def shuffled(items: tuple) -> tuple:
        return tuple(random.sample(items, len(items)))

    about = given_.description
    other = replace(
        given_,
        evidence=shuffled(given_.evidence),
        conflicts=shuffled(given_.conflicts),
        tally=replace(
            given_.tally, counted=shuffled(given_.tally.counted), authors=shuffled(given_.tally.authors)
        ),
        description=replace(
            about,
            blast=replace(
                about.blast, touched=shuffled(about.blast.touched), reached=shuffled(about.blast.reached)
            ),
            documentation=replace(about.documentation, failure_modes=shuffled(about.documentation.failure_modes)),
        ),
    )
    assert decide(given_, bundle) == decide(other, bundle)


@settings(max_examples=30, deadline=None)
@given(st.permutations(sorted(FILES)))
def test_order_of_files_does_not_matter(order: list[str]) -> None:
    other = load_bundle({path: FILES[path] for path in order})
    assert BUNDLE.digest == other.digest
    assert list(BUNDLE.policies) == list(other.policies)
    assert BUNDLE.layers == other.layers


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([case for case in CASES if case.expect == "passes"]), st.data())
def test_taking_an_approval_away_never_helps(case, data) -> None:
    made = build(case, BASES)
    given_, bundle = question(made), enforced(BUNDLE, made.freezes)
    if not given_.tally.counted:
        return
    gone = data.draw(st.sampled_from(given_.tally.counted))
    left = tuple(one for one in given_.tally.counted if one is not gone)
    fewer = decide(replace(given_, tally=replace(given_.tally, counted=left)), bundle)
    assert {one.id for one in decide(given_, bundle).reasons} <= {one.id for one in fewer.reasons}
