"""Numbers for people: three digits, units, and a dash for what never came."""

from __future__ import annotations

import math


def seconds(value: float) -> str:
    """A delay, in the unit that a person would say."""
    if math.isinf(value):
        return "–"
    if value < 120:
        return f"{value:.3g} s"
    return f"{value / 60:.3g} min" if value < 7200 else f"{value / 3600:.3g} h"


def amount(value: float) -> str:
    """Harm."""
    if math.isinf(value):
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def percent(share: float) -> str:
    """A share in per cent."""
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"


def times(value: float) -> str:
    """A multiple of the bound."""
    return "–" if math.isinf(value) else f"{value:.2f} ×"
