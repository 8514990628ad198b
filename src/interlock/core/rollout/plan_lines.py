"""File and line for what others say of a plan: its router, its meters, the judge.

Rules:
1. Whoever looks at a setting knows the path of its key; the plan knows where that stands. A key that is not there
   is told at the line of the map it should be in.
"""

from __future__ import annotations

import re
from typing import Protocol

from interlock.core.change.errors import InvalidInput
from interlock.core.rollout.plan import Keys, Plan
from interlock.core.rollout.setting import InvalidSetting

_PLACE = re.compile(r"got a problem at `([^`]*)`")


class Lined(Protocol):
    """A plan of any kind, whose keys know their lines."""

    @property
    def path(self) -> str:
        """Its file."""

    def line_of(self, keys: Keys) -> int:
        """Where a key stands, or the nearest above it."""


def located(error: InvalidSetting, plan: Lined, where: Keys) -> InvalidInput:
    """The error with file and line; ``where`` leads to the section, such as ``("meters", 0)``."""
    return _told(error, plan, plan.line_of((*where, *error.path)))


def at_line(error: InvalidInput, plan: Plan, where: Keys) -> InvalidInput:
    """The same of an error that names its place in words only; of several the first."""
    found = _PLACE.search(error.message)
    wanted = f"{found[1].split(' ')[0]}." if found else ""
    above = [
        keys
        for keys in plan.lines
        if keys[: len(where)] == where and wanted.startswith("".join(f"{key}." for key in keys[len(where) :]))
    ]
    return _told(error, plan, plan.line_of(max(above, key=len, default=where)))


def _told(error: InvalidInput, plan: Lined, line: int) -> InvalidInput:
    return InvalidInput(f"{error.message} at `{plan.path}:{line}`", code=error.code, hint=error.hint)
