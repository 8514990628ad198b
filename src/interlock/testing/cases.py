"""Policy cases: a base change, what is different about it, and which rule must then refuse it.

Rules:
1. A case is plain JSON or YAML over the public shapes of change, description, tally and evidence, so that the
   same case runs in-process, through the API, and for a user's own policies.
2. ``with`` is laid over the base: maps are merged, everything else (lists too) is replaced. Evidence is a map of
   names to pieces, so that a case can change or (with null) take away one of them.
3. ``@digest`` stands for the digest of the change's own parts, ``@catalog`` for the digest of the catalog.
4. Cases judge rules, not modes: everything is enforced while they run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from interlock.core.approval.model import Tally
from interlock.core.change.canonical import Json
from interlock.core.change.catalog import Catalog
from interlock.core.change.change import Change, Submission
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest, parse
from interlock.core.change.plain_yaml import read_plain
from interlock.core.change.settings import Settings
from interlock.core.evidence.model import Evidence
from interlock.core.facts.model import Description
from interlock.core.policy.bundle import Bundle
from interlock.core.policy.decision import Decision, Outcome
from interlock.core.policy.evaluate import decide
from interlock.core.policy.modes import Freeze, Modes
from interlock.core.policy.question import Actor, DecisionInput, Grant
from interlock.core.review.answered import Asked

MAX_CASES = 5_000

Tree = dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """``rule`` is judged: on ``passes`` the change is allowed, on ``refused`` this rule is among the reasons."""

    name: str
    rule: str
    expect: Literal["passes", "refused"]
    base: str
    differs: Annotated[dict[str, Json], Field(validation_alias="with")] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """A file of cases; its bases may be used by every other file."""

    bases: dict[str, dict[str, Json]] = field(default_factory=dict)
    cases: tuple[Case, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseInput:
    """What a case amounts to, in the public shapes."""

    change: Change
    description: Description
    tally: Tally
    now: datetime
    catalog: Catalog
    settings: Settings = field(default_factory=Settings)
    evidence: tuple[Evidence, ...] = ()
    environment: str = "production"
    actor: Actor = "person"
    conflicts: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    offered_digest: str | None = None
    concerns: tuple[Asked, ...] = ()
    rehearsals: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a case went."""

    case: Case
    decision: Decision
    held: bool


def read_cases(files: Mapping[str, bytes]) -> tuple[tuple[Case, ...], dict[str, Tree]]:
    """All cases and all bases in ``files`` (name → YAML).

    Raises:
        InvalidInput: ``yaml-unreadable``, ``yaml-too-large``, ``input-shape``, ``case-twice`` or ``case-base``.
    """
    read = {name: _file(name, content) for name, content in sorted(files.items())}
    bases = {name: base for file in read.values() for name, base in file.bases.items()}
    cases = tuple(case for file in read.values() for case in file.cases)
    names = [case.name for case in cases]
    for case in cases:
        if names.count(case.name) > 1:
            raise _wrong("case-twice", f"expected different names, got `{case.name[:60]}` twice", "rename one")
        if case.base not in bases:
            known = closest(case.base, list(bases))
            raise _wrong(
                "case-base", f"expected a known base, got `{case.base[:60]}`{known}", "name one of bases:"
            )
    return cases, bases


def build(case: Case, bases: Mapping[str, Tree]) -> CaseInput:
    """The case over its base.

    Raises:
        InvalidInput: ``input-shape``, naming the case.
    """
    tree = _laid_over(bases[case.base], case.differs)
    change = tree.get("change")
    submission = parse(
        Submission, change.get("submission") if isinstance(change, dict) else None, what=f"case `{case.name}`"
    )
    catalog = tree.get("catalog")
    marks = {
        "@digest": submission.digest,
        "@catalog": str(catalog.get("digest") if isinstance(catalog, dict) else ""),
    }
    pieces = tree.get("evidence")
    if isinstance(pieces, dict):
        tree["evidence"] = [piece for piece in pieces.values() if piece is not None]
    return parse(CaseInput, _marked(tree, marks), what=f"case `{case.name}`")


def question(given: CaseInput) -> DecisionInput:
    """The case as ``decide`` takes it."""
    return DecisionInput(
        change=given.change,
        description=given.description,
        tally=given.tally,
        evidence=given.evidence,
        environment=given.environment,
        settings=given.settings,
        catalog=given.catalog,
        now=given.now,
        actor=given.actor,
        grants=given.grants,
        conflicts=given.conflicts,
        offered_digest=given.offered_digest,
        concerns=given.concerns,
        rehearsals=given.rehearsals,
    )


def enforced(bundle: Bundle, freezes: tuple[Freeze, ...] = ()) -> Bundle:
    """The same rules with every mode set to enforce and these freeze windows."""
    modes = Modes(default="enforce", rules=dict.fromkeys(bundle.policies, ("enforce", ())))
    return replace(bundle, modes=modes, freezes=freezes)


def run(case: Case, bases: Mapping[str, Tree], bundle: Bundle) -> Verdict:
    """Judge one case by ``bundle``."""
    return judge(case, build(case, bases), bundle)


def judge(case: Case, given: CaseInput, bundle: Bundle) -> Verdict:
    """Judge a case that was built already."""
    decision = decide(question(given), enforced(bundle, given.freezes))
    if case.expect == "passes":
        held = decision.outcome is Outcome.ALLOW
    else:
        held = any(reason.id == case.rule for reason in decision.reasons)
    return Verdict(case=case, decision=decision, held=held)


def run_all(files: Mapping[str, bytes], bundle: Bundle) -> Iterator[Verdict]:
    """Judge every case in ``files``, one by one."""
    cases, bases = read_cases(files)
    for case in cases:
        yield run(case, bases, bundle)


def _file(name: str, content: bytes) -> CaseFile:
    value = read_plain(name, content, aliases=True)
    file = parse(CaseFile, {} if value is None else value, what=name)
    if len(file.cases) > MAX_CASES:
        raise _wrong("case-many", f"expected at most {MAX_CASES} cases in `{name}`", "split what is tested")
    return file


def _laid_over(base: Json, over: Json) -> Tree:
    merged = _merged(base, over)
    return merged if isinstance(merged, dict) else {}


def _merged(base: Json, over: Json) -> Json:
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return {key: _merged(base.get(key), over[key]) if key in over else base[key] for key in (*base, *over)}


def _marked(value: Json, marks: Mapping[str, str]) -> Json:
    if isinstance(value, str):
        return marks.get(value, value)
    if isinstance(value, list):
        return [_marked(item, marks) for item in value]
    if isinstance(value, dict):
        return {key: _marked(item, marks) for key, item in value.items()}
    return value


def _wrong(code: str, problem: str, hint: str) -> InvalidInput:
    return InvalidInput(problem, code=code, hint=hint)
