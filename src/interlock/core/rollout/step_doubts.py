"""What is doubtful about the steps that go back, before anybody goes back by them.

Rules:
1. A step that takes the version before from a branch, or from ``HEAD``, takes the new one as soon as the change is
   merged. It is told the commit at which the change begins: ``$ROLLOUT_BASE``.
2. A program that always says yes verifies nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from interlock.core.change.catalog import Place
from interlock.core.change.errors import InvalidInput
from interlock.core.change.yaml_nodes import refused
from interlock.core.rollout.plan import Keys, StepPlan

BASE = "ROLLOUT_BASE"
_BRANCH = re.compile(
    r"(?<![\w./$-])((?:(?:refs/)?(?:remotes|heads)/)?(?:origin/|upstream/)?(?:main|master|trunk|develop|HEAD))"
    r"(?=[:~^\s'\";|&)]|$)"
)
_GIT = re.compile(r"(?<![\w.-])git(?![\w.-])")
_YES = frozenset({("true",), ("/bin/true",), ("/usr/bin/true",), (":",), ("exit", "0")})


def moving(step: StepPlan) -> str:
    """The name by which a step goes back that git moves on when the change is merged; empty where none does."""
    if not any(_GIT.search(word) for word in step.run):
        return ""
    return next((found[1] for word in step.run if (found := _BRANCH.search(word))), "")


def verifies_nothing(step: StepPlan) -> bool:
    """Whether what verifies it says yes whatever happened."""
    match step.verify:
        case (shell, "-c", line, *_) if shell.rpartition("/")[2] in {"sh", "bash", "dash"}:
            return tuple(line.split()) in _YES
        case words:
            return words in _YES


def step_doubts(
    steps: Sequence[StepPlan], keys: Keys, path: str, line_of: Callable[[Keys], int]
) -> Iterator[InvalidInput]:
    """Of the steps at ``keys`` of the plan at ``path``, what makes going back come to something else."""
    for number, step in enumerate(steps):
        if name := moving(step):
            yield refused(
                Place(path=path, line=line_of((*keys, number, "run"))),
                f"a step `{step.name}` that takes the version before from a commit",
                name,
                code="step-moving",
                hint="that is the new version once the change is merged: write $ROLLOUT_BASE, the commit before",
            )
