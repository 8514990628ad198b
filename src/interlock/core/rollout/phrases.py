"""What is said of rollouts on every screen and in every notice, in the same words.

Rules:
1. A percentage has a space before its sign.
2. One of something is said in the singular, as far as a metric's name lets it be told.
3. A time is said as people say it, never in hundreds of seconds.
4. Of a bad metric what is lost is what came on top. What the judge lost is an estimate, and is called that.
"""

from __future__ import annotations

from collections.abc import Mapping

CAUSES: Mapping[str, str] = {
    "harm": "the judge found harm",
    "untrusted": "what was counted could not be believed",
    "abort": "somebody aborted it",
    "rollback": "somebody asked for the version before",
    "no-pass": "a stage could not pass in its time",
    "apply-failed": "the new version could not be put up",
    "lost-weight": "somebody else took its traffic away",
    "ticket-void": "its ticket was voided",
}
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_KEPT = ("ss", "us", "is")
"""Endings of words that end with an s in the singular too."""


def because(cause: str | None, why: str) -> str:
    """The cause and what was said with it, once each; empty where neither is known."""
    known = CAUSES.get(cause or "", "")
    return f"{known}: {why}" if known and why and why != known else why or known


def to_zero(kind: str, settings: Mapping[str, object]) -> list[str]:
    """The program by which a person takes all traffic from the canary, as its arguments; empty where none does."""
    argv = settings.get("set")
    if kind != "command" or not isinstance(argv, list | tuple):
        return []
    return [str(word).replace("{percent}", "0") for word in argv]


def amount(number: float, name: str, *, more: bool = False) -> str:
    """``9 orders``, ``1 order``, ``3 more errors``."""
    whole = round(number)
    return f"{whole:,} {'more ' if more else ''}{singular(name) if whole == 1 else name}"


def singular(name: str) -> str:
    """``order`` of ``orders``; a name that does not show its number stays as it is."""
    if name.endswith("ies"):
        return f"{name[:-3]}y"
    return name[:-1] if name.endswith("s") and not name.endswith(_KEPT) else name


def percent(fraction: float, digits: int = 0) -> str:
    """``19 %``."""
    return f"{fraction * 100:,.{digits}f} %"


def span(seconds: float) -> str:
    """A time as people say it: ``3.1 s``, ``42 s``, ``3 min``, ``2 h 10 min``, ``3 days``."""
    if seconds < 10:  # noqa: PLR2004  # below it tenths matter
        return f"{max(seconds, 0.0):.1f} s"
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        hours, minutes = divmod(round(seconds / _MINUTE), 60)
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{seconds / _DAY:.0f} days"


def reached(served: float) -> str:
    """How much traffic a completed rollout has; a promoted one serves nothing at its canary any more."""
    if 0 < served < 100:  # noqa: PLR2004  # percent
        return f"{served:g} % of traffic has it, the rest stays with the version before"
    return "all traffic has it"


def watched_alone(backstop: str, unbacked: str, *, over: bool = False) -> str:
    """What watches, or watched, where all traffic has the new version and no control is left."""
    if backstop:
        return f"only the backstop {'watched' if over else 'watches'}: all {backstop} against their forecast"
    why = f", {unbacked}" if unbacked else ""
    return f"nothing {'watched' if over else 'watches'}: there {'was' if over else 'is'} no backstop{why}"
