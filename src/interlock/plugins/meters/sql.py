"""Counts straight from a database, such as the orders themselves: PostgreSQL or SQLite.

Settings: ``url: {env: NAME}`` or ``url: {file: PATH}`` (an address may hold a password and so stands in no plan);
``timeout`` (1 s). Each metric: ``query`` or ``table``, see ``sql_query``.

Rules:
1. Only reading: the transaction is read-only for the database, and a plan that does not begin with SELECT is
   refused.
2. The time of a count is the database's clock in the same transaction, or what the query gives as ``at``.
3. Each metric is read in a transaction of its own, one after the other, all within ``timeout``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

import sqlalchemy as sa

from interlock.core.change.errors import BadReply, PluginError, Rejected
from interlock.core.rollout.setting import InvalidSetting
from interlock.plugins.meters.access import read_secret
from interlock.plugins.meters.counting import ARMS
from interlock.plugins.meters.reading import Section
from interlock.plugins.meters.sql_connection import PLUGIN, Connection
from interlock.plugins.meters.sql_growing import Growth
from interlock.plugins.meters.sql_query import Totals, read_sql
from interlock.ports.meter import Counted, Sample

_MOST_ROWS = 1_000


class SqlMeter:
    """See the rules above; the contract is in ``ports.meter``."""

    def __init__(self, settings: Mapping[str, object], metrics: Sequence[Counted]) -> None:
        section = Section(values=settings, what="meter `sql`")
        section.only("url", "timeout")
        secret = read_secret(section, "url")
        self._timeout = section.number("timeout", 1.0, least=0.05, most=1.8)
        plans = tuple(read_sql(counted) for counted in metrics)
        self._counters: dict[str, Totals | Growth] = {
            plan.metric: plan if isinstance(plan, Totals) else Growth(plan) for plan in plans
        }
        self._connection = Connection(secret.get)

    def check(self) -> None:
        """See ``ports.meter``. What the database says against a query is repeated in one line."""
        ends = time.monotonic() + self._timeout
        for metric, counter in self._counters.items():
            try:
                samples = self._connection.run(partial(_read, counter), ends)
            except (Rejected, BadReply) as error:
                key = "query" if isinstance(counter, Totals) else "table"
                raise InvalidSetting(
                    error.message, code=error.code, hint=error.hint, path=("metrics", metric, key)
                ) from error
            for arm in ARMS:
                if not any(sample.arm == arm for sample in samples) and isinstance(counter, Totals):
                    raise InvalidSetting(
                        f"expected a row of the {arm} for metric `{metric}`, got none",
                        code="series-missing",
                        hint="correct the query, or say `absent: zero` where rows appear with the first event",
                        path=("metrics", metric, "query"),
                    )

    def read(self) -> Sequence[Sample]:
        """See ``ports.meter``."""
        samples: list[Sample] = []
        faults: list[PluginError] = []
        ends = time.monotonic() + self._timeout
        for counter in self._counters.values():
            try:
                samples += self._connection.run(partial(_read, counter), ends)
            except (Rejected, BadReply) as error:
                faults.append(error)
        if faults and not samples:
            raise faults[0]
        return samples

    def close(self) -> None:
        """See ``ports.meter``."""
        self._connection.close()


def _read(counter: Totals | Growth, connection: sa.Connection, now: float) -> list[Sample]:
    return _totals(counter, connection, now) if isinstance(counter, Totals) else counter.read(connection, now)


def _totals(plan: Totals, connection: sa.Connection, now: float) -> list[Sample]:
    # A colon in the plan's text is the plan's own and no parameter of ours.
    result = connection.execute(sa.text(plan.sql.replace(":", r"\:")))
    rows = result.mappings().fetchmany(_MOST_ROWS + 1)
    if len(rows) > _MOST_ROWS:
        raise _bad(plan, f"at most {_MOST_ROWS} rows", "more")
    samples = [_sample(plan, dict(row), now) for row in rows]
    if len({(sample.arm, sample.shard) for sample in samples}) != len(samples):
        raise _bad(plan, "one row for each arm and shard", "two")
    if plan.absent_is_zero:
        above = dict.fromkeys(plan.edges, 0.0)
        there = {sample.arm for sample in samples}
        samples += [
            Sample(metric=plan.metric, arm=arm, shard="", value=0.0, at=now, above=above)
            for arm in ARMS
            if arm not in there
        ]
    return samples


def _sample(plan: Totals, row: Mapping[str, object], now: float) -> Sample:
    arm = row.get("arm")
    if arm != "canary" and arm != "control":  # noqa: PLR1714  # mypy narrows this and not a set
        raise _bad(plan, "`canary` or `control` as `arm`", arm)
    return Sample(
        metric=plan.metric,
        arm=arm,
        shard=str(row.get("shard") or ""),
        value=_number(plan, row, "count"),
        at=_moment(plan, row, now),
        above={edge: _number(plan, row, f"above_{edge}") for edge in plan.edges},
    )


def _number(plan: Totals, row: Mapping[str, object], column: str) -> float:
    value = row.get(column)
    try:
        number = float(str(value))
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise _bad(plan, f"a count in the column `{column}`", value)
    return number


def _moment(plan: Totals, row: Mapping[str, object], now: float) -> float:
    value = row.get("at")
    if value is None:
        return now
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return _number(plan, row, "at")


def _bad(plan: Totals, expected: str, got: object) -> BadReply:
    return BadReply(
        f"expected {expected} from the query of metric `{plan.metric}`, got `{str(got)[:60]}`",
        code="meter-reply",
        hint="the query gives arm, count and perhaps shard, at and above_<edge>",
        plugin=PLUGIN,
    )
