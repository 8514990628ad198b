"""Migrations that lose something and hide it well, and honest ones: each tried in a real PostgreSQL."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
import yaml

from interlock.core.rehearsal.plan import RehearsalPlan
from interlock.core.rollout.plan import PluginPlan
from interlock.plugins.rehearsals.migration_place import ThrowAway
from interlock.plugins.rehearsals.postgres_migration import PostgresMigration
from interlock.plugins.world.programs import SystemPrograms
from interlock.ports.rehearsal import RehearsalScene
from interlock.road.rehearse import Stage, rehearse

CASES = yaml.safe_load((Path(__file__).parent / "migrations.yaml").read_text())
BASE = CASES["base"]


def cases(kind):
    """The cases of a kind; those that are more of the same are tried where there is time."""
    more = [pytest.param(each, marks=pytest.mark.soak, id=name) for name, each in CASES[f"more_{kind}"].items()]
    return [*(pytest.param(each, id=name) for name, each in CASES[kind].items()), *more]


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
        subprocess.run(["rm", "-rf", root / ".git", *root.glob("2_*")], check=True)
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


@pytest.mark.parametrize("case", cases("lossy"))
def test_what_is_lost_is_seen(tried, case):
    seen, found = tried(**case)
    assert not seen.measured["reversible"], seen.measured
    assert found.verdict == "failed", (found.reasons, seen.measured)
    assert found.left, found


@pytest.mark.parametrize("case", cases("honest"))
def test_what_comes_back_is_called_reversible(tried, case):
    seen, found = tried(**case)
    assert (found.verdict, found.reasons) == ("passed", ()), seen.measured
    assert seen.measured["reversible"]
    assert not classes(seen) & {"irreversible", "unshown"}


@pytest.mark.parametrize("case", cases("undecided"))
def test_what_has_no_effect_on_any_row_here_leaves_it_undecided(tried, case):
    seen, found = tried(**case)
    assert (found.verdict, seen.measured["reversible"]) == ("undecidable", False), seen.measured
    assert "unshown" in classes(seen)


def needs(found):
    return next(one for one in found.reasons if one.startswith("could not be decided here: needs "))


def test_a_statement_that_touches_no_row_leaves_it_undecided_and_is_named(tried):
    seen, found = tried("DELETE FROM orders WHERE md5(token) = 'c0ffee';", "SELECT 1;")
    assert found.verdict == "undecidable", seen.measured
    assert "`DELETE FROM orders WHERE md5(token) = 'c0ffee'` changes (seed:)" in needs(found)
    assert (classes(seen), seen.measured["reversible"]) == ({"unshown", "free"}, False)


def test_a_statement_that_sets_rows_and_changes_none_leaves_it_undecided(tried):
    up = "UPDATE orders SET token = regexp_replace(token, '^Q[0-9]{9}x$', 'gone');"
    seen, found = tried(up, "SELECT 1;")
    assert found.verdict == "undecidable", seen.measured
    assert "changed no value here" in seen.measured["migrations"][0]["findings"][0]["told"]


def test_what_touches_nothing_in_a_block_leaves_it_undecided(tried):
    up = "DO $$ BEGIN UPDATE orders SET cents = 1; DELETE FROM orders WHERE md5(token) = 'c0ffee'; END $$;"
    down = "SELECT 1;"
    seen, found = tried(up, down)
    # The first of them loses values all the same: that is the graver thing.
    assert (found.verdict, "unshown" in classes(seen)) == ("failed", True), seen.measured


def test_a_seed_with_the_rows_decides_it(tried, tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "seed.sql").write_text(
        "INSERT INTO orders (token, paid) SELECT 'secret', 20 FROM generate_series(1, 3);"
    )
    up = "DELETE FROM orders WHERE md5(token) = md5('sec' || 'ret');"
    seen, found = tried(up, "SELECT 1;", seed="seed.sql")
    assert (found.verdict, "irreversible" in classes(seen)) == ("failed", True), seen.measured


def test_what_the_first_run_leaves_on_the_server_is_in_nobodys_way(tried):
    seen, _ = tried("CREATE ROLE clerk; GRANT SELECT ON orders TO clerk;", "SELECT 1;")
    assert seen.applied[0].ok, seen.applied


def test_a_column_that_must_be_set_fails_over_rows_where_it_is_not(tried):
    seen, found = tried(
        "ALTER TABLE orders ALTER token SET NOT NULL;", "ALTER TABLE orders ALTER token DROP NOT NULL;"
    )
    assert (found.verdict, seen.measured["reversible"]) == ("failed", False)
    assert 'column "token" of relation "orders" contains null values' in found.reasons[0]
    assert "holds:" in found.reasons[0]


@pytest.mark.parametrize(
    ("up", "down"),
    [
        ("ALTER TABLE orders ALTER big TYPE int;", "ALTER TABLE orders ALTER big TYPE bigint;"),
        ("CREATE UNIQUE INDEX one ON orders (token);", "DROP INDEX one;"),
        ("ALTER TABLE orders ADD CHECK (amount > 0);", "ALTER TABLE orders DROP CONSTRAINT orders_amount_check;"),
    ],
)
def test_what_refuses_rows_that_may_be_there_is_undecided_and_says_what(tried, up, down):
    seen, found = tried(up, down)
    assert (found.verdict, seen.measured["reversible"]) == ("undecidable", False)
    assert "rows that this migration takes (holds: or seed:)" in needs(found)


def test_what_a_plan_says_of_rows_must_be_a_constraint_of_a_table(tried):
    for holds, said in (({"orders": ["CHEK (paid > 0)"]}, "syntax error"), ({"order": ["UNIQUE (id)"]}, "order,")):
        _, found = tried("SELECT 1;", "SELECT 1;", holds=holds)
        assert found.verdict == "undecidable"
        assert said in found.reasons[0], found.reasons


PARTED = """CREATE TABLE p (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (MINVALUE) TO (MAXVALUE);
CREATE TABLE stays (id serial PRIMARY KEY, ship text); CREATE VIEW v AS SELECT id FROM stays;"""


@pytest.mark.parametrize(
    ("up", "down", "table", "said"),
    [
        ("ALTER TABLE p RENAME TO q;", "ALTER TABLE q RENAME TO p;", "p", 'relation "public.p" does not exist'),
        ("DROP VIEW v;", "CREATE VIEW v AS SELECT id FROM stays;", "v", 'relation "public.v" does not exist'),
        pytest.param(
            "ALTER TABLE p DETACH PARTITION p1;",
            "ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (MINVALUE) TO (MAXVALUE);",
            "p",
            "",
            marks=pytest.mark.soak,
        ),
    ],
)
def test_partitioned_tables_and_views_keep_people_out_too(tried, up, down, table, said):
    """They were called `keeps nobody out`, and no version before failed."""
    seen, found = tried(up, down, base=PARTED)
    assert found.verdict == "passed", (found.reasons, seen.measured)
    (one,) = seen.measured["migrations"]
    assert {"table": table, "mode": "ACCESS EXCLUSIVE"} in one["locks"], one
    assert one["class"] == "exclusive"
    assert not said or any(said in each["told"] for each in one["findings"]), one


@pytest.mark.soak
def test_a_check_that_takes_hardly_anything_is_told(tried):
    base = f"{BASE} CREATE TABLE plates (plate text NOT NULL CHECK (plate IN ('B-1', 'B-2')));"
    up = "ALTER TABLE plates ADD colour text;"
    seen, found = tried(up, "ALTER TABLE plates DROP colour;", base=base)
    assert found.verdict == "passed"
    assert seen.measured["untried"] == ["plates: its check takes none of the values tried for plate"]


@pytest.mark.soak
def test_rows_read_before_the_lock_or_in_another_transaction_are_not_read_under_it(tried):
    """It was called so whenever anything of the migration read the table."""
    add, drop = "ALTER TABLE orders ADD gift text;", "ALTER TABLE orders DROP gift;"
    read = "SELECT count(token) FROM orders;"
    for up, kind in (
        (f"{read} {add}", "exclusive"),
        (f"BEGIN; {read} {add} COMMIT;", "exclusive"),
        (f"BEGIN; {add} COMMIT; BEGIN; {read} COMMIT;", "exclusive"),
        (f"BEGIN; {add} {read} COMMIT;", "scan"),
    ):
        seen, found = tried(up, drop)
        assert (found.verdict, classes(seen)) == ("passed", {kind}), up
