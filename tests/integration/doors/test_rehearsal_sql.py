"""``evidence run rehearsal`` with the probe ``sql``: a staging database that is a real PostgreSQL."""

from __future__ import annotations

import psycopg
import pytest

from interlock.plugins.world.postgresql import PostgreSQL

PLAN = """\
service: order-service
environment: staging
passed_on: [PSQL, PGHOST, PGDATABASE, PGUSER]
driver: {kind: command}
apply: [{name: schema, run: [sh, -c, '"$PSQL" -Xqv ON_ERROR_STOP=1 -f ../there.sql'], verify: ["true"]}]
rollback: [{name: schema, run: [sh, -c, '"$PSQL" -Xqv ON_ERROR_STOP=1 -f ../back.sql'], verify: ["true"]}]
probes: [{name: database, kind: sql, dsn_env: STAGING_DATABASE, without: [sessions]}]
"""
TABLES = """
CREATE TABLE orders (id serial PRIMARY KEY, note text, paid int NOT NULL);
INSERT INTO orders (note, paid) SELECT 'n' || g, g FROM generate_series(1, 50) g;
CREATE TABLE sessions (id int);
"""
COPY = """
CREATE TABLE orders2 (id serial PRIMARY KEY, note text, paid {kind} NOT NULL);
INSERT INTO orders2 (id, note, paid) SELECT id, note, paid FROM orders; DROP TABLE orders;
ALTER TABLE orders2 RENAME TO orders; ALTER SEQUENCE orders2_id_seq RENAME TO orders_id_seq;
ALTER INDEX orders2_pkey RENAME TO orders_pkey;
"""
RESET = "SELECT setval('orders_id_seq', (SELECT max(id) FROM orders));"


@pytest.fixture(scope="module")
def server():
    with PostgreSQL() as server:
        yield server


@pytest.fixture
def staging(governed, server, monkeypatch):
    """``staging(there, back)``: the shop with that way there and back, and a database in staging."""

    def made(there, back):
        place = governed({"rehearsals/order-service.yaml": PLAN.encode()})
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS staging")
            connection.execute("CREATE DATABASE staging")
        address = server.url.replace("/postgres?", "/staging?")
        monkeypatch.setenv("STAGING_DATABASE", address)
        monkeypatch.setenv("PSQL", str(server.binaries / "psql"))
        for name, value in (("PGHOST", address.partition("host=")[2]), ("PGDATABASE", "staging")):
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PGUSER", "interlock")
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(TABLES)
        (place / "there.sql").write_text(there)
        (place / "back.sql").write_text(back)
        return place

    return made


def rehearse(terminal, place):
    return terminal("evidence", "run", "rehearsal", "--key", place / "runner.pem")


def test_a_way_back_that_brings_every_row_and_number_back_passes(staging, terminal, judged):
    there, back = (COPY.format(kind=kind) + RESET for kind in ("bigint", "int"))
    done = rehearse(terminal, staging(there + "INSERT INTO sessions VALUES (1);", back))
    assert (done.code, done.out[:4]) == (0, "BACK"), done
    assert "table orders column paid was integer, not null, is bigint, not null" in " ".join(done.out.split())
    assert "sessions" not in done.out
    assert judged.met("rollback-rehearsed")


@pytest.mark.parametrize(
    ("there", "back", "left"),
    [
        (
            "ALTER TABLE orders DROP COLUMN note;",
            "ALTER TABLE orders ADD COLUMN note text;",
            "database: table orders values of note was 50 of 50 set",
        ),
        (
            "ALTER TABLE orders DROP COLUMN note;",
            "SELECT 1;",
            "database: table orders column note is gone, was text",
        ),
        (
            COPY.format(kind="bigint") + RESET,
            COPY.format(kind="int"),
            "database: sequence orders_id_seq was integer, by 1, ahead of orders.id, is integer, by 1, behind by",
        ),
    ],
    ids=["lost values", "lost column", "sequence not reset"],
)
def test_what_going_back_loses_is_named_and_the_obligation_stays_open(
    staging, terminal, judged, there, back, left
):
    done = rehearse(terminal, staging(there, back))
    said = " ".join(done.out.split())
    assert done.code == 1, done
    assert said.startswith("FAIL order-service in staging: going back was tried and does not hold")
    assert f"left {left}" in said
    assert not judged.met("rollback-rehearsed")


def test_a_database_that_is_not_there_is_no_look_and_nothing_is_touched(staging, terminal, monkeypatch):
    place = staging("CREATE TABLE touched ();", "SELECT 1;")
    there = str(place / "touched")
    monkeypatch.setenv("STAGING_DATABASE", f"postgresql://shop:s3cret@/staging?host={there}")
    done = rehearse(terminal, place)
    assert done.code == 1
    assert "a probe could not look: database:" in " ".join(done.out.split())
    assert "s3cret" not in done.out + done.err
