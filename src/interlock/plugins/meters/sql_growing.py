"""Counting a table that only grows, without counting it all each second.

Rules:
1. Rows after a mark are counted each time; the mark follows the newest row seen ``LAG`` seconds ago. A row that
   commits that much later than a row with a higher mark is not counted: transactions of the counted table must be
   shorter than that.
2. Counts begin at 0 with the first reading: only differences matter, and the counter's life is named by it.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from interlock.plugins.meters.sql_query import Growing
from interlock.ports.meter import Sample

LAG = 5.0
_Key = tuple[str, str]
_Counts = tuple[float, ...]


class Growth:
    """What was counted of one table since the first reading."""

    def __init__(self, plan: Growing) -> None:
        self._plan = plan
        self._table = sa.table(plan.table.split(".")[-1], *self._columns(), schema=_schema(plan.table))
        self._begun = ""
        self._mark: object = None
        self._seen: list[tuple[float, object]] = []
        self._settled: dict[_Key, _Counts] = {}

    def read(self, connection: sa.Connection, now: float) -> list[Sample]:
        """Count what came since, in a read-only transaction; ``now`` is the database's clock."""
        newest = connection.execute(sa.select(sa.func.max(self._table.c[self._plan.by]))).scalar_one()
        begun, mark = self._begun or repr(now), self._mark if self._begun else newest
        old = [seen for at, seen in self._seen if at <= now - LAG]
        settled = dict(self._settled)
        if old:
            _add(settled, self._count(connection, mark, old[-1]))
            mark = old[-1]
        found = dict(settled)
        _add(found, self._count(connection, mark, None))
        # Only now, when nothing can fail any more: a reading that failed half-way counts nothing twice.
        self._begun, self._mark, self._settled = begun, mark, settled
        self._seen = self._seen[len(old) :]
        if newest is not None and newest not in (mark, *(seen for _, seen in self._seen[-1:])):
            self._seen.append((now, newest))
        return self._samples(found, now)

    def _samples(self, found: Mapping[_Key, _Counts], now: float) -> list[Sample]:
        zero = (0.0,) * (1 + len(self._plan.edges))
        counts: dict[_Key, _Counts] = {("canary", ""): zero}
        if not self._plan.shard:
            counts["control", ""] = zero
        for (value, shard), each in found.items():
            arm = self._plan.arms.get(value)
            if arm is not None:
                key = (arm, shard if arm == "control" else "")
                counts[key] = _sum(counts.get(key), each)
        return [
            Sample(
                metric=self._plan.metric,
                arm="canary" if arm == "canary" else "control",
                shard=shard,
                value=each[0],
                at=now,
                above=dict(zip(self._plan.edges, each[1:], strict=True)),
                since=self._begun,
            )
            for (arm, shard), each in sorted(counts.items())
        ]

    def _count(self, connection: sa.Connection, after: object, to: object) -> dict[_Key, _Counts]:
        """Rows after one mark, and up to another where there is one."""
        plan, column = self._plan, self._table.c
        by, arm = column[plan.by], sa.cast(column[plan.arm], sa.Text)
        shard: sa.ColumnElement[str] = sa.cast(column[plan.shard], sa.Text) if plan.shard else sa.literal("")
        sums = [sa.func.sum(sa.case((column[plan.took] > bound, 1), else_=0)) for bound in plan.edges.values()]
        statement = (
            sa.select(arm, shard, sa.func.count(), *sums)
            .where(arm.in_(list(plan.arms)))
            .group_by(arm, *([shard] if plan.shard else []))
        )
        for name, value in plan.match.items():
            statement = statement.where(sa.cast(column[name], sa.Text) == value)
        if after is not None:
            statement = statement.where(by > after)
        if to is not None:
            statement = statement.where(by <= to)
        rows = connection.execute(statement).all()
        return {(str(row[0]), str(row[1])): tuple(float(each or 0) for each in row[2:]) for row in rows}

    def _columns(self) -> list[sa.ColumnClause[object]]:
        plan = self._plan
        names = dict.fromkeys([plan.by, plan.arm, plan.shard, plan.took, *plan.match])
        return [sa.column(name) for name in names if name]


def _schema(table: str) -> str | None:
    return table.rpartition(".")[0] or None


def _add(sums: dict[_Key, _Counts], more: Mapping[_Key, _Counts]) -> None:
    for key, counts in more.items():
        sums[key] = _sum(sums.get(key), counts)


def _sum(first: _Counts | None, second: _Counts) -> _Counts:
    return second if first is None else tuple(a + b for a, b in zip(first, second, strict=True))
