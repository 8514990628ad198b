"""Harm in one line, as every screen, notice and record tells it.

Rules:
1. First what was counted beside what was to be expected, then the estimate, then what is proven of it.
2. What is proven is left out below 1 %: the evidence that harm exists comes before that of its size.
"""

from __future__ import annotations

from interlock.core.judge.verdict import Stopped

_LEAST = 0.01
_FEW = 10
_NONE = 0.05
_MOST = 999.5
"""Times as many, above which nobody counts."""


def harm_told(
    metric: str, *, estimate: float, at_least: float, canary: int | None = None, expected: float | None = None
) -> str:
    """``orders: 0 of about 7.4 expected, −100 % (at least −8 %)``, ``errors: 31 of about 0.6 expected, ×52``.

    ``estimate`` and ``at_least`` are as in ``Stopped``; without ``expected`` the counts are left out.
    """
    counted = ""
    if expected is not None and canary is not None and expected < _NONE:
        return f"{metric}: {canary:,} where none was expected{_proven(estimate, at_least)}"
    if expected is not None and canary is not None:
        counted = f"{canary:,} of about {_number(expected)} expected, "
    size = _fewer(1.0 - estimate, whole=not canary) if estimate < 1 else _times(estimate)
    return f"{metric}: {counted}{size}{_proven(estimate, at_least)}"


def stop_told(verdict: Stopped) -> str:
    """``harm_told`` of a verdict."""
    return harm_told(
        verdict.metric,
        estimate=verdict.estimate,
        at_least=verdict.at_least,
        canary=verdict.canary if verdict.expected else None,
        expected=verdict.expected or None,
    )


def _proven(estimate: float, at_least: float) -> str:
    if estimate < 1:
        return f" (at least {_fewer(at_least, whole=False)})" if at_least >= _LEAST else ""
    return f" (at least {_times(at_least)})" if at_least >= 1 + _LEAST else ""


def _fewer(lost: float, *, whole: bool) -> str:
    """Never all where something was left."""
    return f"−{min(round(lost * 100), 100 if whole else 99)} %"


def _times(factor: float) -> str:
    if factor >= _MOST:
        return "×1,000 or more"
    return f"×{factor:.0f}" if factor >= _FEW else f"×{factor:.2g}"


def _number(expected: float) -> str:
    return f"{expected:.1f}" if expected < _FEW else f"{expected:,.0f}"
