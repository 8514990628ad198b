"""1/φ of every series at the ages of all starts, ready to multiply with.

Rules:
1. Ages are rounded up to whole steps of five seconds, where φ is no smaller.
2. Starts are equally far apart, so that the age of the newest one gives all the others.
3. What is found is kept and shared by all judges with the same φ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from interlock.core.judge.arithmetic import STEPS, Floats
from interlock.core.judge.phi import UNKNOWN, PhiTable, inverses
from interlock.core.judge.series import Layout
from interlock.core.judge.settings import JudgeSettings
from interlock.core.judge.starts import SPARE

STEP = 5


class Ages:
    """``longest`` is the age from which on φ is constant, ``starts`` how many starts are younger at most."""

    def __init__(self, tables: Sequence[PhiTable], every: float, columns: int) -> None:
        found = [inverses(table) for table in tables]
        self.longest = max(len(each) for each in found) - 1
        self.starts = int(self.longest // every) + 2
        self._every, self._columns = every, columns
        padded = [np.concatenate([each, np.full(self.longest + 1 - len(each), each[-1])]) for each in found]
        self._by_second = np.stack(padded, axis=1)
        self._rows: dict[int, Floats] = {}
        self._lists: dict[int, list[float]] = {}

    def at(self, seconds: float) -> list[float]:
        """1/φ of each series after ``seconds``."""
        step = min(_steps(seconds), self.longest // STEP + 1)
        found = self._lists.get(step)
        if found is None:
            found = self._lists[step] = self._by_second[self._place(step * STEP)].tolist()
        return found

    def constant(self) -> Floats:
        """1/φ of each series beyond the longest window."""
        found: Floats = self._by_second[-1].copy()
        return found

    def rows(self, newest: float) -> Floats:
        """STEPS/φ for each start from the newest (so many seconds old) to the oldest, and for those folded.

        A row for each start, a column for each θ of each series: ready to multiply with.
        """
        step = _steps(newest)
        found = self._rows.get(step)
        if found is None:
            ages = [step * STEP + place * self._every for place in range(self.starts + SPARE + 2)]
            each = self._by_second[[self._place(age) for age in ages]] * STEPS
            found = self._rows[step] = np.tile(each, (1, self._columns))
        return found

    def _place(self, seconds: float) -> int:
        return int(min(max(0.0, -(-seconds // 1)), self.longest))


def _steps(seconds: float) -> int:
    return -int(-seconds // STEP)


def ages(settings: JudgeSettings, plan: Layout) -> Ages:
    """The ages for these settings; a metric without history has the pessimistic φ."""
    return fitted(settings, plan, {})


def fitted(settings: JudgeSettings, plan: Layout, instead: Mapping[str, PhiTable]) -> Ages:
    """The ages with other tables for some metrics."""
    tables = tuple(instead.get(row.name) or settings.phi.get(row.name) or _UNKNOWN for row in plan.series)
    return _ages(tables, settings.starts_every, plan.harmful)


@lru_cache(maxsize=256)
def _ages(tables: tuple[PhiTable, ...], every: float, columns: int) -> Ages:
    return Ages(tables, every, columns)


_UNKNOWN = PhiTable.flat(UNKNOWN, "no history")
