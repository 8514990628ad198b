"""``evidence run snapshot`` whole: a real database, a runner's key, and what the rules make of it."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from interlock.plugins.world.postgresql import PostgreSQL

PLAN = b"""\
service: order-service
environment: production
database: SHOP_DATABASE
take: pg_dump
file: ../backups/orders-{run}.dump
age: 2h
"""
FOUND = PLAN.replace(b"take: pg_dump", b"take: existing").replace(b"{run}", b"nightly")
MIGRATION = "ALTER TABLE orders DROP COLUMN note;\n"


@pytest.fixture(scope="module")
def server():
    with PostgreSQL() as server:
        yield server


@pytest.fixture
def shop(governed, terminal, server, monkeypatch):
    """``shop(plan)``: that plan in force, a database in production, and a change that drops a column."""

    def made(plan=PLAN):
        place = governed({"snapshot-plans/order-service.yaml": plan})
        (place / "backups").mkdir()
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(b"DROP TABLE IF EXISTS orders")
            connection.execute(b"CREATE TABLE orders (id integer PRIMARY KEY, note text)")
            connection.execute(b"INSERT INTO orders SELECT n, 'note ' || n FROM generate_series(1, 500) n")
        monkeypatch.setenv("SHOP_DATABASE", server.url)
        folder = place / "shop" / "migrations"
        folder.mkdir()
        (folder / "0002_drop_note.sql").write_text(MIGRATION)
        for command in (["add", "migrations"], ["commit", "--quiet", "--message", "Drop the note"]):
            subprocess.run(["git", *command], check=True, timeout=30)
        terminal.ok("change", "push", "--base", "main")
        return place

    return made


def save(terminal, place, *more):
    return terminal("evidence", "run", "snapshot", "--key", place / "runner.pem", *more)


def test_a_snapshot_meets_what_an_irreversible_change_needs(shop, terminal, judged):
    place = shop()
    assert not judged.met("irreversible-snapshot")
    done = save(terminal, place, "--json")
    found = done.json["items"][0]
    assert done.code == 0, done
    assert (found["verdict"], found["tables"], found["rows"], found["differing_count"]) == ("passed", 1, 500, 0)
    assert found["state_source"] == found["state_restored"]
    kept = found["evidence"]["kept"]
    assert kept["standing"] == "trusted"
    taken, until = (datetime.fromisoformat(each) for each in (found["taken_at"], kept["expires_at"]))
    assert timedelta(minutes=119) < until - taken <= timedelta(hours=2, seconds=1), "it counts while it is fresh"
    assert judged.met("irreversible-snapshot")
    assert [path.name for path in (place / "backups").iterdir()] == [found["file"]]
    assert terminal.ok("evidence", "verify", kept["id"]).out.startswith("HOLDS    passed")
    listed = terminal.ok("evidence", "list").out.split()
    assert listed[:3] == [kept["id"], "trusted", "passed"]
    assert listed[-1] == "snapshot/v1"
    shown = save(terminal, place)
    said = " ".join(shown.out.split())
    assert said.startswith(
        "SAVED order-service in production: restored elsewhere, 1 table with 500 rows, equal to"
    )
    assert "trusted · signed by ci" in said


def test_what_does_not_restore_is_none_and_said_so_under_signature(shop, terminal, judged, server):
    place = shop(FOUND)
    file = place / "backups" / "orders-nightly.dump"
    absent = save(terminal, place)
    assert (absent.code, "there is no such file" in absent.out) == (1, True)
    command = [server.binaries / "pg_dump", "--format=custom", f"--file={file}", server.url]
    subprocess.run([str(each) for each in command], check=True, timeout=120)
    file.write_bytes(file.read_bytes()[:-700])
    done = save(terminal, place)
    said = " ".join(done.out.split())
    assert done.code == 1
    assert said.startswith("NONE order-service in production: this is no snapshot because it does not restore: ")
    assert not judged.met("irreversible-snapshot")
    assert judged.light("snapshot")["state"] == "failed"


def test_what_cannot_be_decided_is_not_handed_in(shop, terminal, monkeypatch):
    place = shop()
    monkeypatch.setenv("SHOP_DATABASE", "postgresql://teller:s3cret@127.0.0.1:1/shop")
    done = save(terminal, place)
    assert (done.code, done.out[:7]) == (3, "UNKNOWN")
    assert "s3cret" not in done.out + done.err
    assert terminal.ok("evidence", "list", "--json").json["items"] == []
    monkeypatch.delenv("SHOP_DATABASE")
    unset = save(terminal, place)
    assert (unset.code, unset.err.split("]")[0]) == (3, "error[snapshot-needs")


def test_a_plan_that_is_not_there_is_told_with_the_nearest(shop, terminal):
    shop()
    assert terminal("evidence", "run", "snapshot", "--service", "cart").err.startswith("error[snapshot-none]")
    near = terminal("evidence", "run", "snapshot", "--service", "order-servic")
    assert (near.code, "got none (did you mean `order-service`?)" in near.err) == (2, True), near
    assert "there are: order-service in production" in near.err
    place = terminal("evidence", "run", "snapshot", "--environment", "prodution")
    assert "in `prodution` in the rules in force, got none (did you mean `production`?)" in place.err


@pytest.mark.parametrize("plan", [PLAN, FOUND])
def test_a_folder_that_is_not_there_is_wrong_input_and_nothing_is_signed(shop, terminal, plan):
    place = shop(plan)
    (place / "backups").rmdir()
    done = save(terminal, place)
    assert (done.code, done.err.split("]")[0]) == (2, "error[snapshot-folder"), done
    assert "mkdir -p ../backups" in done.err
    assert not (place / "backups").exists()
    assert terminal.ok("evidence", "list", "--json").json["items"] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_stops_it_is_told_that_nothing_is_left(shop, number):
    place = shop(PLAN.replace(b"pg_dump", b'[sh, -c, "echo x > $SNAPSHOT_FILE; echo > ../begun; sleep 600"]'))
    command = [Path(sys.executable).with_name("interlock"), "evidence", "run", "snapshot"]
    started = subprocess.Popen(command, cwd=place / "shop", stderr=subprocess.PIPE, text=True)
    while not (place / "begun").exists():
        assert started.poll() is None, started.stderr.read()
        time.sleep(0.05)
    assert [path.suffix for path in (place / "backups").iterdir()] == [".part"]
    started.send_signal(number)
    _, said = started.communicate(timeout=60)
    assert (started.returncode, "was cancelled: what was not compared yet is removed" in said) == (130, True), said
    assert list((place / "backups").iterdir()) == []


def test_who_stops_it_while_it_is_signed_is_told_what_there_is(shop):
    place = shop()
    program = Path(sys.executable).with_name("interlock")
    command = [program, "evidence", "run", "snapshot", "--key", "../runner.pem"]
    home = place / "shop" / ".interlock"
    started = subprocess.Popen(command, cwd=place / "shop", stderr=subprocess.PIPE, text=True)
    while "comparing" not in (line := started.stderr.readline()):
        assert line, "it is over"
    with sqlite3.connect(home / "interlock.db", isolation_level=None) as ledger:
        ledger.execute("BEGIN IMMEDIATE")
        while not (signed := [*(home / "evidence").glob("snp-*.dsse")]):
            assert started.poll() is None, started.stderr.read()
            time.sleep(0.02)
        time.sleep(0.2)
        started.send_signal(signal.SIGINT)
        time.sleep(0.5)
        ledger.execute("ROLLBACK")
    _, said = started.communicate(timeout=60)
    assert started.returncode == 130, said
    file = next((place / "backups").iterdir()).name
    assert f"{file} was compared and signed, and perhaps not handed in: interlock evidence add chg-" in said
    assert not [path for path in home.rglob(".*") if path.is_file() and path.name != ".gitignore"], "no drafts"
    again = said.partition("interlock evidence add ")[2].split()
    subprocess.run([program, "evidence", "add", *again[:2]], cwd=place / "shop", check=True, timeout=60)
    assert str(signed[0]).endswith(again[1].rpartition("/")[2])


def test_what_lies_there_unverified_is_named_with_how_to_remove_it(shop, terminal):
    place = shop(PLAN.replace(b"pg_dump", b"[sh, -c, \"echo 'SELECT 1;' > $SNAPSHOT_FILE\"]"))
    first = save(terminal, place, "--json").json["items"][0]["unverified"]
    assert len(first) == 1
    assert first[0].endswith(".dump.unverified")
    said = save(terminal, place)
    left = sorted(f"../backups/{path.name}" for path in (place / "backups").iterdir())
    assert len(left) == 2
    assert all(each in "".join(said.out.split()) for each in left)
    assert "2 files were not shown to be a snapshot" in " ".join(said.out.split())


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (PLAN.replace(b"-{run}", b""), "expected a path with `{run}` in it"),
        (FOUND.replace(b"nightly", b"{run}"), "expected the path of a backup that exists"),
        (PLAN + b"slack: 5m\n", "expected `slack` beside `take: existing` only"),
        (PLAN.replace(b"SHOP_DATABASE", b"postgresql://a:s3cret@db/x"), "expected the name of an environment"),
        (PLAN.replace(b"pg_dump", b"magic"), "expected one of pg_dump, existing at `take`"),
        (
            PLAN.replace(b"production", b"producton"),
            "expected an environment of interlock.yaml (did you mean `production`?)",
        ),
        (PLAN.replace(b"order-service", b"order-servic"), "expected a service of the catalog"),
        (PLAN + b"agee: 1d\n", "expected a known key of `the file`"),
    ],
)
def test_a_plan_that_cannot_be_used_is_refused_with_its_line(governed, terminal, wrong, told):
    governed({"snapshot-plans/order-service.yaml": PLAN})
    Path("snapshot-plans/order-service.yaml").write_bytes(wrong)
    subprocess.run(["git", "commit", "--quiet", "--all", "--message", "wrong"], check=True, timeout=30)
    done = terminal("check")
    assert told in done.err, done
    assert "snapshot-plans/order-service.yaml:" in done.err
    assert "s3cret" not in done.err
