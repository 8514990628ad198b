"""Cedar behind one function: facts go in, the rules that fire come out, in one call.

Reading a record of fifty facts costs Cedar as much as judging sixty policies by it, so it is asked as little as
gives the same answer. A property test compares this with the policies as written over the whole record.

Rules:
1. Policies are folded once for each combination of the few facts in ``SPECIAL`` that comes up (``fold.py``).
   One that then always or never fires, or hangs on nothing but literals (``literals.py``), is not put to Cedar;
   facts that no policy reads any more are not sent. Where no policy is left, Cedar is not asked.
2. A false fact and an empty set are sent as absent. Because absent then means something, a required fact that
   is missing is an error before Cedar is asked.
3. Each policy that reads shown facts is folded a second time with the values for "nothing shown", so that
   obligations need no second call.
4. In the engine every policy is a forbid: a forbid that fires would hide which permits hold, while of forbids
   Cedar names every one that holds.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field

import cedarpy

from interlock.core.policy.expressions import Node, facts_read
from interlock.core.policy.facts import ACTION, FACTS, NOTHING, PRINCIPALS, Facts, FactValue
from interlock.core.policy.fold import FALSE, TRUE, fold
from interlock.core.policy.literals import Literal, all_hold, literals
from interlock.core.policy.policy import Policy
from interlock.core.policy.written import written

SPECIAL = ("agent", "high_risk", "irreversible", "one_person", "production", "rules_only", "rules_touched", "tier")
"""Facts that many policies ask for, and that have few values."""
MAX_FOLDED = 32
"""Combinations kept; folding one takes some milliseconds."""

_STRIPPED = "#stripped"
"""Cannot be part of an ``@id``."""
_ACTION = {"type": "Action", "id": ACTION}
_CHANGE = {"type": "Change", "id": ""}
_NO_ENTITIES = cedarpy.Entities.from_json_str("[]")
_KEY = operator.itemgetter(*SPECIAL)
_TIERS = (1, 2, 3)
_ANYWHERE = ({"op": "All"}, {"op": "==", "entity": _ACTION})

Key = tuple[FactValue, ...]
Literals = tuple[Literal, ...]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Folded:
    """The policies for one combination: what Cedar holds and reads, what always fires, what is plain to see.

    ``policies`` is None where nothing is left for Cedar. A plain policy fires when each literal is as wanted.
    """

    policies: cedarpy.PolicySet | None
    reads: tuple[str, ...]
    always: tuple[str, ...]
    plain: tuple[tuple[str, Literals], ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Engine:
    """``required`` must be known; ``folded`` fills up as combinations are asked for, each once.

    ``unshown`` are the policies that read nothing shown, ``stripped`` the forbids that do, by their second name.
    """

    policies: dict[str, Policy]
    required: frozenset[str]
    permits: frozenset[str]
    forbids: frozenset[str]
    unshown: frozenset[str]
    stripped: dict[str, str]
    folded: dict[Key, Folded] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """What the policies said of one record of facts.

    ``rules`` fired as things stand, ``stripped`` fire with nothing shown; ``errors`` are what went wrong.
    """

    rules: frozenset[str]
    stripped: frozenset[str]
    permitted: bool
    errors: tuple[str, ...] = ()


def build_engine(policies: dict[str, Policy]) -> Engine:
    """The policies, ready to be asked; those for an ordinary Tier-1 change are folded at once."""
    permits = frozenset(name for name, policy in policies.items() if policy.effect == "permit")
    forbids = frozenset(policies) - permits
    unshown = frozenset(name for name, policy in policies.items() if not policy.reads_shown)
    engine = Engine(
        policies=policies,
        required=frozenset(name for name, fact in FACTS.items() if not fact.optional),
        permits=permits,
        forbids=forbids,
        unshown=unshown,
        stripped={name + _STRIPPED: name for name in forbids - unshown},
    )
    _folded((False, False, False, False, True, False, False, 1), engine)
    return engine


def ask(facts: Facts, engine: Engine) -> Fired:
    """Which rules fire on ``facts``."""
    if not engine.required <= facts.keys():
        missing = sorted(engine.required - facts.keys())
        return _broken(tuple(f"the fact `{name}` is missing" for name in missing))
    key = _KEY(facts)
    if not all(type(value) is bool for value in key[:-1]) or key[-1] not in _TIERS or key[-1] is True:
        return _broken(("a fact that policies are folded by is of the wrong kind",))
    kind = PRINCIPALS.get(str(facts["actor"]))
    if kind is None:
        return _broken(("`actor` is none of person, pipeline, agent",))
    folded = engine.folded.get(key) or _folded(key, engine)
    try:
        held = [name for name, wanted in folded.plain if all_hold(wanted, facts)]
        reasons, errors = _put_to_cedar(kind, facts, folded)
    except (ValueError, TypeError, UnicodeError) as error:
        return _broken((f"the request could not be read: {error}",))
    if reasons is None:
        return _broken(errors or ("the policy engine gave no decision",))
    return _sorted_out((*folded.always, *held, *reasons), errors, engine)


def _put_to_cedar(kind: str, facts: Facts, folded: Folded) -> tuple[list[str] | None, tuple[str, ...]]:
    """The policies that fire and the errors; None where Cedar did not decide."""
    if folded.policies is None:
        return [], ()
    text = written(facts, folded.reads)
    question = {"principal": {"type": kind, "id": ""}, "action": _ACTION, "resource": _CHANGE, "context": text}
    (answer,) = cedarpy.is_authorized_batch([question], folded.policies, _NO_ENTITIES)
    said = answer.diagnostics
    decided = answer.decision is not cedarpy.Decision.NoDecision
    return said.reasons if decided else None, tuple(sorted(said.errors))


def _broken(errors: tuple[str, ...]) -> Fired:
    return Fired(rules=frozenset(), stripped=frozenset(), permitted=False, errors=errors)


def _sorted_out(named: tuple[str, ...], errors: tuple[str, ...], engine: Engine) -> Fired:
    rules = engine.forbids.intersection(named)
    stripped = [engine.stripped[name] for name in named if name in engine.stripped]
    return Fired(
        rules=rules,
        stripped=(rules & engine.unshown).union(stripped),
        permitted=not engine.permits.isdisjoint(named),
        errors=errors,
    )


def _folded(key: Key, engine: Engine) -> Folded:
    found = _fold_all(dict(zip(SPECIAL, key, strict=True)), engine.policies)
    if len(engine.folded) >= MAX_FOLDED:
        engine.folded.clear()
    engine.folded[key] = found
    return found


def _fold_all(known: Facts, policies: Mapping[str, Policy]) -> Folded:
    forms = {name: _form(policy, known) for name, policy in policies.items()}
    forms |= {
        name + _STRIPPED: _form(policy, known | NOTHING) for name, policy in policies.items() if policy.reads_shown
    }
    asked = {name: form for name, form in forms.items() if isinstance(form, dict)}
    document = json.dumps({"staticPolicies": asked, "templates": {}, "templateLinks": []})
    return Folded(
        policies=cedarpy.PolicySet.from_json_str(document) if asked else None,
        reads=tuple(sorted({name for form in asked.values() for name in facts_read(form)})),
        always=tuple(name for name, form in forms.items() if form == ()),
        plain=tuple((name, form) for name, form in forms.items() if isinstance(form, tuple) and form),
    )


def _form(policy: Policy, known: Facts) -> dict[str, object] | Literals | None:
    """The policy for Cedar, or what it hangs on (nothing: it always fires), or None for one that never fires."""
    conditions: list[dict[str, Node]] = []
    for one in policy.conditions:
        body, settled = fold(one["body"], known), (TRUE if one["kind"] == "when" else FALSE)
        if body in (TRUE, FALSE) and body != settled:
            # Cedar takes conditions in order: what stands before may raise an error and must be asked.
            return None if not conditions else _cedar(policy, [*conditions, {**one, "body": body}])
        if body != settled:
            conditions.append({**one, "body": body})
    if all(policy.est.get(part) in _ANYWHERE for part in ("principal", "action", "resource")):
        found = [literals(one["body"]) if one["kind"] == "when" else None for one in conditions]
        if None not in found:
            return tuple(pair for pairs in found if pairs for pair in pairs)
    return _cedar(policy, conditions)


def _cedar(policy: Policy, conditions: list[dict[str, Node]]) -> dict[str, object]:
    form = {key: part for key, part in policy.est.items() if key != "annotations"}
    return {**form, "effect": "forbid", "conditions": conditions}
