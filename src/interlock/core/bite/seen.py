"""What a run of tests showed, test by test: from the lines of pytest's witness, or from a JUnit report.

Rules:
1. What is read here was written beside code that nobody has reviewed: it is bounded, and what is not as it should
   be makes the whole run unreadable.
2. A test that a run has several reports of (setup, call, teardown, a rerun) is as bad as the worst of them.
3. A failure is *strong* when the test itself failed, and not for want of a symbol: no Import, Attribute or Name
   error, none on the way to what failed, no argument that a function does not take yet, no fixture or setup.
   Of another runner's report it is what its words say, in the languages that are known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.junit import Case, spellings
from interlock.core.evidence.strict_json import read_json

MOST_BYTES = 64 * 1024 * 1024
MOST_LINE = 4 * 1024 * 1024
MOST_TESTS = 100_000
MOST_NAME = 500
MOST_LISTED = 1_000
MOST_SAID = 300

Outcome = Literal["passed", "strong", "weak", "skipped"]
"""``strong`` and ``weak`` are failures. Expected failures are skipped, and so is one that passed after all."""

_WORST: tuple[Outcome, ...] = ("strong", "weak", "skipped", "passed")
_SYMBOL = frozenset({"ImportError", "AttributeError", "NameError"})
_SIGNATURE = re.compile(
    r"unexpected keyword argument|takes .{0,60}argument|missing \d+ required|too many positional"
)
_SYMBOL_TEXT = re.compile(
    r"""
    \b(?:ModuleNotFoundError|ImportError|AttributeError|NameError|UnboundLocalError)\b
    | \bis\ not\ a\ (?:function|constructor) | \bCannot\ read\ propert | \bReferenceError\b
    | \bdoes\ not\ provide\ an\ export | \b[Cc]annot\ find\ (?:module|symbol|name|type|package|namespace)\b
    | \bTS(?:2304|2305|2307|2339|2551|2552|2724)\b
    | \bNoMethodError\b | \bundefined\ (?:local\ variable\ or\ )?method\b | \buninitialized\ constant\b
    | \bUndefined\ (?:constant|property|variable|function|method|class)\b
    | \b[Cc]all\ to\ undefined\ (?:function|method)\b
    | \b(?:Class|Interface|Trait|Enum)\ "[^"]{1,200}"\ not\ found
    | \bNoSuch(?:Method|Field)(?:Error|Exception)\b | \bNoClassDefFoundError\b | \bClassNotFoundException\b
    | \bUnresolved\ reference\b | \bis\ not\ a\ member\ of\b
    | \bundefined:\ \S | \bundefined\ \((?:type|field)\b
    | \bE0(?:405|412|422|423|425|432|433|599|609)\b
    | \bCS0(?:103|117|234|246)\b | \bCS1061\b | \bMissing(?:Method|Field|Member)Exception\b
    | \bTypeLoadException\b | \bis\ undefined\ or\ private\b | \bUndefinedFunctionError\b
    """,
    re.VERBOSE,
)
"""What runners of Python, JavaScript, TypeScript, Ruby, PHP, Java, Kotlin, Go, Rust, C# and Elixir say of it."""
_ASSERTED = frozenset({"AssertionError", "Failed"})
_ASSERTED_TEXT = re.compile(r"\bassert|\bAssertionError\b|^Failed\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A function of the checkout: its file, and its name with those of its classes."""

    file: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one test ended in one run, and what it said.

    ``in_call``: in the test itself, not in what sets it up. ``asserted``: what failed is what the test claims.
    """

    outcome: Outcome
    said: str = ""
    in_call: bool = True
    asserted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One run. ``uses`` are a test's own function and the fixtures it has; ``unread`` are files not collected.

    ``origins`` are where modules of the product came from, None where nobody could be asked. ``left_out`` were
    collected and deselected. Where it was ``watched``, ``ran`` are files of which functions ran, by test, and by
    nothing for what was outside of them; ``opened`` those that were opened, and ``started`` whether other programs
    were. ``fault`` says why the run shows nothing; empty where it does.
    """

    results: Mapping[str, Result] = field(default_factory=dict)
    uses: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, str] | None = None
    left_out: frozenset[str] = frozenset()
    watched: bool = False
    ran: Mapping[str, frozenset[str]] = field(default_factory=dict)
    opened: frozenset[str] = frozenset()
    started: bool = False
    fault: str = ""

    @property
    def passed(self) -> int:
        """How many tests passed."""
        return sum(one.outcome == "passed" for one in self.results.values())


def read_witness(content: bytes, *, root: str) -> Seen:
    """What the witness wrote, a line for each report, of a run in ``root``, an absolute path.

    Raises:
        InvalidInput: ``witness-unreadable``, or what is wrong with the JSON.
    """
    reading = _Reading(root=root.rstrip("/") + "/")
    lines = content.splitlines()
    if len(content) > MOST_BYTES or len(lines) > 4 * MOST_TESTS:
        raise _unreadable(f"at most {MOST_TESTS} tests")
    for line in lines:
        told = read_json(line, what="a report of the tests", limit=MOST_LINE)
        if not isinstance(told, dict):
            raise _unreadable("one object in a line")
        reading.take(told)
    return Seen(
        results=reading.results,
        uses=reading.uses,
        unread=reading.unread,
        origins=reading.origins,
        left_out=frozenset(reading.left_out),
        watched=bool(reading.ran) and not reading.lost,
        ran=reading.ran,
        opened=frozenset(reading.opened),
        started=reading.started,
    )


@dataclass(slots=True)
class _Reading:
    """Where reading stands."""

    root: str
    results: dict[str, Result] = field(default_factory=dict)
    uses: dict[str, tuple[Place, ...]] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    origins: dict[str, str] | None = None
    left_out: set[str] = field(default_factory=set)
    ran: dict[str, frozenset[str]] = field(default_factory=dict)
    opened: set[str] = field(default_factory=set)
    started: bool = False
    lost: bool = False

    def take(self, told: Mapping[str, Json]) -> None:
        kind = told.get("kind")
        if kind == "test":
            self._test(_text(told, "id"), told)
        elif kind == "item":
            self.uses[_text(told, "id")] = tuple(self._place(each) for each in _list(told, "uses"))
        elif kind == "unread":
            self.unread[_text(told, "id")] = _text(told, "said", MOST_SAID)
        elif kind == "origins":
            found = told.get("origins")
            pairs = found.items() if isinstance(found, dict) else ()
            self.origins = {**(self.origins or {}), **{str(name)[:MOST_NAME]: str(file) for name, file in pairs}}
        elif kind == "left-out":
            self.left_out.add(_text(told, "id"))
        elif kind == "reach":
            self._reach(_text(told, "id"), told)
        else:
            raise _unreadable("a report of a known kind")

    def _test(self, name: str, told: Mapping[str, Json]) -> None:
        result = _result(told)
        other = self.results.get(name)
        if other is None or _WORST.index(result.outcome) < _WORST.index(other.outcome):
            self.results[name] = result

    def _reach(self, name: str, told: Mapping[str, Json]) -> None:
        ran, opened = (
            {str(each).removeprefix(self.root) for each in _list(told, key)} for key in ("ran", "opened")
        )
        self.ran[name] = self.ran.get(name, frozenset()) | ran
        self.opened |= opened
        self.started = self.started or told.get("started") is True
        self.lost = self.lost or told.get("lost") is True

    def _place(self, told: Json) -> Place:
        if not isinstance(told, dict):
            raise _unreadable("places as objects")
        file = _text(told, "file", 4_096)
        return Place(file=file.removeprefix(self.root), name=_text(told, "name"))


def _result(told: Mapping[str, Json]) -> Result:
    outcome, phase = told.get("outcome"), told.get("phase")
    said = _text(told, "said", MOST_SAID)
    if told.get("xfail") is True or outcome == "skipped":
        return Result(outcome="skipped", said=said)
    if outcome == "passed":
        return Result(outcome="passed")
    if outcome != "failed":
        raise _unreadable("a known outcome")
    kinds = {str(each) for each in _list(told, "kinds")}
    in_call = phase == "call"
    weak = not in_call or bool(_SYMBOL & kinds) or ("TypeError" in kinds and bool(_SIGNATURE.search(said)))
    asserted = bool(_ASSERTED & kinds)
    return Result(outcome="weak" if weak else "strong", said=said, in_call=in_call, asserted=asserted)


def from_junit(cases: Iterable[Case]) -> Seen:
    """What a JUnit report says, by full names; of why a test failed it tells what the runner wrote there."""
    results: dict[str, Result] = {}
    for case in cases:
        result = _of_case(case)
        other = results.get(case.full_name)
        if other is None or _WORST.index(result.outcome) < _WORST.index(other.outcome):
            results[case.full_name] = result
    return Seen(results=results)


def _of_case(case: Case) -> Result:
    if case.outcome == "passed":
        return Result(outcome="passed")
    if case.outcome == "skipped":
        return Result(outcome="skipped", said=case.said)
    weak = case.outcome != "failed" or _SYMBOL_TEXT.search(case.said) or _SIGNATURE.search(case.said)
    asserted = bool(_ASSERTED_TEXT.search(case.said))
    in_call = case.outcome == "failed"
    return Result(outcome="weak" if weak else "strong", said=case.said, in_call=in_call, asserted=asserted)


def spelled(test: str) -> set[str]:
    """Every spelling under which people know a test: pytest's id, a JUnit name, alone, by class or by file."""
    path, _, rest = test.partition("::")
    if not path.endswith(".py") or not rest:
        where, _, name = test.rpartition("::")
        return {test} | spellings(Case(where=where, name=name, outcome="passed"))
    bare, bracket, parameters = rest.partition("[")
    *classes, name = bare.split("::")
    module = path.removesuffix(".py").replace("/", ".")
    case = Case(where=".".join([module, *classes]), name=f"{name}{bracket}{parameters}", outcome="passed")
    nodes = {"::".join([path, *classes[:count]]) for count in range(len(classes) + 1)}
    return {test, f"{path}::{bare}", *nodes} | spellings(case)


def _text(told: Mapping[str, Json], key: str, most: int = MOST_NAME) -> str:
    value = told.get(key, "")
    if not isinstance(value, str):
        raise _unreadable(f"`{key}` as text")
    return value[:most]


def _list(told: Mapping[str, Json], key: str) -> list[Json]:
    value = told.get(key, [])
    if not isinstance(value, list) or len(value) > MOST_LISTED:
        raise _unreadable(f"`{key}` as a short list")
    return value


def _unreadable(expected: str) -> InvalidInput:
    return InvalidInput(
        f"expected reports of tests with {expected}, got something else",
        code="witness-unreadable",
        hint="what the tests wrote beside pytest is no report: look at what they write, and where",
    )
