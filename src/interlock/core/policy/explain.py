"""Why a decision is what it is: each rule with the facts it read, and what one rule says and reads.

Rules:
1. A record of facts from outside is checked against the table before anything is asked: names, types, words.
2. A given fact that is missing is an error, not a default; of shown facts, what is not said is not shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from interlock.core.change.errors import InvalidInput, NotFound
from interlock.core.change.parse import closest
from interlock.core.policy.bundle import Bundle
from interlock.core.policy.facts import FACTS, NOTHING, Fact, Facts, FactValue
from interlock.core.policy.policy import Policy

_KINDS = {
    "Bool": "true or false",
    "Long": "a whole number",
    "String": "a string",
    "Set<String>": "strings in a list",
}
MAX_ITEMS = 10_000
_MOST = 1 << 53


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleExplained:
    """One rule: where it stands, what it tells, and the meaning of every fact that it reads."""

    policy: Policy
    source: str
    reads: tuple[tuple[str, str], ...]


def explain_rule(name: str, bundle: Bundle) -> RuleExplained:
    """What the rule called ``name`` says and reads.

    Raises:
        NotFound: ``rule-unknown``.
    """
    policy = bundle.policies.get(name)
    if policy is None:
        raise NotFound(
            f"expected the id of a rule, got `{name[:80]}`{closest(name, list(bundle.policies))}",
            code="rule-unknown",
            hint="interlock policy check lists every rule",
        )
    meanings = tuple((fact, FACTS[fact].meaning) for fact in policy.reads)
    return RuleExplained(policy=policy, source=policy.source, reads=meanings)


def read_facts(value: object) -> Facts:
    """A record of facts from parsed JSON.

    Raises:
        InvalidInput: ``facts-shape``, ``fact-unknown``, ``fact-type`` or ``fact-missing``.
    """
    if not isinstance(value, Mapping):
        raise _wrong("facts-shape", "expected a JSON object of facts", 'write {"tier": 1, …}')
    for name in value:
        if name not in FACTS:
            near = closest(str(name), list(FACTS))
            raise _wrong("fact-unknown", f"expected known facts, got `{str(name)[:60]}`{near}", "remove it")
    value = {**NOTHING, **value}
    missing = sorted(name for name, fact in FACTS.items() if not fact.optional and name not in value)
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise _wrong("fact-missing", f"expected the fact `{missing[0]}`{more}, got none", _WHOLE)
    return {str(name): _checked(FACTS[name], value[name]) for name in sorted(value)}


def first_facts() -> Facts:
    """Every fact of an ordinary change to production that nobody has approved or shown anything about yet."""
    quiet: dict[str, FactValue] = {"Bool": False, "Long": 0, "Set<String>": []}
    plain = {name: fact.values[0] if fact.values else quiet.get(fact.type, "") for name, fact in FACTS.items()}
    return {**plain, **_ORDINARY, **NOTHING}


_WHOLE = "say every given fact; interlock policy facts prints a whole set to start from"
_ORDINARY: Facts = {
    "approvals_required": 1,
    "artefact_previous_known": True,
    "artefacts": ["oci:registry.example/orders"],
    "change_class": "normal",
    "documented": True,
    "environment": "production",
    "failure_modes": ["orders drop"],
    "failure_modes_count": 1,
    "files": 1,
    "limit_fleet_percent": 25,
    "limit_orders_percent": 25,
    "limit_services": 5,
    "lines": 12,
    "production": True,
    "provenance": "human",
    "reached_services": 1,
    "required_tests": ["test_orders"],
    "services": ["orders"],
    "software_keys_suffice": True,
    "tests_listed_first": True,
    "tier": 2,
}


def _checked(fact: Fact, value: object) -> FactValue:
    if fact.type == "Bool" and isinstance(value, bool):
        return value
    if fact.type == "Long" and isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MOST:
        return value
    if fact.type == "String" and isinstance(value, str) and (not fact.values or value in fact.values):
        return value
    if fact.type == "Set<String>" and isinstance(value, list) and len(value) <= MAX_ITEMS:
        items = [item for item in value if isinstance(item, str)]
        if len(items) == len(value):
            return sorted(set(items))
    wanted = f"one of {', '.join(fact.values)}" if fact.values else _KINDS[fact.type]
    raise _wrong(
        "fact-type", f"expected `{fact.name}` to be {wanted}, got `{str(value)[:60]}`", "correct the value"
    )


def _wrong(code: str, problem: str, hint: str) -> InvalidInput:
    return InvalidInput(problem, code=code, hint=hint)
