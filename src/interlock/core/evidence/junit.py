"""JUnit XML in its dialects (pytest, unittest, nose2, Surefire, Node, gtest, ruff): what ran and how it ended.

Rules:
1. A document type declaration is refused, and with it every entity: no bomb, no file, no network.
2. Test cases are counted, not believed: a suite that claims more failures or errors than it shows counts as
   claimed. Skipped never counts as passed. A test that failed and then passed on a rerun is *flaky*.
3. A report without a single test case is refused.
4. A test is known under every spelling people use for it (``spellings``), its file and its class among them; a
   spelling that also fits a test which did not pass is not passed: a file passed when all of its tests did.
5. Limits: 16 MiB, 32 levels, 100,000 test cases; the summary keeps 10,000 names.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NoReturn
from xml.parsers import expat

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.strict_json import check_size

MAX_JUNIT = 16 * 1024 * 1024
MAX_DEPTH = 32
MAX_CASES = 100_000
SHOWN = 10_000
SHOWN_FAILED = 200
SAID = 300

CaseOutcome = Literal["passed", "failed", "error", "skipped", "flaky"]

_ENDS: dict[str, CaseOutcome] = {
    "failure": "failed",
    "error": "error",
    "rerunFailure": "failed",
    "rerunError": "error",
    "flakyFailure": "flaky",
    "flakyError": "flaky",
    "skipped": "skipped",
}
_WORST: tuple[CaseOutcome, ...] = ("error", "failed", "flaky", "skipped", "passed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test case as the report names it; ``where`` is its class name, empty where there is none.

    ``said`` is the kind of what went wrong and its first line, as the report has them.
    """

    where: str
    name: str
    outcome: CaseOutcome
    said: str = ""

    @property
    def full_name(self) -> str:
        """``classname::name``."""
        return f"{self.where}::{self.name}" if self.where else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class TestReport:
    """A whole report. ``claimed`` are failures and errors a suite states and does not show."""

    __test__ = False  # the name is the field's; pytest need not collect it

    cases: tuple[Case, ...]
    claimed: int

    def count(self, outcome: CaseOutcome) -> int:
        """How many test cases ended so."""
        return sum(one.outcome == outcome for one in self.cases)

    def summary(self) -> dict[str, Json]:
        """What policy reads; ``passed`` needs at least one pass and no failure, error or flake."""
        failed, errors, flaky = self.count("failed"), self.count("error"), self.count("flaky")
        passed = self.count("passed")
        bad = sorted({one.full_name for one in self.cases if one.outcome in {"failed", "error", "flaky"}})
        names = passed_names(self.cases)
        return {
            "kind": "tests",
            "verdict": "passed" if passed and not failed + errors + flaky + self.claimed else "failed",
            "passed": passed,
            "failed": failed + self.claimed,
            "errors": errors,
            "flaky": flaky,
            "skipped": self.count("skipped"),
            "total": len(self.cases),
            "passed_tests": [*names[:SHOWN]],
            "failed_tests": [*bad[:SHOWN_FAILED]],
            "truncated": len(names) > SHOWN,
        }


def passed_names(cases: Iterable[Case]) -> list[str]:
    """Every spelling under which only tests that passed are known, sorted."""
    passed: set[str] = set()
    others: set[str] = set()
    for one in cases:
        (passed if one.outcome == "passed" else others).update(spellings(one))
    return sorted(passed - others)


def spellings(case: Case) -> set[str]:
    """How a test may be named: alone, with its class, as pytest's node id; parametrised also without parameters.

    ``tests.test_cart.TestCart`` with ``test_pays[1]`` gives ``tests/test_cart.py::TestCart::test_pays``,
    ``tests/test_cart.py::TestCart`` and ``tests/test_cart.py`` too.
    """
    modules = case.where.split(".") if case.where else []
    classes: list[str] = []
    while modules and modules[-1][:1].isupper():
        classes.insert(0, modules.pop())
    file = f"{'/'.join(modules)}.py" if modules else ""
    node = "::".join([file, *classes]) if modules else ""
    names = {case.name, case.name.partition("[")[0]} - {""}
    places = [f"{case.where}::", f"{case.where}.", f"{node}::" if node else ""]
    whole = {file, node, case.where} - {""}
    return names | whole | ({place + name for place in places for name in names} if case.where else set())


def read_junit(content: bytes) -> TestReport:
    """The report in a JUnit XML file.

    Raises:
        InvalidInput: ``junit-unreadable``, ``junit-doctype``, ``junit-shape``, ``junit-empty``,
            ``junit-too-large``, ``input-too-large`` or ``input-empty``.
    """
    check_size(content, what="a JUnit report", limit=MAX_JUNIT)
    reading = _Reading()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = reading.doctype
    parser.EntityDeclHandler = reading.doctype
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    try:
        parser.Parse(content, True)  # noqa: FBT003  # expat's own way to say that this is all
    except (expat.ExpatError, ValueError, LookupError) as error:
        line = getattr(error, "lineno", None)
        raise InvalidInput(
            f"expected a JUnit report in XML, got something unreadable{f' at line {line}' if line else ''}",
            code="junit-unreadable",
            hint="give the file as the test runner wrote it, whole",
        ) from error
    return reading.report()


@dataclass(slots=True)
class _Reading:
    """Where a pass over the document stands."""

    depth: int = 0
    case: tuple[str, str] | None = None
    said: str = ""
    ends: set[CaseOutcome] = field(default_factory=set)
    cases: list[Case] = field(default_factory=list)
    claims: list[tuple[int, int]] = field(default_factory=list)
    bad: int = 0
    claimed: int = 0

    def doctype(self, *_: object) -> NoReturn:
        raise InvalidInput(
            "expected a JUnit report without a document type, got one that declares its own",
            code="junit-doctype",
            hint="no test runner writes one; entities are never expanded here",
        )

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _too_large(f"at most {MAX_DEPTH} levels")
        if self.depth == 1 and name not in {"testsuites", "testsuite"}:
            raise InvalidInput(
                f"expected `testsuites` or `testsuite` at the top, got `{name[:60]}`",
                code="junit-shape",
                hint="give a JUnit report; other XML says nothing about tests",
            )
        if name == "testcase":
            self._open(attributes)
        elif name in {"testsuite", "testsuites"}:
            self.claims.append(
                (_number(attributes, "failures") + _number(attributes, "errors"), self.bad + self.claimed)
            )
        elif self.case is not None and name in _ENDS:
            self.ends.add(_ENDS[name])
            words = (attributes.get("type", ""), attributes.get("message", "").partition("\n")[0])
            self.said = self.said or ": ".join(word for word in words if word)[:SAID]

    def end(self, name: str) -> None:
        self.depth -= 1
        if name == "testcase" and self.case is not None:
            self._close()
        elif name in {"testsuite", "testsuites"}:
            claim, before = self.claims.pop()
            self.claimed += max(0, claim - (self.bad + self.claimed - before))

    def report(self) -> TestReport:
        if not self.cases:
            raise InvalidInput(
                "expected a JUnit report with at least one test case, got none",
                code="junit-empty",
                hint="no test ran: look at what the runner collected",
            )
        return TestReport(cases=tuple(self.cases), claimed=self.claimed)

    def _open(self, attributes: dict[str, str]) -> None:
        if self.case is not None or len(self.cases) >= MAX_CASES:
            raise _too_large(f"at most {MAX_CASES} test cases, none inside another")
        self.case = attributes.get("classname", "")[:300], attributes.get("name", "")[:300]
        self.ends, self.said = set(), ""
        # gtest: a disabled test is `notrun` and has no child that says so
        if attributes.get("status") in {"notrun", "disabled"} or attributes.get("result") == "suppressed":
            self.ends.add("skipped")

    def _close(self) -> None:
        outcome: CaseOutcome = next((one for one in _WORST if one in self.ends), "passed")
        self.bad += outcome in {"failed", "error"}
        where, name = self.case or ("", "")
        self.cases.append(Case(where=where, name=name, outcome=outcome, said=self.said))
        self.case = None


def _number(attributes: dict[str, str], name: str) -> int:
    text = attributes.get(name) or "0"
    if not text.isdecimal() or len(text) > 9:  # noqa: PLR2004  # far beyond any count of tests
        raise InvalidInput(
            f"expected a count in `{name}`, got `{text[:20]}`",
            code="junit-shape",
            hint="give the file as the test runner wrote it",
        )
    return int(text)


def _too_large(expected: str) -> InvalidInput:
    return InvalidInput(
        f"expected a JUnit report of {expected}, got more",
        code="junit-too-large",
        hint="split the report by suite and add each",
    )
