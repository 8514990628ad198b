"""What programs send to a real PostgreSQL, heard on the way, with the rows that the server says they touched."""

from __future__ import annotations

import psycopg
import pytest

from interlock.plugins.rehearsals.sql_wire import listening


@pytest.fixture
def heard(server, address, tmp_path_factory):
    """A way to connect, and what is heard there."""
    door = server.folder / "d"
    with listening(door, server.folder) as found:
        yield lambda **more: psycopg.connect(address.replace(str(server.folder), str(door)), **more), found


def told(found):
    return [(one.text, one.tag, one.rows, one.error) for one in found.sent]


def test_every_statement_is_heard_with_its_rows(heard):
    connect, found = heard
    with connect(autocommit=True) as connection:
        connection.execute("CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'x;y'), (2, NULL)")
        connection.execute("UPDATE t SET b = %s WHERE a > %s", ("it's", 5))
        with pytest.raises(psycopg.errors.UndefinedColumn):
            connection.execute("SELECT 1; DELETE FROM t WHERE c = 1; SELECT 2")
        assert connection.execute("DELETE FROM t WHERE a = 1", prepare=True).rowcount == 1
    assert told(found) == [
        ("CREATE TABLE t (a int, b text)", "CREATE", None, ""),
        ("INSERT INTO t VALUES (1, 'x;y'), (2, NULL)", "INSERT", 2, ""),
        ("UPDATE t SET b = 'it''s' WHERE a > 5", "UPDATE", 0, ""),
        ("SELECT 1", "SELECT", 1, ""),
        ("DELETE FROM t WHERE c = 1", "", None, "42703"),
        ("DELETE FROM t WHERE a = 1", "DELETE", 1, ""),
    ]


def _delete_behind_an_error(connection):
    with connection.pipeline():
        connection.execute("SELECT 1/0 FROM t WHERE a = %b", (7,))
        connection.execute("DELETE FROM t WHERE a = %b", (8,))


def test_a_pipeline_and_values_in_binary_are_followed(heard):
    connect, found = heard
    with connect(autocommit=True) as connection:
        connection.execute("CREATE TABLE t (a bigint, b bool)")
        with connection.pipeline():
            cursor = connection.cursor()
            cursor.executemany("INSERT INTO t VALUES (%b, %b)", [(7, True), (8, False), (None, None)])
        with pytest.raises(psycopg.errors.DivisionByZero):
            _delete_behind_an_error(connection)
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (3,)
    inserted = [one[0] for one in told(found) if one[1] == "INSERT"]
    assert inserted == ["INSERT INTO t VALUES (7, true)", "INSERT INTO t VALUES (8, false)",
        "INSERT INTO t VALUES (NULL, NULL)"]  # fmt: skip
    assert not [one for one in told(found) if one[1] == "DELETE"]
    assert told(found)[-1] == ("SELECT count(*) FROM t", "SELECT", 1, "")


def test_many_statements_in_one_message_are_all_heard(heard):
    connect, found = heard
    with connect(autocommit=True) as connection:
        connection.execute("".join(f"SELECT '{'x' * 100}{number}';" for number in range(2_000)))
    assert [one.text[-5:-1] for one in found.sent] == [f"x{number}"[-4:].rjust(4, "x") for number in range(2_000)]


def test_rows_that_are_copied_and_long_answers_pass_unharmed(heard):
    connect, found = heard
    with connect(autocommit=True) as connection:
        connection.execute("CREATE TABLE t (a int, b text)")
        with connection.cursor() as cursor, cursor.copy("COPY t FROM STDIN") as copy:
            for number in range(5_000):
                copy.write_row((number, "Ünï" * 50))
        rows = connection.execute("SELECT a, b FROM t ORDER BY a").fetchall()
    assert rows == [(number, "Ünï" * 50) for number in range(5_000)]
    assert [(tag, count) for _, tag, count, _ in told(found)] == [
        ("CREATE", None),
        ("COPY", 5_000),
        ("SELECT", 5_000),
    ]


def test_a_connection_that_is_refused_hears_it_from_the_server(heard):
    connect, _ = heard
    with pytest.raises(psycopg.OperationalError, match="nowhere"):
        connect(dbname="nowhere")
    with connect(sslmode="prefer") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
