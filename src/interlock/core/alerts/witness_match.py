"""How the series of two sides find each other, as in Prometheus.

Rules:
1. By all labels but the name, by those after ``on``, or by all but those after ``ignoring``. Several partners on a
   side that may have one are an error there, and ``Beyond`` here.
"""

from __future__ import annotations

import promql_parser as pp

from interlock.core.alerts.witness_math import BINARY, COMPARING

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
NAME, SET_OPS = "__name__", frozenset({"and", "or", "unless"})


class Beyond(Exception):  # it is no error, only the end of what is known here
    """What cannot be evaluated here; the reason is its text."""


def with_number(op: str, left: float | Vector, right: float | Vector, *, wants_bool: bool) -> Vector:
    """A vector and a number, in their order."""
    vector = left if isinstance(left, dict) else right
    assert isinstance(vector, dict)  # noqa: S101  # one of them is
    found: Vector = {}
    for key, value in vector.items():
        sides = (value, right) if vector is left else (left, value)
        result = BINARY[op](*sides)
        if op in COMPARING and not wants_bool:
            if result:
                found[key] = value
        else:
            found[bare(key)] = float(result)
    return found


def joined(op: str, left: Vector, right: Vector, modifier: pp.BinModifier | None) -> Vector:
    """``and``, ``or`` and ``unless``."""
    known = {_signature(key, modifier) for key in right}
    if op == "and":
        return {key: value for key, value in left.items() if _signature(key, modifier) in known}
    if op == "unless":
        return {key: value for key, value in left.items() if _signature(key, modifier) not in known}
    mine = {_signature(key, modifier) for key in left}
    return {**{key: value for key, value in right.items() if _signature(key, modifier) not in mine}, **left}


def matched(op: str, left: Vector, right: Vector, modifier: pp.BinModifier | None, *, wants_bool: bool) -> Vector:
    """Two vectors, each sample with its partner.

    Raises:
        Beyond: several partners where there may be one.
    """
    card = "OneToOne" if modifier is None else str(modifier.card).rsplit(".", 1)[-1]
    swapped = card == "OneToMany"
    many, one = (right, left) if swapped else (left, right)
    partners: dict[Labels, tuple[Labels, float]] = {}
    for key, value in one.items():
        signature = _signature(key, modifier)
        if signature in partners:
            raise Beyond("several series on the side that may have one")
        partners[signature] = (key, value)
    taken, found = set[Labels](), {}
    for key, value in many.items():
        signature = _signature(key, modifier)
        if signature not in partners:
            continue
        if card == "OneToOne" and signature in taken:
            raise Beyond("several series on the side that may have one")
        taken.add(signature)
        partner, other = partners[signature]
        sides = (other, value) if swapped else (value, other)
        result, kept = BINARY[op](*sides), op in COMPARING and not wants_bool
        if not kept or result:
            labels = _result(key, partner, modifier, card, kept=kept)
            found[labels] = sides[0] if kept else float(result)
    return found


def _result(key: Labels, partner: Labels, modifier: pp.BinModifier | None, card: str, *, kept: bool) -> Labels:
    labels = key if kept else bare(key)
    if modifier is None or modifier.matching is None:
        return labels
    if card == "OneToOne":
        names, include = set(modifier.matching.labels), str(modifier.matching.type).endswith("Include")
        return frozenset(pair for pair in labels if (pair[0] in names) is include)
    more = set(modifier.group_labels or ())
    return frozenset(pair for pair in labels if pair[0] not in more) | {
        pair for pair in partner if pair[0] in more
    }


def _signature(key: Labels, modifier: pp.BinModifier | None) -> Labels:
    matching = None if modifier is None else modifier.matching
    if matching is None:
        return bare(key)
    names, include = set(matching.labels), str(matching.type).endswith("Include")
    if include:
        return frozenset(pair for pair in key if pair[0] in names)
    return frozenset(pair for pair in key if pair[0] not in names and pair[0] != NAME)


def bare(key: Labels) -> Labels:
    """Without the metric's name."""
    return frozenset(pair for pair in key if pair[0] != NAME)
