"""Harm in one line, as every screen, notice and record tells it.

Rules:
1. First what was counted beside what was to be expected, then the estimate, then what is proven of it.
2. What is proven is left out below 1 %: the evidence that harm exists comes before that of its size.
3. Where none was expected, or the estimate is not known, there is no estimate to be read.
4. Fewer is a percentage, more is a factor: ``−81 %``, ``×1.5``, ``×26``. Nothing is told both ways.
"""

from __future__ import annotations

from interlock.core.judge.verdict import SOME, Stopped

_LEAST = 0.01
_FEW = 10
_TWICE = 2
_MOST = 999.5
"""Times as many, above which nobody counts."""


def harm_told(
    metric: str,
    *,
    estimate: float | None,
    at_least: float,
    canary: int | None = None,
    expected: float | None = None,
) -> str:
    """``orders: 0 of about 7.4 expected, −100 % (at least −8 %)``, ``errors: 31 of about 0.6 expected, ×52``.

    ``estimate`` and ``at_least`` are as in ``Stopped``; without ``expected`` the counts are left out.
    """
    parts = []
    if expected is not None and canary is not None:
        none = expected < SOME
        parts.append(f"{canary:,} {'where none was' if none else f'of about {_number(expected)}'} expected")
        estimate = None if none else estimate
    if estimate is not None:
        parts.append(_fewer(1.0 - estimate, whole=not canary) if estimate < 1 else times(estimate))
    return f"{metric}: {', '.join(parts) or worse(at_least)}{_proven(at_least)}"


def rose(at_least: float) -> bool:
    """Whether harm is that there were more, by what is proven of it: a factor from 1 on, else a fraction lost."""
    return at_least >= 1


def worse(at_least: float) -> str:
    """Which way, where nothing else can be said."""
    return "more than before" if rose(at_least) else "fewer than before"


def stop_told(verdict: Stopped) -> str:
    """``harm_told`` of a verdict."""
    counted = verdict.canary or verdict.expected
    return harm_told(
        verdict.metric,
        estimate=verdict.estimate,
        at_least=verdict.at_least,
        canary=verdict.canary if counted else None,
        expected=verdict.expected if counted else None,
    )


def _proven(at_least: float) -> str:
    if not rose(at_least):
        return f" (at least {_fewer(at_least, whole=False)})" if at_least >= _LEAST else ""
    return f" (at least {times(at_least)})" if at_least >= 1 + _LEAST else ""


def _fewer(lost: float, *, whole: bool) -> str:
    """Never all where something was left."""
    return f"−{min(round(lost * 100), 100 if whole else 99)} %"


def times(factor: float) -> str:
    """``×26``; two places below twice as many, where they are what is told."""
    if factor >= _MOST:
        return "×1,000 or more"
    if factor >= _FEW:
        return f"×{factor:.0f}"
    return f"×{factor:.2g}" if factor >= _TWICE else f"×{f'{factor:.2f}'.rstrip('0').rstrip('.')}"


def _number(expected: float) -> str:
    return f"{expected:.1f}" if expected < _FEW else f"{expected:,.0f}"
