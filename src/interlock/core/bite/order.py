"""In which order a plan's runs come: none by which a test that counts them, or looks at a clock, knows its side.

Rules:
1. The first run is on head: it says which tests there are. The others are in any order, as likely as each other.
2. All of head before all of base is the one order that never is: what ends after so many runs would bite there.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Literal

Pick = Callable[[int], int]
"""A number from 0 to below the one it is given, as likely as each other."""


def after_the_first(repeats: int, pick: Pick) -> tuple[Literal["head", "base"], ...]:
    """The sides of all runs but the first; ``repeats`` on either side with it, at least two."""
    places = range(2 * repeats - 1)
    orders = [*combinations(places, repeats - 1)][1:]
    heads = orders[pick(len(orders))]
    return tuple("head" if place in heads else "base" for place in places)
