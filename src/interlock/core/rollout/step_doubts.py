"""What is doubtful about the steps that go back, before anybody goes back by them.

Rules:
1. A step that takes the version before from a branch, or from ``HEAD``, takes the new one as soon as the change is
   merged; what verifies it by one compares with the new one. Both are told the commit at which the change begins:
   ``$ROLLOUT_BASE``.
2. Where git is asked, such a name counts anywhere in a word, ``HEAD`` too. Any other program may be a script that
   asks git, so there it counts as a whole argument; files, patterns and databases of the same name do not.
3. A program that always says yes verifies nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from interlock.core.change.catalog import Place
from interlock.core.change.errors import InvalidInput
from interlock.core.change.yaml_nodes import refused
from interlock.core.rollout.plan import Keys, StepPlan

BASE = "ROLLOUT_BASE"
_BRANCH = re.compile(
    r"(?<![\w./$-])((?:(?:refs/)?(?:remotes|heads)/)?(?:origin/|upstream/)?(?:main|master|trunk|develop|HEAD))"
    r"(?=[:~^\s'\";|&)]|$)"
)
_WHOLE = re.compile(
    r"(?:--(?:branch|ref|rev|revision|commit)=)?"
    r"((?:(?:refs/)?(?:remotes|heads)/)?(?:origin/|upstream/)?(?:main|master|trunk|develop))"
)
_NAMES_OTHERS = re.compile(
    r"\[|cat|cmp|cp|createdb|diff|dropdb|echo|[ef]?grep|ln|ls|mkdir|mv|mysql|pg_dump|pg_restore|printf|psql|rm"
    r"|test|touch"
)
"""Programs to which such a word is a file, a pattern or a database."""
_VALUE_OF = re.compile(
    r"-n|-d|-p|-c|-U|--(?:namespace|dbname|database|schema|project|context|cluster|container|user)"
)
"""Options whose value is the name of something else."""
_GIT = re.compile(r"(?<![\w.-])git(?![\w.-])")
_YES = frozenset({("true",), ("/bin/true",), ("/usr/bin/true",), (":",), ("exit", "0")})


def moving(words: Sequence[str]) -> str:
    """The name in a command that git moves on when the change is merged; empty where there is none."""
    if any(_GIT.search(word) for word in words):
        return next((found[1] for word in words if (found := _BRANCH.search(word))), "")
    program = words[0].rpartition("/")[2] if words else ""
    if _NAMES_OTHERS.fullmatch(program):
        return ""
    arguments = [word for before, word in pairwise(words) if not _VALUE_OF.fullmatch(before) or "/" in word]
    return next((found[1] for word in arguments if (found := _WHOLE.fullmatch(word))), "")


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
        for key, words in (("run", step.run), ("verify", step.verify)):
            if name := moving(words):
                yield _doubt(Place(path=path, line=line_of((*keys, number, key))), step.name, key, name)


def _doubt(place: Place, step: str, key: str, name: str) -> InvalidInput:
    return refused(
        place,
        f"a step `{step}` whose `{key}` names the version before by a commit",
        name,
        code="step-moving",
        hint="that is the new version once the change is merged: write $ROLLOUT_BASE, the commit before",
    )
