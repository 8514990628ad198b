"""Counts from a real PostgreSQL and a real SQLite file."""

from __future__ import annotations

import os
import signal
import sqlite3
import time

import psycopg
import pytest
import sqlalchemy as sa

from interlock.core.change.errors import BadReply, PluginError, Unavailable
from interlock.core.rollout.setting import InvalidSetting
from interlock.plugins.meters import sql_connection
from interlock.plugins.meters.sql import SqlMeter
from interlock.ports.meter import Counted
from interlock.testing.postgresql import PostgreSQL

TABLE = (
    "CREATE TABLE sales (id INTEGER PRIMARY KEY, version INTEGER, pod TEXT, status TEXT, took REAL)",
    "INSERT INTO sales VALUES (1, 1, 'a', 'paid', 0.1), (2, 1, 'b', 'paid', 0.1), (3, 2, 'c', 'paid', 0.1)",
)
TOTALS = (
    "SELECT CASE version WHEN 2 THEN 'canary' ELSE 'control' END AS arm, pod AS shard, count(*) AS count "
    "FROM sales WHERE status = 'paid' GROUP BY version, pod;"
)
GROWING = {
    "table": "sales",
    "by": "id",
    "arm": "version",
    "canary": "2",
    "control": "1",
    "match": {"status": "paid"},
}


@pytest.fixture(scope="module")
def postgresql():
    with PostgreSQL() as server:
        yield server


class Database:
    """An empty place, by its URL; ``run`` writes into it as somebody else would."""

    def __init__(self, url):
        self.url = url
        self._engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        for statement in TABLE:
            self.run(statement)

    def run(self, statement):
        with self._engine.begin() as connection:
            connection.exec_driver_sql(statement)

    def rows(self):
        with self._engine.connect() as connection:
            return connection.exec_driver_sql("SELECT count(*) FROM sales").scalar_one()

    def close(self):
        self._engine.dispose()


@pytest.fixture(params=["postgresql", "sqlite"])
def database(request, tmp_path):
    url = f"sqlite:///{tmp_path / 'shop #1.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql").new_database()
    made = Database(url)
    yield made
    made.close()


PATIENT, SHORT = 30.0, 0.3
"""Seconds. None may pass where none is tested and the machine stands still; a plan says 1.8 s at most."""
FAR = 20.0
"""Long past any deadline here, and long before what is waited for would end by itself."""


@pytest.fixture
def meter(monkeypatch):
    made = []
    engine = sql_connection._engine

    def patient_engine(url, over):
        opened = engine(url, over)
        # The driver bounds a connection's beginning by whole seconds of its own.
        sa.event.listen(opened, "do_connect", lambda _dialect, _record, _args, named: _stretch(named))
        return opened

    monkeypatch.setattr(sql_connection, "_engine", patient_engine)

    def make(url, *metrics, **settings):
        monkeypatch.setenv("SHOP_DATABASE", url)
        made.append(SqlMeter({"url": {"env": "SHOP_DATABASE"}, **settings}, metrics))
        if "timeout" not in settings:
            made[-1]._timeout = PATIENT
        return made[-1]

    yield make
    for each in made:
        each.close()


def _stretch(named):
    if "connect_timeout" in named:
        named["connect_timeout"] = int(PATIENT)


def totals(**more):
    return Counted(name="orders", query={"query": TOTALS, **more})


def growing(**more):
    return Counted(name="orders", query={**GROWING, **more})


def counted(meter):
    return [(sample.arm, sample.shard, sample.value) for sample in meter.read()]


def test_a_query_of_totals_gives_arm_shard_and_count(database, meter):
    made = meter(database.url, totals())
    made.check()
    database.run("INSERT INTO sales VALUES (4, 2, 'c', 'paid', 0.1), (5, 2, 'c', 'failed', 0.1)")
    assert sorted(counted(made)) == [("canary", "c", 2.0), ("control", "a", 1.0), ("control", "b", 1.0)]
    before = time.time()
    again = made.read()
    assert all(before - 0.1 < sample.at < time.time() + 0.1 for sample in again)


def test_a_growing_table_is_counted_from_the_first_reading_on(database, meter):
    made = meter(database.url, growing(shard="pod"))
    assert counted(made) == [("canary", "", 0.0)]
    database.run("INSERT INTO sales VALUES (4, 2, 'c', 'paid', 1), (5, 1, 'a', 'paid', 1), (6, 1, 'a', 'no', 1)")
    assert counted(made) == [("canary", "", 1.0), ("control", "a", 1.0)]
    database.run("INSERT INTO sales VALUES (9, 1, 'b', 'paid', 1), (10, 3, 'b', 'paid', 1)")
    assert counted(made) == [("canary", "", 1.0), ("control", "a", 1.0), ("control", "b", 1.0)]
    assert len({sample.since for sample in made.read()}) == 1


def test_a_row_that_commits_late_is_counted_all_the_same(database, meter):
    made = meter(database.url, growing())
    made.read()
    database.run("INSERT INTO sales VALUES (8, 2, 'c', 'paid', 1)")
    assert counted(made) == [("canary", "", 1.0), ("control", "", 0.0)]
    database.run("INSERT INTO sales VALUES (7, 2, 'c', 'paid', 1)")
    assert counted(made) == [("canary", "", 2.0), ("control", "", 0.0)]


def test_the_mark_moves_on_and_nothing_is_counted_twice(database, meter, monkeypatch):
    monkeypatch.setattr("interlock.plugins.meters.sql_growing.LAG", 0.0)
    made = meter(database.url, growing())
    made.read()
    for number in range(10, 20):
        database.run(f"INSERT INTO sales VALUES ({number}, {1 + number % 2}, 'c', 'paid', 1)")
        time.sleep(0.01)
        made.read()
    assert counted(made) == [("canary", "", 5.0), ("control", "", 5.0)]


def test_rows_slower_than_an_edge_are_counted_apart(database, meter):
    took = Counted(name="took", edges=("0.25", "1"), query={**GROWING, "took": "took"})
    made = meter(database.url, took)
    made.read()
    database.run(
        "INSERT INTO sales VALUES (4, 2, 'c', 'paid', 0.3), (5, 2, 'c', 'paid', 3), (6, 2, 'c', 'paid', 0)"
    )
    canary = made.read()[0]
    assert (canary.arm, canary.value, dict(canary.above)) == ("canary", 3.0, {"0.25": 2.0, "1": 1.0})


def test_an_arm_without_rows_is_missing_or_zero_as_the_plan_says(database, meter):
    database.run("DELETE FROM sales WHERE version = 2")
    strict = meter(database.url, totals())
    with pytest.raises(InvalidSetting, match="row of the canary") as refused:
        strict.check()
    assert (refused.value.code, refused.value.path) == ("series-missing", ("metrics", "orders", "query"))
    assert [arm for arm, _, _ in counted(strict)] == ["control", "control"]
    lenient = meter(database.url, totals(absent="zero"))
    lenient.check()
    assert ("canary", "", 0.0) in counted(lenient)


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM sales",
        "SELECT 1; DELETE FROM sales",
        "UPDATE sales SET status = 'x'",
    ],
)
def test_what_does_not_read_is_refused_before_anything_is_opened(sql):
    with pytest.raises(InvalidSetting, match="one SELECT") as refused:
        SqlMeter({"url": {"env": "NONE"}}, (Counted(name="m", query={"query": sql}),))
    assert (refused.value.code, refused.value.path) == ("query-writes", ("metrics", "m", "query"))


def test_the_database_itself_refuses_to_write(postgresql, meter):
    database = Database(postgresql.new_database())
    sql = "WITH gone AS (DELETE FROM sales RETURNING 1) SELECT 'canary' AS arm, count(*) AS count FROM gone"
    with pytest.raises(InvalidSetting, match="read-only transaction") as refused:
        meter(database.url, Counted(name="m", query={"query": sql})).check()
    assert refused.value.code == "query-writes"
    assert database.rows() == 3
    database.close()


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ({"query": "SELECT 'canary' AS arm, 1 AS count FROM nowhere"}, "query-refused", "nowhere"),
        ({"query": "SELECT 'blue' AS arm, 1 AS count"}, "meter-reply", "got `blue`"),
        ({"query": "SELECT 'canary' AS arm, -1 AS count"}, "meter-reply", "got `-1`"),
        ({"query": "SELECT 'canary' AS arm, 1 AS orders"}, "meter-reply", "column `count`"),
        ({"query": "SELECT 'canary' AS arm, 1 AS count UNION ALL SELECT 'canary', 2"}, "meter-reply", "got `two`"),
        ({**GROWING, "table": "nowhere"}, "query-refused", "nowhere"),
        ({**GROWING, "arm": "colour"}, "query-refused", "colour"),
    ],
)
def test_a_query_that_cannot_be_used_is_refused_in_the_databases_words(database, meter, query, code, message):
    made = meter(database.url, Counted(name="m", query=query))
    with pytest.raises(InvalidSetting, match=message) as refused:
        made.check()
    assert refused.value.code == code
    assert refused.value.path[:2] == ("metrics", "m")
    with pytest.raises(PluginError):
        made.read()


def test_a_query_that_takes_too_long_is_unavailable_in_time(database, meter):
    slow = "SELECT 'canary' AS arm, count(*) AS count FROM n, n AS m, n AS o, n AS p"
    series = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1000) "
    made = meter(database.url, Counted(name="m", query={"query": series + slow}), timeout=SHORT)
    before = time.monotonic()
    with pytest.raises(Unavailable, match="time is over"):
        made.read()
    assert time.monotonic() - before < FAR


def test_a_stopped_server_is_unavailable_in_time_and_found_again(postgresql, meter):
    database = Database(postgresql.new_database())
    made = meter(database.url, totals())
    made.check()
    with psycopg.connect(postgresql.url) as other:
        backends = other.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'interlock'"
        ).fetchall()
    pids = [postgresql.pid, *(pid for (pid,) in backends)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    made._timeout = SHORT
    try:
        before = time.monotonic()
        with pytest.raises(Unavailable) as silent:
            made.read()
        assert time.monotonic() - before < FAR
        assert silent.value.code == "meter-unreachable"
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    made._timeout = PATIENT
    end = time.monotonic() + PATIENT
    while True:
        try:
            assert len(made.read()) == 3
            break
        except Unavailable:
            assert time.monotonic() < end
    database.close()


def test_an_address_is_in_no_message(meter, tmp_path):
    for url, code in (
        ("postgresql://ana:s3cret@127.0.0.1:1/shop", "meter-unreachable"),
        ("mysql://ana:s3cret@127.0.0.1/shop", "setting-url"),
        ("s3cret", "setting-url"),
        (f"sqlite:///{tmp_path}/s3cret/none.db", "meter-unreachable"),
    ):
        with pytest.raises((InvalidSetting, Unavailable)) as refused:
            meter(url, totals()).check()
        assert refused.value.code == code
        assert "s3cret" not in str(refused.value) + refused.value.hint


def test_a_file_that_is_no_database_is_refused(meter, tmp_path):
    (tmp_path / "text.db").write_text("not a database, but text of some length" * 30)
    with pytest.raises((InvalidSetting, BadReply), match="not a database"):
        meter(f"sqlite:///{tmp_path / 'text.db'}", totals()).check()


def test_reading_makes_no_file(meter, tmp_path):
    with pytest.raises(Unavailable):
        meter(f"sqlite:///{tmp_path / 'none.db'}", totals()).read()
    assert list(tmp_path.iterdir()) == []


def test_a_writer_in_the_way_is_not_disturbed(meter, tmp_path):
    path = tmp_path / "shop.db"
    database = Database(f"sqlite:///{path}")
    made = meter(database.url, totals())
    made.check()
    with sqlite3.connect(path) as other:
        other.execute("INSERT INTO sales VALUES (4, 2, 'c', 'paid', 1)")
        assert ("canary", "c", 1.0) in counted(made)
    other.close()
    assert ("canary", "c", 2.0) in counted(made)
    database.close()


@pytest.mark.parametrize(
    ("query", "edges", "key", "message"),
    [
        ({}, (), "query", "exactly one of query, table"),
        ({"table": "t"}, (), "by", "a line of text"),
        ({**GROWING, "table": "t; DROP"}, (), "table", "a name of letters"),
        ({**GROWING, "by": "a.b"}, (), "by", "a name of letters"),
        ({**GROWING, "control": "2"}, (), "canary", "another value"),
        ({**GROWING, "match": {"a b": "c"}}, (), "match", "names of columns"),
        ({**GROWING, "took": "took"}, (), "took", "has edges"),
        (GROWING, ("1",), "took", "got nothing"),
        ({**GROWING, "shards": "pod"}, (), "shards", "did you mean `shard`"),
    ],
)
def test_an_unusable_query_is_refused_with_its_path(query, edges, key, message):
    with pytest.raises(InvalidSetting, match=message) as refused:
        SqlMeter({"url": {"env": "NONE"}}, (Counted(name="m", edges=edges, query=query),))
    assert refused.value.path == ("metrics", "m", key)
