"""Whether required tests were listed before the code, told from the commits of a real repository."""

from __future__ import annotations

import pytest

from interlock.core.change.catalog import Agent, Catalog
from interlock.core.change.change import Submission
from interlock.core.change.settings import Settings
from interlock.core.facts.describe import describe

PLAN = "---\nplan: x\nfailure_modes: [x]\nrollback_steps: [x]\n"
NONE = f"{PLAN}---\n"
ONE = f"{PLAN}required_tests: [tests/t.py::one]\n---\n"
TWO = f"{PLAN}required_tests: [tests/t.py::one, tests/t.py::two]\n---\n"
OTHER = f"{PLAN}required_tests: [tests/t.py::two]\n---\n"
CLAUDE = "Plan\n\nCo-Authored-By: Claude <noreply@anthropic.com>"


@pytest.fixture
def told(repository):
    """``told(step, …)`` from the seed on; a step is path → text, or that with a message and an address."""
    base = repository.git("rev-parse", "HEAD")

    def run(*steps):
        for number, step in enumerate(steps):
            files, message, email = (
                (*step, "ana@example.com")[:3] if isinstance(step, tuple) else (step, "work", None)
            )
            for path, text in files.items():
                repository.write(path, text.replace("CODE", f"code {number}"))
            repository.commit(message, **({"GIT_AUTHOR_EMAIL": email} if email else {}))
        return found(repository.part(base))

    return run


def found(part, catalog=None):
    given = catalog or Catalog(digest="sha256:" + "0" * 64)
    return describe(Submission(parts=(part,)), catalog=given, settings=Settings()).documentation


CODE = {"src/a.py": "CODE\n"}


@pytest.mark.parametrize(
    "steps",
    [
        ({"change.md": ONE}, CODE),
        ({"change.md": ONE}, CODE, {"change.md": TWO}),
        ({"change.md": NONE}, {"change.md": ONE}, CODE),
        ({"change.md": ONE}, {"change.md": OTHER}, CODE),
        (({"change.md": ONE}, CLAUDE), {"change.md": TWO}, CODE),
        ({"change.md": ONE}, (CODE, CLAUDE)),
    ],
)
def test_a_list_that_a_person_commits_before_the_code_counts(told, steps):
    assert told(*steps).tests_listed_first


@pytest.mark.parametrize(
    "steps",
    [
        (CODE, {"change.md": ONE}),
        ({"change.md": NONE}, CODE, {"change.md": ONE}),
        ({"change.md": ONE} | CODE,),
        ({"change.md": ONE} | CODE, CODE),
        ({"change.md": ONE}, CODE, {"change.md": OTHER}),
        ({"change.md": ONE}, CODE, {"change.md": NONE}),
        (({"change.md": ONE}, CLAUDE), CODE),
        (({"change.md": ONE}, "Plan", "noreply@anthropic.com"), CODE),
        ({"change.md": NONE}, CODE),
    ],
)
def test_a_list_written_with_or_after_the_code_or_by_a_tool_does_not(told, steps):
    """The first two used to pass: any first version of change.md and any list at the end were enough."""
    assert not told(*steps).tests_listed_first


@pytest.mark.parametrize(("parallel", "expected"), [(True, False), (False, True)])
def test_a_list_on_a_branch_beside_the_code_was_not_before_it(repository, parallel, expected):
    base = repository.git("rev-parse", "HEAD")
    if not parallel:
        repository.write("change.md", ONE)
        repository.commit("plan")
    repository.git("switch", "-q", "-c", "code")
    repository.write("src/a.py", "code\n")
    repository.commit("code")
    repository.git("switch", "-q", "main")
    if parallel:
        repository.write("change.md", ONE)
        repository.commit("plan")
    repository.git("merge", "-q", "--no-ff", "-m", "merge", "code")
    assert found(repository.part(base)).tests_listed_first is expected


def test_an_agent_of_the_catalog_is_no_person(repository):
    base = repository.git("rev-parse", "HEAD")
    repository.write("change.md", ONE)
    repository.commit("plan")
    repository.write("src/a.py", "code\n")
    repository.commit("code")
    agent = Agent(name="codey", sponsor="ana", accounts=("ana@example.com",))
    catalog = Catalog(digest="sha256:" + "0" * 64, agents={"codey": agent})
    assert found(repository.part(base)).tests_listed_first
    assert not found(repository.part(base), catalog).tests_listed_first


def test_a_list_that_is_not_committed_proves_no_time(repository):
    base = repository.git("rev-parse", "HEAD")
    repository.write("change.md", ONE)
    assert not found(repository.part(base, "WORKTREE")).tests_listed_first
