"""The shown facts: what approvals and evidence amount to.

Rules:
1. People are counted, not approvals; an author, an agent and a name the catalog does not know count for nothing.
2. Of several pieces of one kind the newest that may speak decides: a later failure undoes an earlier success.
3. A piece may speak if it is about this digest and not expired. Only a trusted runner's word is *shown*;
   what its own author attests is *self-attested* and meets no Tier-1 obligation.
4. Where nothing failed and something that is required was not seen at all, that is *incomplete*.
5. Concerns of a reviewer are counted, and how many a person answered; that there was a review shows nothing.
6. Summaries are read by the keys below; a missing key or a value of another kind shows nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from interlock.core.approval.model import Counted
from interlock.core.change.canonical import Json
from interlock.core.change.catalog import RANK, Role, Tier
from interlock.core.evidence.model import Evidence
from interlock.core.evidence.statement import JUNIT, OURS, SARIF, TEST_RESULT, VULNS
from interlock.core.evidence.word import bites
from interlock.core.policy.facts import NOTHING, Facts
from interlock.core.policy.question import DecisionInput

REHEARSAL = OURS + "rehearsal/v1"
"""``{verdict: passed|failed, seconds: number, objective_seconds: number, service: name, environment: name}``.

Without a ``service`` it speaks for all that the change touches. With ``idle`` its plan had nothing to do.
"""
ALERTS = OURS + "alert-proof/v1"
"""``{verdict, proven: [failure mode, …]}``"""
TESTS = OURS + "tests/v1"
"""``{verdict, passed_tests: [id, …], bites: bool}``; JUnit and test-result give the first two."""
SNAPSHOT = OURS + "snapshot/v1"
"""``{verdict}``: taken, restored elsewhere, compared."""
KNOWLEDGE = OURS + "knowledge/v1"
"""``{verdict, checked: [document, …], stale: [document, …]}``"""
SCAN = OURS + "scan/v1"
"""``{verdict, new_findings: [{class: CWE-89, where: path:line}, …], secrets: [where, …]}``; so does SARIF."""
OF_PRODUCERS = (REHEARSAL, ALERTS, TESTS, SNAPSHOT, KNOWLEDGE, SCAN)

QUESTIONS = frozenset({"breaks", "alert"})
"""What would this break, and which alert tells: both must be answered for a high-risk change."""

BLOCKING = frozenset({"CWE-89", "CWE-287", "CWE-306", "CWE-862", "CWE-863", "CWE-639", "CWE-502"})
"""Injection, broken authentication, missing or broken authorisation, unsafe deserialisation."""


_SPEAKING = ("trusted", "self-attested")
_NO_EVIDENCE: Facts = {name: value for name, value in NOTHING.items() if "approvals" not in name}


_RANKS: dict[str, int] = {role.value: rank for role, rank in RANK.items()}
_SENIOR, _DIRECTOR, _VP = RANK[Role.SENIOR], RANK[Role.DIRECTOR], RANK[Role.VP]


def shown_facts(given: DecisionInput, known: Facts) -> Facts:
    """Every shown fact."""
    return _approvals(given) | _evidence(given, known) | _concerns(given)


def _concerns(given: DecisionInput) -> Facts:
    still_open = [one.told for one in given.concerns if not one.answered_by]
    return {
        "concerns": len(given.concerns),
        "concerns_answered": len(given.concerns) - len(still_open),
        "open_concerns": sorted(still_open),
    }


def _approvals(given: DecisionInput) -> Facts:
    people, agents = _people(given), given.catalog.agents
    ranks = [max([_rank(given, one) for one in found]) for found in people.values()]
    verified = sum([any(one.presence == "verified" for one in found) for found in people.values()])
    return {
        "agent_approvals": len({one.person for one in given.tally.counted if one.person in agents}),
        "answered_approvals": sum([any(_answers(one) for one in found) for found in people.values()]),
        "approvals": len(people),
        "approvals_possession": len(people) - verified,
        "approvals_verified": verified,
        "approvals_void": len(given.tally.rejected),
        "director_approvals": sum([rank >= _DIRECTOR for rank in ranks]),
        "senior_approvals": sum([rank >= _SENIOR for rank in ranks]),
        "vp_approvals": sum([rank >= _VP for rank in ranks]),
    }


def _people(given: DecisionInput) -> dict[str, list[Counted]]:
    # With one person in the catalog, that person's own approval is all there can be; a second person ends that.
    alone = given.settings.one_person and len(given.catalog.people) == 1
    authors = set() if alone else set(given.tally.authors)
    people: dict[str, list[Counted]] = {}
    for one in given.tally.counted:
        if one.person in given.catalog.people and one.person not in authors:
            people.setdefault(one.person, []).append(one)
    return people


def _rank(given: DecisionInput, one: Counted) -> int:
    # The catalog in force knows the ranks of both; what the approval says can only be lower.
    people = given.catalog.people
    own = RANK[people[one.person].role]
    if one.on_behalf_of in people:
        own = max(own, RANK[people[one.on_behalf_of].role])
    return min(own, _RANKS.get(one.role, 0))


def _answers(one: Counted) -> bool:
    return set(one.answered) >= QUESTIONS


def _evidence(given: DecisionInput, known: Facts) -> Facts:
    pieces = _pieces(given)
    if not pieces:
        return _NO_EVIDENCE
    rehearsals, alerts = _of(pieces, REHEARSAL), _of(pieces, ALERTS)
    ages, limit = [_age_hours(given, one) for one in rehearsals], _rehearsal_hours(given)
    fresh = [one for one, age in zip(rehearsals, ages, strict=True) if age <= limit]
    tests, scans = _of(pieces, TESTS, JUNIT, TEST_RESULT), _of(pieces, SCAN, SARIF, *VULNS)
    notes, cited = _of(pieces, KNOWLEDGE), given.description.documentation.cites
    modes, required = known["failure_modes"], known["required_tests"]
    proven, stale = _all(_speaking(alerts), "proven"), _all(notes, "stale")
    return {
        "alert_proof": _state(alerts, "proven", modes) if modes else "missing",
        "alerts_proven": len(proven.intersection(_words(modes))),
        "blocking_findings": sorted(_blocking(scans)),
        "knowledge": _state(notes, "checked", cited),
        "knowledge_stale": sorted(stale.intersection(cited)),
        "rehearsal": _rehearsed(given, fresh),
        "rehearsal_age_hours": min(ages, default=0),
        "rollback_too_slow": any(_slow(given, one) for one in _speaking(fresh)),
        "scan": _state(scans),
        "secrets": sorted(_all(scans, "secrets")),
        "snapshot": _state(_of(pieces, SNAPSHOT)),
        "tests": _state(tests, "passed_tests", required),
        "tests_seen": sorted(_all(_speaking(tests), "passed_tests").intersection(_words(required))),
        "tests_bite": _bites(_of(pieces, TESTS)),
        "tests_unexplained": sorted(_all(_speaking(_of(pieces, TESTS)), "unexplained_tests")),
    }


def _pieces(given: DecisionInput) -> dict[str, list[Evidence]]:
    """By kind, the newest piece of each runner and tool that is about this digest and not expired."""
    digest, now = given.change.digest, given.now
    newest: dict[tuple[str, str | None, object], Evidence] = {}
    for one in given.evidence:
        speaks = one.subject == digest and one.issued_at <= now < one.expires_at
        if not speaks or one.standing not in _SPEAKING:
            continue
        key = (one.predicate_type, one.runner, str(one.summary.get("tool", "")))
        other = newest.get(key)
        if other is None or (other.issued_at, other.id) < (one.issued_at, one.id):
            newest[key] = one
    found: dict[str, list[Evidence]] = {}
    for one in newest.values():
        found.setdefault(one.predicate_type, []).append(one)
    return found


def _of(pieces: dict[str, list[Evidence]], *kinds: str) -> list[Evidence]:
    return [one for kind in kinds if kind in pieces for one in pieces[kind]]


def _speaking(pieces: list[Evidence]) -> list[Evidence]:
    return [one for one in pieces if one.standing == "trusted"] or pieces


def _state(pieces: list[Evidence], covers: str = "", wanted: object = ()) -> str:
    if not pieces:
        return "missing"
    speaking = _speaking(pieces)
    for one in speaking:
        if one.summary.get("verdict") != "passed":
            return "failed"
    if wanted and not _all(speaking, covers).issuperset(_words(wanted)):
        return "incomplete"
    return "shown" if speaking[0].standing == "trusted" else "self-attested"


def _bites(tests: list[Evidence]) -> str:
    """As ``_state``; of several services' tests those that do not bite decide, and those that name idle ones."""
    asked = [one for one in tests if bites(one.summary) is not None]
    idle = any(bites(one.summary) is False for one in _speaking(asked))
    return "failed" if idle else _state(asked)


def _rehearsed(given: DecisionInput, fresh: list[Evidence]) -> str:
    """As ``_state``, of the pieces by whose plan there was something to do.

    Where each names its service and place, every Tier-1 service touched must be among them, and each plan that the
    rules have for the services touched.
    """
    speaking = _speaking(fresh)
    acting = [one for one in fresh if not one.summary.get("idle")]
    state = _state(acting) if acting or not fresh else "incomplete"
    named = {one.summary.get("service") for one in _speaking(acting)}
    if state not in {"shown", "self-attested"} or None in named:
        return state
    known = given.catalog.services
    wanted = {name for name in given.change.services if name in known and known[name].tier is Tier.ONE}
    planned = {plan for plan in given.rehearsals if plan[0] in given.change.services}
    seen = {(one.summary.get("service"), one.summary.get("environment")) for one in speaking}
    return "incomplete" if wanted - named or planned - seen else state


def _all(pieces: Iterable[Evidence], key: str) -> set[str]:
    found: set[str] = set()
    for one in pieces:
        found.update(_words(one.summary.get(key)))
    return found


def _words(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list | tuple) else []


def _blocking(scans: list[Evidence]) -> set[str]:
    found: set[str] = set()
    for one in scans:
        listed: Json = one.summary.get("new_findings")
        for item in listed if isinstance(listed, list) else []:
            if isinstance(item, dict) and item.get("class") in BLOCKING:
                found.add(f"{item['class']} {item.get('where', '')}".strip())
    return found


def _slow(given: DecisionInput, one: Evidence) -> bool:
    seconds, objective = one.summary.get("seconds"), one.summary.get("objective_seconds")
    limit = objective if _is_number(objective) else given.settings.thresholds.rollback_seconds
    return not (_is_number(seconds) and float(str(seconds)) <= float(str(limit)))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _age_hours(given: DecisionInput, one: Evidence) -> int:
    return (given.now - one.issued_at) // timedelta(hours=1)


def _rehearsal_hours(given: DecisionInput) -> int:
    return given.settings.thresholds.rehearsal_days * 24
