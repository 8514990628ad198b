"""Logarithms and exponentials that every machine computes to the same last digit.

Rules:
1. Only additions, subtractions, multiplications, divisions, comparisons, truncation, ``frexp`` and table
   look-ups: IEEE 754 rounds each of them in exactly one way. ``math.exp``, ``numpy.exp`` and their like are not
   rounded exactly and differ between C libraries and between processors with and without AVX-512.
2. Sums run over the first axis of an array of at least two columns, or in a Python loop: in our order, not in
   that of a vector unit. Python's own ``sum`` adds floats differently from version 3.12 on, and is not used for
   them.
3. Tables are made by ``decimal``, which rounds correctly everywhere.
4. A power is read from a table whose exponents are 1/512 nat apart, and rounded down: evidence is understated
   by at most 0.2 %, never overstated. It is held to e^−40 … e^60: below is nothing, above has long been
   decided.
"""

from __future__ import annotations

import math
from decimal import Context, Decimal
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEPS = 512
"""Exponents are given in units of 1/512 nat, from ``LOWEST`` on."""
LOWEST, HIGHEST = -40, 60
ORIGIN = float(-LOWEST * STEPS)
"""Where e^0 stands in the table of powers."""
_EXACT = Context(prec=30)
_CELLS = 128
_LAST = float((HIGHEST - LOWEST) * STEPS - 1)
_LN2 = float(_EXACT.ln(Decimal(2)))


@lru_cache(maxsize=4096)
def exact_log(value: float) -> float:
    """The correctly rounded natural logarithm of a number above 0; slow, for settings."""
    return float(_EXACT.ln(Decimal(value)))


def log(value: float) -> float:
    """The natural logarithm of a number above 0."""
    mantissa, exponent = math.frexp(value)
    inverse, base = _cells()[int((mantissa - 0.5) * (2 * _CELLS))]
    r = mantissa * inverse - 1.0
    tail = ((((r * (-1 / 6) + 0.2) * r - 0.25) * r + 1 / 3) * r - 0.5) * r + 1.0
    return exponent * _LN2 + (base + r * tail)


def log_each(values: Floats) -> Floats:
    """``log`` of each."""
    mantissa, exponent = np.frexp(values)
    cell = ((mantissa - 0.5) * (2 * _CELLS)).astype(np.intp)
    inverses, bases = _cell_arrays()
    r = mantissa * inverses[cell] - 1.0
    tail = ((((r * (-1 / 6) + 0.2) * r - 0.25) * r + 1 / 3) * r - 0.5) * r + 1.0
    found: Floats = exponent * _LN2 + (bases[cell] + r * tail)
    return found


def powers(places: Floats) -> Floats:
    """The exponential of each ``(place − ORIGIN) / STEPS``, rounded down to the table."""
    return near_powers(np.minimum(np.maximum(places, 0.0), _LAST))


def near_powers(places: Floats) -> Floats:
    """``powers`` of places that are certainly less than 2**63 from 0, which saves two operations."""
    return _powers().take(places.astype(np.intp), mode="clip")


def power_above(value: float) -> float:
    """The exponential of a number, rounded up to the table; its end for what is beyond."""
    place = int((value - LOWEST) * STEPS) + 1
    return _powers().item(min(max(place, 0), (HIGHEST - LOWEST) * STEPS - 1))


@cache
def _powers() -> Floats:
    fine = np.array([float(_EXACT.exp(Decimal(j) / STEPS)) for j in range(STEPS)])
    coarse = np.array([float(_EXACT.exp(Decimal(k))) for k in range(LOWEST, HIGHEST)])
    table: Floats = (coarse[:, None] * fine[None, :]).reshape(-1)
    return table


@cache
def _cells() -> list[tuple[float, float]]:
    """For each cell of 0.5 … 1: about the inverse of its middle, and minus the logarithm of that inverse."""
    inverses = [1.0 / (0.5 + (cell + 0.5) / (2 * _CELLS)) for cell in range(_CELLS)]
    return [(inverse, -exact_log(inverse)) for inverse in inverses]


@cache
def _cell_arrays() -> tuple[Floats, Floats]:
    inverses, bases = zip(*_cells(), strict=True)
    return np.array(inverses), np.array(bases)
