"""Whether an alert is for anybody, by its own labels: one that is called ``none`` or ``info`` wakes nobody.

Rules:
1. The first of ``severity``, ``priority`` and ``level`` that is there decides. One that has none of them is taken
   to be for somebody, and so is one whose word is filled in only when it fires.
2. What is only noted down is for nobody in time: ``info`` and ``debug`` count as little as ``none``.
3. What wakes somebody is known by its word as well; any other word is for somebody who looks later.
"""

from __future__ import annotations

from collections.abc import Mapping

SEVERITIES = ("severity", "priority", "level")
QUIET = frozenset(
    {
        "debug", "ignore", "ignored", "info", "information", "informational", "log", "none", "notice", "null",
        "off", "silent", "silenced", "test", "trace",
    }
)  # fmt: skip
URGENT = frozenset(
    {
        "alert", "crit", "critical", "disaster", "emerg", "emergency", "fatal", "p0", "p1", "page", "pager",
        "paging", "s0", "s1", "sev0", "sev1", "sev-0", "sev-1", "urgent",
    }
)  # fmt: skip


def severity_of(labels: Mapping[str, str]) -> str:
    """The word by which it says how urgent it is; empty where none is."""
    return next((labels[name] for name in SEVERITIES if labels.get(name)), "")


def is_quiet(labels: Mapping[str, str]) -> bool:
    """Whether it is for nobody, by that word."""
    return severity_of(labels).strip().lower() in QUIET


def is_urgent(labels: Mapping[str, str]) -> bool:
    """Whether it wakes somebody, by that word."""
    return severity_of(labels).strip().lower() in URGENT
