"""Steps that go back by a name that moves, and verifications that verify nothing."""

from __future__ import annotations

import pytest

from interlock.core.rehearsal.going_back import by_steps
from interlock.core.rollout.plan import StepPlan
from interlock.core.rollout.step_doubts import moving, step_doubts, verifies_nothing

NAMES = {"ROLLOUT_BASE": "4f0c", "ROLLOUT_ENVIRONMENT": "production"}


def step(*run, verify=("cmp", "a", "b")):
    return StepPlan(name="copy", kind="other", run=run, verify=verify)


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (("sh", "-c", "git show main:a.yaml > b.yaml"), "main"),
        (("git", "checkout", "origin/master", "--", "a.yaml"), "origin/master"),
        (("git", "restore", "--source=main", "a.yaml"), "main"),
        (("sh", "-c", "git show 'HEAD~1:a.yaml' > b"), "HEAD"),
        (("git", "-C", "x", "reset", "--hard", "refs/heads/trunk"), "refs/heads/trunk"),
        (("sh", "-c", 'git show "$ROLLOUT_BASE:main.yaml" > main.yaml'), ""),
        (("sh", "-c", "git show 4f0c1d2:src/main/a.yaml > b"), ""),
        (("sh", "-c", "git show v1.2:maintain.txt > b"), ""),
        (("./deploy", "main"), "main"),
        (("sh", "ops/release.sh", "main"), "main"),
        (("./release", "origin/main"), "origin/main"),
        (("./release", "-n", "origin/main"), "origin/main"),
        (("./release", "--branch", "develop"), "develop"),
        (("./release", "--ref=upstream/trunk"), "upstream/trunk"),
        (("./deploy", "main.yaml"), ""),
        (("./deploy", "src/main"), ""),
        (("./deploy", "--to=$ROLLOUT_BASE:main"), ""),
        (("./deploy", "HEAD"), ""),
        (("main", "serve"), ""),
        (("kubectl", "-n", "main", "rollout", "undo", "deploy/shop"), ""),
        (("grep", "-q", "main", "serving"), ""),
        (("/usr/bin/psql", "main"), ""),
        (("cp", "before/main", "digit"), ""),
    ],
)
def test_a_name_that_moves_with_the_merge_is_found_and_nothing_else_of_that_name(run, expected):
    assert moving(run) == expected


@pytest.mark.parametrize(
    ("verify", "expected"),
    [
        (("true",), True),
        (("/bin/true",), True),
        (("sh", "-c", "true"), True),
        (("sh", "-c", "exit 0"), True),
        (("sh", "-c", "test -e true"), False),
        (("test", "-e", "x"), False),
    ],
)
def test_what_always_says_yes_verifies_nothing(verify, expected):
    assert verifies_nothing(step("cp", "a", "b", verify=verify)) is expected


def test_it_is_doubted_with_its_place():
    steps = [step("cp", "a", "b"), step("git", "checkout", "main", "--", "a")]
    lines = {("rollback", 1, "run"): 12}
    (found,) = step_doubts(steps, ("rollback",), "rehearsals/a.yaml", lambda keys: lines[keys])
    assert "whose `run` names the version before by a commit" in found.message
    assert (found.code, "`rehearsals/a.yaml:12`" in found.message, "$ROLLOUT_BASE" in found.hint) == (
        "step-moving",
        True,
        True,
    )


def test_what_verifies_it_is_doubted_at_its_own_line():
    steps = [
        step("git", "checkout", "main", "--", "a", verify=("git", "diff", "--quiet", "origin/main", "--", "a"))
    ]
    lines = {("rollback", 0, "run"): 12, ("rollback", 0, "verify"): 13}
    run, verify = step_doubts(steps, ("rollback",), "rehearsals/a.yaml", lambda keys: lines[keys])
    assert "`rehearsals/a.yaml:12`" in run.message
    assert "`rehearsals/a.yaml:13`" in verify.message
    assert "whose `verify` names the version before by a commit, got `origin/main`" in verify.message
    told = by_steps([step("cp", "a", "b", verify=steps[0].verify)], NAMES).told
    assert told == ("step copy is verified by origin/main, which is the new version once the change is merged",)


def test_whoever_goes_back_by_hand_is_told():
    found = by_steps([step("git", "checkout", "main", "--", "a", verify=("true",))], NAMES)
    assert [each.run[0] for each in found.commands] == ["git"]
    assert found.told == (
        "step copy goes back by main, which is the new version once the change is merged",
        "nothing verifies step copy: look at it yourself",
    )


def test_an_environment_that_was_not_rehearsed_is_put_in_at_every_step():
    found = by_steps([step("cp", "a", "b")], {**NAMES, "ROLLOUT_ENVIRONMENT": ""})
    assert "ROLLOUT_ENVIRONMENT" not in found.exports
    assert [[each.name for each in one.given] for one in found.commands] == [["ROLLOUT_ENVIRONMENT"]] * 2
