"""A test plan: how the tests of a service are run, and which files are the product they are held against.

Rules:
1. A plan is a rule, ``test-plans/<name>.yaml``: how tests are run, and what counts as the product, cannot be
   edited by the change that is looked at.
2. What is not product goes along to the old code: tests, fixtures, their data, and how they are configured.
3. A test is run with few variables of the environment: those that every program needs, and those that the plan
   names. None of interlock's own is among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from interlock.core.change.paths import glob_matcher
from interlock.core.rollout.plan import Keys

JUNIT_PLACE = "{junit}"
"""In a command: where its JUnit report is to be written."""
TESTS = ("tests/", "test/", "test_*.py", "*_test.py", "conftest.py")
"""What is never product where a plan does not say."""
ROOTS = ("src", ".")


@dataclass(frozen=True, slots=True, kw_only=True)
class TestPlan:
    """The whole file. ``product`` and ``tests`` are globs, ``roots`` folders that modules are imported from.

    ``command`` is empty for pytest, whose ``arguments`` are what is run of it; ``timeout`` is seconds of one run.
    ``passed_on`` are variables of the environment that the tests get.
    """

    __test__ = False  # the name is the field's; pytest need not collect it

    path: str
    service: str
    product: tuple[str, ...]
    tests: tuple[str, ...] = TESTS
    roots: tuple[str, ...] = ROOTS
    python: str = "python3"
    arguments: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    timeout: float = 600.0
    repeats: int = 3
    coverage: bool = True
    passed_on: tuple[str, ...] = ()
    digest: str = ""
    lines: Mapping[Keys, int] = field(default_factory=dict, repr=False, compare=False)

    @property
    def environment(self) -> str:
        """None: tests are run of the service."""
        return ""

    def line_of(self, keys: Keys) -> int:
        """Where a key stands in the file, or the nearest above it that is written; 1 where none is."""
        return next((self.lines[keys[:end]] for end in range(len(keys), 0, -1) if keys[:end] in self.lines), 1)

    def is_product(self, path: str) -> bool:
        """Whether a file is what the tests are held against."""
        return glob_matcher(self.product)(path) and not glob_matcher(self.tests)(path)


def longest(plan: TestPlan, singles: int) -> float:
    """The most seconds that looking at the tests by this plan can take.

    Each run on head and base, one that is watched, one that lists what the base has and one of what is hidden of
    it, two with stand-ins, ``singles`` of mutants and of tests alone; a minute.
    """
    return plan.timeout * (2 * plan.repeats + 5 + singles) + 60.0
