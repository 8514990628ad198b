"""A database's fingerprint: equal for what is equal by name, and a difference says where to look."""

from __future__ import annotations

import os

import psycopg
import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.rehearsal.fingerprint import differences
from interlock.plugins.rehearsals.probe_sql import SqlProbe
from interlock.plugins.rehearsals.sql_fingerprint import sql_fingerprint

SHOP = """
CREATE TYPE mood AS ENUM ('calm', 'busy');
CREATE TABLE orders (id serial PRIMARY KEY, note text DEFAULT 'none', paid numeric(8, 2) NOT NULL, mood mood);
CREATE INDEX by_note ON orders (note);
INSERT INTO orders (note, paid, mood) SELECT 'n' || g, g, 'calm' FROM generate_series(1, 50) g;
CREATE TABLE visits (page text, at timestamptz);
INSERT INTO visits VALUES ('a', '2026-03-05 10:00Z'), ('b', NULL);
CREATE VIEW dear AS SELECT id FROM orders WHERE paid > 40;
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT 2 * n';
CREATE SCHEMA billing;
CREATE TABLE billing.bills (id bigint GENERATED ALWAYS AS IDENTITY, "Odd ""name" text);
"""


@pytest.fixture
def shop(database):
    database.execute(SHOP)
    return database


def told(database, statements):
    """What the fingerprint says the statements did."""
    before = sql_fingerprint(database)
    assert not before.failed
    database.execute(statements)
    after = sql_fingerprint(database)
    assert not after.failed
    return [one.told.removeprefix("d: ") for one in differences({"d": before}, {"d": after})]


@pytest.mark.parametrize(
    "nothing",
    [
        "SELECT 1",
        "ALTER TABLE orders ADD COLUMN more int; ALTER TABLE orders DROP COLUMN more",
        (
            "CREATE TABLE kept AS SELECT * FROM orders; ALTER TABLE orders DROP COLUMN note; "
            "ALTER TABLE orders ADD COLUMN note text DEFAULT 'none'; CREATE INDEX by_note ON orders (note); "
            "UPDATE orders o SET note = k.note FROM kept k WHERE k.id = o.id; DROP TABLE kept"
        ),
        "INSERT INTO orders (paid) VALUES (1); DELETE FROM orders WHERE id = 51",
        "VACUUM FULL orders",
        "SET timezone = 'Asia/Tokyo'",
        "SET search_path = billing",
    ],
)
def test_what_is_the_same_by_name_is_the_same(shop, nothing):
    assert told(shop, nothing) == []


@pytest.mark.parametrize(
    ("statements", "differs"),
    [
        ("ALTER TABLE orders ALTER note DROP DEFAULT", "table orders column note was text, default 'none'::text"),
        ("ALTER TABLE orders ALTER note SET NOT NULL", "table orders column note was text, default 'none'::text"),
        ("UPDATE orders SET note = 'n2' WHERE id = 1", "table orders values of note was 50 of 50 set"),
        ("UPDATE orders SET note = NULL WHERE id = 1", "table orders values of note was 50 of 50 set"),
        (
            "UPDATE orders SET note = CASE id WHEN 1 THEN 'n2' ELSE 'n1' END WHERE id < 3",
            "table orders values of note was 50 of 50 set",
        ),
        ("UPDATE visits SET page = translate(page, 'ab', 'ba')", "table visits rows was 2, checksum"),
        ("SELECT setval('orders_id_seq', 40)", "sequence orders_id_seq was integer, by 1, ahead of orders.id, is"),
        ("DROP INDEX by_note", "table orders index by_note is gone"),
        ("ALTER TYPE mood ADD VALUE 'wild'", "type mood was enum 'calm', 'busy', is enum 'calm', 'busy', 'wild'"),
        ("DROP VIEW dear", "view dear is gone"),
        (
            "CREATE OR REPLACE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT 3 * n'",
            "function twice(n integer) was CREATE OR REPLACE FUNCTION",
        ),
        (
            "ALTER TABLE orders ADD CHECK (paid > 0) NOT VALID",
            "table orders constraint orders_paid_check is there and was not: CHECK ((paid > (0)::numeric)) NOT V",
        ),
        ("GRANT SELECT ON orders TO PUBLIC", "table orders was table, is table, grants"),
        ("ALTER TABLE billing.bills ENABLE ROW LEVEL SECURITY", "table billing.bills was table, is table, row"),
        ("CREATE EXTENSION vector", "extension vector is there and was not"),
        ("ALTER SEQUENCE orders_id_seq INCREMENT 10", "sequence orders_id_seq was integer, by 1, ahead"),
    ],
)
def test_a_difference_says_where_to_look(shop, statements, differs):
    found = told(shop, statements)
    assert [one[: len(differs)] for one in found[:1]] == [differs], found
    assert len(found) == 1


RIGHTS = """
CREATE SEQUENCE invoices CYCLE; SELECT setval('invoices', 5000);
CREATE TABLE child () INHERITS (visits);
CREATE RULE keep AS ON DELETE TO orders WHERE OLD.id < 10 DO INSTEAD NOTHING;
CREATE AGGREGATE total(int) (sfunc = int4pl, stype = int, initcond = '0');
CREATE STATISTICS by_both (dependencies) ON note, paid FROM orders;
CREATE FUNCTION same() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION seen() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE TRIGGER same BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION same();
CREATE POLICY own ON orders TO pg_monitor USING (paid > 0);
CREATE PUBLICATION shop FOR TABLE orders;
CREATE TYPE spans AS RANGE (subtype = int4);
ALTER TABLE orders ALTER note SET DEFAULT 'a  b';
SELECT lo_from_bytea(4242, 'precious');
"""


@pytest.mark.parametrize(
    ("statements", "differs"),
    [
        (
            "GRANT SELECT ON dear TO pg_monitor",
            "rights on view dear is there and was not: rights, grants pg_monitor SELECT",
        ),
        ("ALTER VIEW dear SET (security_barrier)", "rights on view dear is there and was not: rights, with"),
        (
            "REVOKE EXECUTE ON FUNCTION twice FROM PUBLIC",
            "rights on function twice(n integer) is there and was not: rights",
        ),
        ("GRANT USAGE ON SEQUENCE invoices TO pg_monitor", "bounds of sequence invoices was from 1,"),
        (
            "ALTER SEQUENCE orders_id_seq MAXVALUE 60",
            "bounds of sequence orders_id_seq was from 1, 1 to 2147483647",
        ),
        ("ALTER SEQUENCE invoices NO CYCLE", "bounds of sequence invoices was"),
        ("SELECT setval('invoices', 1)", "sequence invoices was bigint, by 1, of no column, gives 5,001 next"),
        ("GRANT USAGE ON SCHEMA billing TO pg_monitor", "rights on schema billing was rights"),
        (
            "ALTER DEFAULT PRIVILEGES IN SCHEMA billing GRANT SELECT ON TABLES TO pg_monitor",
            "default privileges billing.",
        ),
        ("ALTER POLICY own ON orders TO PUBLIC", "table orders policy own was * to pg_monitor using (paid > "),
        (
            "DROP POLICY own ON orders; CREATE POLICY own ON orders AS RESTRICTIVE TO pg_monitor USING (paid > 0)",
            "table orders policy own was * to pg_monitor using (paid > ",
        ),
        ("DROP RULE keep ON orders", "table orders rule keep is gone"),
        ("ALTER TABLE child NO INHERIT visits", "table child inherits"),
        (
            "DROP AGGREGATE total(int); CREATE AGGREGATE total(int) (sfunc = int4pl, stype = int, initcond = '7')",
            "aggregate total(integer) was",
        ),
        ("DROP STATISTICS by_both", "table orders statistics by_both is gone"),
        ("ALTER TABLE orders ENABLE ALWAYS TRIGGER same", "table orders trigger same was"),
        ("ALTER TABLE orders REPLICA IDENTITY FULL", "table orders was table"),
        (
            "ALTER TABLE orders ALTER note SET DEFAULT 'a b'",
            "table orders column note was text, default 'a  b'::t",
        ),
        ("DROP PUBLICATION shop", "publication shop is gone"),
        ("CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION seen()", "event trigger e is there"),
        ("CREATE CAST (text AS mood) WITH INOUT", "cast text as public.mood is there"),
        (
            "CREATE OPERATOR === (leftarg = int, rightarg = int, function = int4eq)",
            "operator ===(integer, integer)",
        ),
        ("CREATE COLLATION letters (locale = 'C')", "collation letters is there"),
        ("CREATE FOREIGN DATA WRAPPER elsewhere", "foreign data wrapper elsewhere is there"),
        ("SELECT lo_put(4242, 0, 'XXXX')", "large objects together was 1, sum"),
        ("SELECT lo_unlink(4242)", "large objects together is gone"),
        (
            "UPDATE pg_index SET indisready = false WHERE indexrelid = 'by_note'::regclass",
            "table orders index by_note was",
        ),
    ],
)
def test_rights_and_what_stands_beside_the_tables_are_seen(shop, statements, differs):
    shop.execute(RIGHTS)
    found = told(shop, statements)
    assert any(one.startswith(differs) for one in found), found


@pytest.mark.parametrize("thing", ["orders", "dear", "SEQUENCE invoices", "FUNCTION twice", "SCHEMA billing"])
def test_a_right_that_is_given_and_taken_away_is_no_difference(shop, thing):
    shop.execute(RIGHTS)
    assert told(shop, f"GRANT ALL ON {thing} TO pg_monitor; REVOKE ALL ON {thing} FROM pg_monitor") == []


def test_how_far_a_sequence_lags_is_said(shop):
    shop.execute("SELECT setval('orders_id_seq', 40)")
    assert sql_fingerprint(shop).items["sequence orders_id_seq"] == "integer, by 1, behind by 10 of orders.id"
    shop.execute("SELECT setval('orders_id_seq', 50, false)")
    assert sql_fingerprint(shop).items["sequence orders_id_seq"] == "integer, by 1, behind by 1 of orders.id"
    shop.execute("SELECT setval('orders_id_seq', 51, false)")
    assert sql_fingerprint(shop).items["sequence orders_id_seq"] == "integer, by 1, ahead of orders.id"


def test_only_what_is_asked_for_is_looked_at(shop):
    one = sql_fingerprint(shop, schemas=["billing"]).items
    assert {name.split(" ")[1] for name in one if name.startswith("table ")} == {"billing.bills"}
    none = sql_fingerprint(shop, without=["orders", "billing.*"]).items
    assert not [name for name in none if "orders" in name or "bills" in name]
    assert "table visits rows" in none


def test_a_look_changes_nothing_and_leaves_no_transaction(shop):
    before = shop.execute("SELECT pg_current_xact_id_if_assigned()").fetchone()
    sql_fingerprint(shop)
    assert shop.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert shop.execute("SHOW statement_timeout").fetchone() == ("0",)
    assert before == (None,)


def test_what_takes_too_long_is_no_look(shop):
    with psycopg.connect(shop.info.dsn) as other:
        other.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        found = sql_fingerprint(shop, seconds=0.2)
    assert (found.items, found.failed[:20]) == ({}, "not over within 0.2 ")


def test_the_probe_looks_at_the_database_that_a_variable_names(shop, address, monkeypatch):
    monkeypatch.setenv("SHOP_DATABASE", address)
    seen = SqlProbe({"dsn_env": "SHOP_DATABASE"}, None).look()
    assert seen == sql_fingerprint(shop)
    assert SqlProbe({"dsn": address}, None).look() == seen


def test_a_database_that_cannot_be_reached_is_no_look_and_no_password_is_told(monkeypatch):
    monkeypatch.setenv("GONE", "postgresql://shop:s3cret@/gone?host=/nowhere")
    for variable, failed in (("GONE", "No such file or directory"), ("UNSET", "`UNSET` is not set")):
        assert variable == "GONE" or variable not in os.environ
        seen = SqlProbe({"dsn_env": variable}, None).look()
        assert seen.items == {}
        assert failed in seen.failed
        assert "s3cret" not in seen.failed


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "expected one of dsn_env and dsn, got `'neither'`"),
        ({"dsn": "postgresql:///a", "dsn_env": "A"}, "expected one of dsn_env and dsn, got `'both'`"),
        ({"dsn": "postgresql://u:p@h/a"}, "expected an address without a password, got `'one with a password'`"),
        ({"dsn": "host=h password=p"}, "expected an address without a password, got `'one with a password'`"),
        ({"dsn_env": "A", "table": "x"}, "table"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings, expected):
    with pytest.raises(InvalidInput) as caught:
        SqlProbe(settings, None)
    assert expected in caught.value.message


def test_the_options_of_a_foreign_server_and_its_tables_are_seen(shop):
    shop.execute("CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'a')")
    shop.execute("CREATE FOREIGN TABLE f (a int OPTIONS (c 'x')) SERVER s OPTIONS (tbl 'x')")
    assert told(shop, "ALTER SERVER s OPTIONS (SET host 'b')") == ["foreign server s was host=a, is host=b"]
    (one,) = told(shop, "ALTER FOREIGN TABLE f OPTIONS (SET tbl 'y')")
    assert "at s with tbl=x" in one, one
    assert "at s with tbl=y" in one, one
    (one,) = told(shop, "ALTER FOREIGN TABLE f ALTER a OPTIONS (SET c 'y')")
    assert "with c=y" in one, one
