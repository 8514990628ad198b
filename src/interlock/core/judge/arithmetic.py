"""Logarithms and exponentials that every machine computes to the same last digit.

Rules:
1. Only additions, subtractions, multiplications, divisions, comparisons, ``rint``, ``frexp`` and table
   look-ups: IEEE 754 rounds each of them in exactly one way. ``math.exp``, ``numpy.exp`` and their like are not
   rounded exactly and differ between C libraries and between processors with and without AVX-512.
2. Sums run over the first axis of an array or in a Python loop, so that their order is ours and not a vector
   unit's.
3. Tables are made by ``decimal``, which rounds correctly everywhere.
4. An exponential is held to e^−40 … e^80: below is nothing, above has long been decided. Its relative error is
   below 2·10⁻⁹; it is the same error everywhere, and evidence is not read to more than two digits.
"""

from __future__ import annotations

import math
from decimal import Context, Decimal
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEPS = 256
"""Exponents are given in units of 1/256 nat."""
LOWEST, HIGHEST = -40, 80
_EXACT = Context(prec=30)
_CELLS = 128
_LN2 = float(_EXACT.ln(Decimal(2)))


def exact_log(value: float) -> float:
    """The correctly rounded natural logarithm of a number above 0; slow, for settings."""
    return float(_EXACT.ln(Decimal(value)))


def log(value: float) -> float:
    """The natural logarithm of a number above 0."""
    mantissa, exponent = math.frexp(value)
    cell = int((mantissa - 0.5) * (2 * _CELLS))
    inverse, base = _cells()[0][cell], _cells()[1][cell]
    r = mantissa * inverse - 1.0
    tail = ((((r * (-1 / 6) + 0.2) * r - 0.25) * r + 1 / 3) * r - 0.5) * r + 1.0
    return exponent * _LN2 + (base + r * tail)


def log_each(values: Floats) -> Floats:
    """``log`` of each."""
    mantissa, exponent = np.frexp(values)
    cell = ((mantissa - 0.5) * (2 * _CELLS)).astype(np.intp)
    inverses, bases = _cell_arrays()
    r = mantissa * inverses[cell] - 1.0
    tail = r * (-1 / 6)
    for coefficient in (0.2, -0.25, 1 / 3, -0.5, 1.0):
        tail += coefficient
        if coefficient != 1.0:
            tail *= r
    return exponent * _LN2 + (bases[cell] + r * tail)


def exp_each(scaled: Floats) -> Floats:
    """The exponential of each ``scaled / 256``; ``scaled`` is used up."""
    np.maximum(scaled, LOWEST * STEPS, out=scaled)
    np.minimum(scaled, HIGHEST * STEPS, out=scaled)
    whole = np.rint(scaled)
    scaled -= whole
    result = scaled * (0.5 / STEPS**2)
    result += 1.0 / STEPS
    result *= scaled
    result += 1.0
    result *= _powers()[whole.astype(np.intp)]
    return result


@cache
def _powers() -> Floats:
    """e^(i/256) at index i; negative i count from the end, as Python's do."""
    fine = np.array([float(_EXACT.exp(Decimal(j) / STEPS)) for j in range(STEPS)])
    coarse = np.array([float(_EXACT.exp(Decimal(k))) for k in (*range(HIGHEST + 1), *range(LOWEST, 0))])
    powers: Floats = (coarse[:, None] * fine[None, :]).reshape(-1)
    return powers


@cache
def _cells() -> tuple[list[float], list[float]]:
    """For each cell of 0.5 … 1: about the inverse of its middle, and minus the logarithm of that inverse."""
    inverses = [1.0 / (0.5 + (cell + 0.5) / (2 * _CELLS)) for cell in range(_CELLS)]
    return inverses, [-exact_log(inverse) for inverse in inverses]


@cache
def _cell_arrays() -> tuple[Floats, Floats]:
    inverses, bases = _cells()
    return np.array(inverses), np.array(bases)
