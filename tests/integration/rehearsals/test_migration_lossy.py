"""Migrations that lose something and hide it well, and honest ones beside them: each tried in a real PostgreSQL."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import psycopg
import pytest

from interlock.core.rehearsal.plan import RehearsalPlan
from interlock.core.rollout.plan import PluginPlan
from interlock.plugins.rehearsals.migration_place import ThrowAway
from interlock.plugins.rehearsals.postgres_migration import PostgresMigration
from interlock.plugins.world.programs import SystemPrograms
from interlock.ports.rehearsal import RehearsalScene
from interlock.road.rehearse import Stage, rehearse

BASE = """
CREATE TYPE mood AS ENUM ('calm', 'busy', 'closed');
CREATE TABLE customers (id serial PRIMARY KEY, email varchar(100) NOT NULL UNIQUE, name text, phone varchar(40),
  first_name varchar(50), last_name varchar(50), tags text[] NOT NULL DEFAULT '{}', boss int REFERENCES customers);
CREATE TABLE orders (id bigserial PRIMARY KEY, customer int REFERENCES customers, status text NOT NULL DEFAULT 'new',
  amount numeric(12, 4), big bigint, paid int NOT NULL CHECK (paid BETWEEN -500 AND 500), ratio double precision,
  placed timestamptz, seen timestamp, doc jsonb, mood mood NOT NULL DEFAULT 'calm', active boolean, token text,
  code char(3), cents int);
CREATE TABLE archive (id bigint, status text);
"""
NONE = "SELECT 1;"


class Shared(ThrowAway):
    """A place on a server that goes on for other cases; its databases are this case's own."""

    server = None

    def start(self):
        self._server = type(self).server
        self.scratch = self._server.folder / "scratch"
        subprocess.run(["rm", "-rf", self.scratch], check=True)
        self.scratch.mkdir()
        with self.connect("postgres") as connection:
            self.version = connection.info.server_version
            connection.execute(b"ALTER SYSTEM SET fsync = off")
            connection.execute(b"SELECT pg_reload_conf()")
            for name in ("base", "work", "busy", "behind", "scout"):
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
            connection.execute(b"CREATE DATABASE base")

    def close(self):
        self._server = None


@pytest.fixture
def tried(server, tmp_path):
    """``tried(up, down)``: what came of that migration."""
    Shared.server = server

    def made(up, down, *, base=BASE, **settings):
        root = tmp_path / "shop"
        files = ({"1_shop.up.sql": base}, {"2_more.up.sql": up, "2_more.down.sql": down})
        subprocess.run(["git", "init", "--quiet", root], check=True)
        own = ("-c", "user.name=Ana", "-c", "user.email=ana@shop.example")
        for each in files:
            for name, text in each.items():
                (root / name).write_text(text)
            subprocess.run(["git", "-C", root, "add", "--all"], check=True)
            subprocess.run(["git", "-C", root, *own, "commit", "--quiet", "--message", "More"], check=True)
        first = subprocess.check_output(["git", "-C", root, "rev-parse", "HEAD^"], text=True).strip()
        return rehearsed(root, first, {"tool": "sql", "folder": ".", "rows": 600, "reader": 0.2, **settings})

    return made


def rehearsed(root: Path, base: str, settings):
    scene = RehearsalScene(
        root=str(root), run="reh-1", change="chg-1", digest="sha256:0", service="shop", environment="staging",
        programs=SystemPrograms(str(root)), base=base,
    )  # fmt: skip
    plan = RehearsalPlan(
        path="p.yaml", service="shop", environment="staging", probes=(),
        driver=PluginPlan(kind="postgres-migration", settings=settings),
    )  # fmt: skip
    driver = PostgresMigration(plan, scene, Shared)
    try:
        stage = Stage(
            driver=driver, probes=driver.probes(), write=lambda line: None, steady=time.monotonic,
            told=lambda text: None,
        )  # fmt: skip
        return rehearse(stage, 60.0)
    finally:
        driver.close()


def classes(seen):
    return {one["class"] for each in seen.measured["migrations"] for one in each["findings"]}


LOSSY = {
    "letters made small": ("UPDATE customers SET email = lower(email);", NONE),
    "letters made large": ("UPDATE customers SET name = upper(name);", NONE),
    "a name cut off": ("UPDATE customers SET name = left(name, 10);", NONE),
    "a type that cuts off": (
        "ALTER TABLE customers ALTER name TYPE varchar(10) USING left(name, 10);",
        "ALTER TABLE customers ALTER name TYPE text;",
    ),
    "blanks around": ("UPDATE customers SET name = trim(name);", NONE),
    "blanks within": (r"UPDATE customers SET name = regexp_replace(name, '\s+', ' ', 'g');", NONE),
    "letters beyond ASCII": (r"UPDATE customers SET name = regexp_replace(name, '[^ -~]', '', 'g');", NONE),
    "all but digits": ("UPDATE customers SET phone = regexp_replace(phone, '[^0-9+]', '', 'g');", NONE),
    "rows of a state deleted": ("DELETE FROM orders WHERE status = 'archived';", NONE),
    "rows below nothing deleted": ("DELETE FROM orders WHERE amount < 0;", NONE),
    "rows of a state and a sum": (
        "DELETE FROM orders WHERE status = 'archived' AND amount > 7310.5 AND NOT active AND token IS NULL;",
        NONE,
    ),
    "rows by a pattern": ("DELETE FROM customers WHERE email LIKE '%@old-shop.example';", NONE),
    "rows between two sums": ("DELETE FROM orders WHERE big BETWEEN 777000 AND 777010;", NONE),
    "two states become one": (
        "UPDATE orders SET status = 'done' WHERE status = 'shipped';",
        "UPDATE orders SET status = 'shipped' WHERE status = 'done';",
    ),
    "a list of states becomes one": (
        "UPDATE orders SET status = 'open' WHERE status IN ('fresh', 'waiting', 'held');",
        "UPDATE orders SET status = 'fresh' WHERE status = 'open';",
    ),
    "nothing becomes an empty text": (
        "UPDATE orders SET token = COALESCE(token, ''); ALTER TABLE orders ALTER token SET NOT NULL;",
        "ALTER TABLE orders ALTER token DROP NOT NULL;",
    ),
    "decimals rounded": (
        "ALTER TABLE orders ALTER amount TYPE numeric(12, 2);",
        "ALTER TABLE orders ALTER amount TYPE numeric(12, 4);",
    ),
    "a double becomes a real": (
        "ALTER TABLE orders ALTER ratio TYPE real;",
        "ALTER TABLE orders ALTER ratio TYPE double precision;",
    ),
    "a moment becomes a day": (
        "ALTER TABLE orders ALTER placed TYPE date;",
        "ALTER TABLE orders ALTER placed TYPE timestamptz;",
    ),
    "parts of a second": (
        "ALTER TABLE orders ALTER seen TYPE timestamp(0);",
        "ALTER TABLE orders ALTER seen TYPE timestamp;",
    ),
    "a key of an object": ("UPDATE orders SET doc = doc - 'legacy';", NONE),
    "a key within an object": ("UPDATE orders SET doc = doc #- '{prefs,colour}';", NONE),
    "an element of an array": ("UPDATE customers SET tags = array_remove(tags, 'beta');", NONE),
    "an array that becomes its first": (
        "ALTER TABLE customers ALTER tags DROP DEFAULT, ALTER tags TYPE text USING coalesce(tags[1], '');",
        "ALTER TABLE customers ALTER tags TYPE text[] USING CASE tags WHEN '' THEN '{}' ELSE ARRAY[tags] END,"
        " ALTER tags SET DEFAULT '{}';",
    ),
    "rows that are there twice": (
        "DELETE FROM orders a USING orders b WHERE a.id > b.id AND a.token = b.token AND a.status = b.status;",
        NONE,
    ),
    "two columns merged": (
        "ALTER TABLE customers ADD full_name text; UPDATE customers SET full_name = first_name || ' ' || last_name;"
        "ALTER TABLE customers DROP first_name, DROP last_name;",
        "ALTER TABLE customers ADD first_name varchar(50), ADD last_name varchar(50);"
        "UPDATE customers SET first_name = split_part(full_name, ' ', 1), last_name = split_part(full_name, ' ', 2);"
        "ALTER TABLE customers DROP full_name;",
    ),
    "a word replaced and back": (
        "UPDATE orders SET token = replace(token, 'colour', 'color');",
        "UPDATE orders SET token = replace(token, 'color', 'colour');",
    ),
    "a reference let go": ("UPDATE customers SET boss = NULL;", NONE),
    "a label of an enum": ("UPDATE orders SET mood = 'busy' WHERE mood = 'closed';", NONE),
    "a sign lost": ("UPDATE orders SET paid = abs(paid);", NONE),
    "yes and no turned to yes": ("UPDATE orders SET active = true WHERE active IS DISTINCT FROM true;", NONE),
    "in a block": ("DO $$ BEGIN DELETE FROM orders WHERE status = 'void'; END $$;", NONE),
    "moved away and not back": (
        "WITH gone AS (DELETE FROM orders WHERE status = 'old' RETURNING id, status)"
        " INSERT INTO archive SELECT * FROM gone;",
        "DELETE FROM archive WHERE status = 'old';",
    ),
    "a row put in that was there": (
        "INSERT INTO archive SELECT 1, 'system' WHERE NOT EXISTS (SELECT FROM archive WHERE status = 'system');",
        "DELETE FROM archive WHERE status = 'system';",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LOSSY)
def test_what_is_lost_is_seen(tried, case):
    seen, found = tried(*LOSSY[case])
    assert not seen.measured["reversible"], seen.measured
    assert found.verdict == "failed", (found.reasons, seen.measured)
    assert found.left, found


HONEST = {
    "a column more": ("ALTER TABLE orders ADD gift text;", "ALTER TABLE orders DROP gift;", {}),
    "a column with a default": (
        "ALTER TABLE orders ADD gift boolean NOT NULL DEFAULT false;", "ALTER TABLE orders DROP gift;", {},
    ),
    "a table more": ("CREATE TABLE gifts (id int PRIMARY KEY, o bigint REFERENCES orders);", "DROP TABLE gifts;", {}),
    "a new name": (
        "ALTER TABLE orders RENAME token TO remark;", "ALTER TABLE orders RENAME remark TO token;", {},
    ),
    "a new name of a table": ("ALTER TABLE orders RENAME TO sales;", "ALTER TABLE sales RENAME TO orders;", {}),
    "an index": ("CREATE INDEX by_name ON customers (name, phone);", "DROP INDEX by_name;", {}),
    "an index over what a function makes": (
        "CREATE INDEX by_name ON customers (lower(name));", "DROP INDEX by_name;", {},
    ),
    "a wider number": (
        "ALTER TABLE orders ALTER cents TYPE bigint;", "ALTER TABLE orders ALTER cents TYPE int;", {},
    ),
    "a wider text": (
        "ALTER TABLE customers ALTER phone TYPE varchar(80);", "ALTER TABLE customers ALTER phone TYPE varchar(40);",
        {},
    ),
    "more decimals": (
        "ALTER TABLE orders ALTER amount TYPE numeric(16, 6);",
        "ALTER TABLE orders ALTER amount TYPE numeric(12, 4);", {},
    ),
    "changed beside a copy that is kept": (
        "ALTER TABLE customers ADD email_was varchar(100);"
        "UPDATE customers SET email_was = email, email = lower(email);",
        "UPDATE customers SET email = email_was; ALTER TABLE customers DROP email_was;", {},
    ),
    "two columns into a third": (
        "ALTER TABLE customers ADD full_name text; UPDATE customers SET full_name = first_name || ' ' || last_name;",
        "ALTER TABLE customers DROP full_name;", {},
    ),
    "money in cents": (
        "ALTER TABLE orders ADD worth int; UPDATE orders SET worth = cents * 100;",
        "ALTER TABLE orders DROP worth;", {},
    ),
    "rows moved away and back": (
        "CREATE TABLE kept (LIKE orders); WITH gone AS (DELETE FROM orders WHERE status = 'void' RETURNING *)"
        " INSERT INTO kept SELECT * FROM gone;",
        "INSERT INTO orders SELECT * FROM kept; DROP TABLE kept;", {},
    ),
    "a row put in": (
        "INSERT INTO archive VALUES (-77, 'brand new'); ", "DELETE FROM archive WHERE id = -77 AND status = 'brand new';",
        {"holds": {"archive": ["CHECK (id > 0)"]}},
    ),
    "rows set in turns": (
        "ALTER TABLE orders ADD state text; DO $$ DECLARE n int; BEGIN LOOP UPDATE orders SET state = status WHERE id IN"
        " (SELECT id FROM orders WHERE state IS NULL LIMIT 250); GET DIAGNOSTICS n = ROW_COUNT; EXIT WHEN n = 0;"
        " END LOOP; END $$;",
        "ALTER TABLE orders DROP state;", {},
    ),
    "must be set, and always was": (
        "ALTER TABLE orders ALTER token SET NOT NULL;", "ALTER TABLE orders ALTER token DROP NOT NULL;",
        {"holds": {"orders": ["CHECK (token IS NOT NULL)"]}},
    ),
    "once each, and always was": (
        "CREATE UNIQUE INDEX one_name ON customers (name);", "DROP INDEX one_name;",
        {"holds": {"customers": ["UNIQUE (name)"]}},
    ),
    "refers to what is there": (
        "ALTER TABLE archive ADD CONSTRAINT of_order FOREIGN KEY (id) REFERENCES orders;",
        "ALTER TABLE archive DROP CONSTRAINT of_order;", {"holds": {"archive": ["FOREIGN KEY (id) REFERENCES orders"]}},
    ),
    "a view, a function and a trigger": (
        "CREATE VIEW open AS SELECT * FROM orders WHERE status <> 'done'; CREATE FUNCTION t() RETURNS trigger LANGUAGE"
        " plpgsql AS $$ BEGIN UPDATE archive SET status = 'x' WHERE id = -5; RETURN NEW; END $$;"
        " CREATE TRIGGER t BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION t();",
        "DROP VIEW open; DROP TRIGGER t ON orders; DROP FUNCTION t();", {},
    ),
    "a label of an enum more": (
        "ALTER TYPE mood ADD VALUE 'late';",
        "ALTER TABLE orders ALTER mood DROP DEFAULT; ALTER TYPE mood RENAME TO was; CREATE TYPE mood AS ENUM"
        " ('calm', 'busy', 'closed'); ALTER TABLE orders ALTER mood TYPE mood USING mood::text::mood;"
        " ALTER TABLE orders ALTER mood SET DEFAULT 'calm'; DROP TYPE was;", {},
    ),
    "a new default": (
        "ALTER TABLE orders ALTER status SET DEFAULT 'fresh';", "ALTER TABLE orders ALTER status SET DEFAULT 'new';",
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", HONEST)
def test_what_comes_back_is_called_reversible(tried, case):
    up, down, settings = HONEST[case]
    seen, found = tried(up, down, **settings)
    assert (found.verdict, found.reasons) == ("passed", ()), seen.measured
    assert seen.measured["reversible"]
    assert not classes(seen) & {"irreversible", "unshown"}
