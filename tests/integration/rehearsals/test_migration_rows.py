"""Rows for tables of every kind, and what is said of those that take none."""

from __future__ import annotations

import time

from interlock.plugins.rehearsals.migration_rows import fill
from interlock.plugins.rehearsals.sql_asking import Asking

TABLES = """
CREATE TYPE mood AS ENUM ('calm', 'busy');
CREATE DOMAIN grown AS int CHECK (VALUE > 17);
CREATE TABLE people (id serial PRIMARY KEY, email varchar(254) UNIQUE NOT NULL, boss int REFERENCES people,
  role text NOT NULL CHECK (role IN ('admin', 'user')), age grown NOT NULL);
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, person int NOT NULL REFERENCES people,
  mood mood NOT NULL, at timestamptz NOT NULL, opens date, closes date, CHECK (opens < closes), code char(2),
  paid numeric(8, 2) CHECK (paid >= 10.5), u uuid, j jsonb, texts text[], host inet, raw bytea, twice int
  GENERATED ALWAYS AS (2) STORED);
CREATE TABLE likes (a int REFERENCES people, b bigint REFERENCES orders, PRIMARY KEY (a, b));
CREATE TABLE switches (state boolean PRIMARY KEY);
CREATE TABLE one (id int PRIMARY KEY, other int);
CREATE TABLE other (id int PRIMARY KEY, one int NOT NULL REFERENCES one);
ALTER TABLE one ADD FOREIGN KEY (other) REFERENCES other;
CREATE TABLE parts (at date NOT NULL, v int) PARTITION BY RANGE (at);
CREATE TABLE parts_2024 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE coded (code text NOT NULL CHECK (code ~ '^Q[0-9]{4}z$'));
CREATE TABLE of_coded (code text NOT NULL);
CREATE TABLE known (id int PRIMARY KEY, name text);
INSERT INTO known VALUES (7, 'seven');
CREATE TABLE spans (id int PRIMARY KEY, opens time NOT NULL, closes time NOT NULL, CHECK (opens < closes),
  span int4range, EXCLUDE USING gist (span WITH &&));
CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
CREATE TRIGGER no BEFORE INSERT ON known EXECUTE FUNCTION no();
"""


def test_every_table_gets_rows_that_the_server_takes(database):
    database.execute(TABLES)
    asking = Asking(connection=database, until=time.monotonic() + 600)
    found = fill(asking, 300, {"orders": 500})
    assert [*found.empty] == ["coded"]
    assert "coded_code_check" in found.empty["coded"]
    assert found.rows == {
        "people": 300, "orders": 500, "likes": 300, "switches": 2, "one": 300, "other": 300, "parts_2024": 300,
        "coded": 0, "of_coded": 300, "known": 300, "spans": 300,
    }  # fmt: skip
    assert database.execute("SELECT name FROM known WHERE id = 7").fetchone() == ("seven",)
    # What was put in past the triggers of foreign keys is right nevertheless.
    for table, column, parent in (
        ("orders", "person", "people"),
        ("likes", "b", "orders"),
        ("other", "one", "one"),
    ):
        lost = f"SELECT count(*) FROM {table} t WHERE NOT EXISTS (SELECT FROM {parent} p WHERE p.id = t.{column})"
        assert database.execute(lost.encode()).fetchone() == (0,)
    distinct = "SELECT count(DISTINCT role), count(DISTINCT email), count(*) FILTER (WHERE age < 18) FROM people"
    assert database.execute(distinct).fetchone() == (2, 300, 0)
    assert database.execute("SHOW session_replication_role").fetchone() == ("origin",)


def test_nothing_is_added_where_enough_is_there(database):
    database.execute("CREATE TABLE known (id int PRIMARY KEY); INSERT INTO known SELECT generate_series(1, 40)")
    asking = Asking(connection=database, until=time.monotonic() + 60)
    assert fill(asking, 30, {}).rows == {"known": 40}
    assert fill(asking, 60, {}).rows == {"known": 60}
