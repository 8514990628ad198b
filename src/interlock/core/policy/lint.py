"""What Cedar's validator does not say: policies that can never fire, or always do.

Rules:
1. Everything that must hold for a policy to fire is read as one conjunction: its ``when`` clauses and what stands
   beside ``&&`` in them. Two of these that exclude each other make the policy impossible.
2. A word that is none of a fact's possible values, and a number outside its range, is named where it stands.
3. A doubt is not an error: the policy still holds. ``policy check`` shows it, and exits 1.

An attribute read without its guard and a missing remedy are refused at load, so they never come this far.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from interlock.core.change.parse import closest
from interlock.core.policy.expressions import Node, attribute
from interlock.core.policy.facts import FACTS
from interlock.core.policy.fold import FALSE, TRUE, fold
from interlock.core.policy.policy import Policy

_LEAST, _MOST = 0, (1 << 63) - 1
_RANGES = {"tier": (1, 3), "approvals_required": (1, 2)}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}
_REMEDY = "correct the condition, or remove the policy"


@dataclass(frozen=True, slots=True)
class Lint:
    """One doubt about a policy, with its place."""

    policy: str
    path: str
    line: int
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class _Claim:
    """``fact op value``, which must hold for the policy to fire."""

    fact: str
    op: str
    value: bool | int | str


def lint_policy(policy: Policy) -> list[Lint]:
    """Every doubt about ``policy``."""
    bodies = [condition["body"] for condition in policy.conditions]
    found = [*_unlikely_words(bodies), *_never(policy), *_contradictions(policy)]
    place = policy.place
    return [Lint(policy.id, place.path, place.line, message, _REMEDY) for message in dict.fromkeys(found)]


def _never(policy: Policy) -> Iterator[str]:
    for condition in policy.conditions:
        settled = fold(condition["body"], {})
        if any(fold(part, {}) == FALSE for part in _conjuncts(condition["body"])):
            settled = FALSE
        if settled in (TRUE, FALSE):
            met = (settled == TRUE) is (condition["kind"] == "when")
            yield "a condition is always met: it says nothing" if met else "a condition never holds: never fires"
    if policy.effect == "forbid" and not policy.conditions:
        yield "no condition: it refuses every change"


def _contradictions(policy: Policy) -> Iterator[str]:
    claims = [
        claim
        for condition in policy.conditions
        if condition["kind"] == "when"
        for part in _conjuncts(condition["body"])
        for claim in _claims(part)
    ]
    for name in dict.fromkeys(claim.fact for claim in claims):
        yield from _excluded(name, [claim for claim in claims if claim.fact == name])


def _excluded(name: str, claims: list[_Claim]) -> Iterator[str]:
    shown = " and ".join(f"{claim.fact} {claim.op} {_written(claim.value)}" for claim in claims)
    equal = {claim.value for claim in claims if claim.op == "=="}
    unequal = {claim.value for claim in claims if claim.op == "!="}
    if len({(type(value), value) for value in equal}) > 1 or equal & unequal:
        yield f"never fires: {shown} cannot hold at once"
    elif FACTS[name].type == "Long" and _empty(name, claims):
        low, high = _RANGES.get(name, (_LEAST, _MOST))
        bound = f"{low} to {high}" if high != _MOST else "0 or more"
        yield f"never fires: {shown} cannot hold, `{name}` is {bound}"


def _empty(name: str, claims: list[_Claim]) -> bool:
    low, high = _RANGES.get(name, (_LEAST, _MOST))
    for claim in claims:
        value = claim.value
        if not isinstance(value, int):
            continue
        low = max(low, {">": value + 1, ">=": value, "==": value}.get(claim.op, low))
        high = min(high, {"<": value - 1, "<=": value, "==": value}.get(claim.op, high))
    return low > high


def _conjuncts(node: Node) -> Iterator[Node]:
    both = node.get("&&") if isinstance(node, dict) else None
    if isinstance(both, dict):
        yield from _conjuncts(both["left"])
        yield from _conjuncts(both["right"])
    else:
        yield node


def _claims(node: Node) -> Iterator[_Claim]:
    if not isinstance(node, dict) or len(node) != 1:
        return
    name = attribute(node)
    if name is not None and FACTS[name].type == "Bool":
        yield _Claim(name, "==", value=True)
        return
    ((op, inner),) = node.items()
    if not isinstance(inner, dict):
        return
    operator = str(op)
    denied = attribute(inner.get("arg")) if operator == "!" else None
    if denied is not None and FACTS[denied].type == "Bool":
        yield _Claim(denied, "==", value=False)
    elif operator in {*_TURNED, "!="}:
        yield from _compared(operator, inner["left"], inner["right"])
        yield from _compared(_TURNED.get(operator, operator), inner["right"], inner["left"])


def _compared(op: str, left: Node, right: Node) -> Iterator[_Claim]:
    name = attribute(left)
    value = right.get("Value") if isinstance(right, dict) and len(right) == 1 else None
    if name is not None and isinstance(value, bool | int | str):
        yield _Claim(name, op, value)


def _unlikely_words(node: Node) -> Iterator[str]:
    for claim in _claims(node):
        known = FACTS[claim.fact].values
        if known and isinstance(claim.value, str) and claim.value not in known:
            near = closest(claim.value, list(known))
            yield f"`{claim.fact}` is never {_written(claim.value)}{near}; it is one of {', '.join(known)}"
    if isinstance(node, dict | list):
        for item in node.values() if isinstance(node, dict) else node:
            yield from _unlikely_words(item)


def _written(value: bool | int | str) -> str:  # noqa: FBT001  # any constant of Cedar's
    return f'"{value}"' if isinstance(value, str) else str(value).lower()
