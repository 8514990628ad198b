"""A rollback set: configuration, flags, an artefact and a schema go there and back together, in order."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from interlock.plugins.world.postgresql import PostgreSQL

HEAD = "service: order-service\nenvironment: staging\n"
SCHEMA = """\
  - name: schema
    driver: {kind: command}
    apply:
      - name: column
        run: [sh, -c, 'psql -q "$SHOP" -c "ALTER TABLE orders ADD COLUMN days integer"']
        verify: ["true"]
    rollback:
      - name: column
        run: [sh, -c, 'psql -q "$SHOP" -c "ALTER TABLE orders DROP COLUMN IF EXISTS days"']
        verify: ["true"]
    probes: [database]
"""
ARTEFACT = """\
  - name: artefact
    driver: {kind: git-artifact, repository: ../origin.git, paths: [src]}
    after: [schema]
"""
CONFIGURATION = """\
  - name: configuration
    driver: {kind: command}
    apply:
      - {name: delivery, run: [cp, config/delivery.yaml, ../staging/], verify: ["true"]}
    rollback:
      - name: delivery
        run: [sh, -c, "git show ${ROLLOUT_BASE:?}:config/delivery.yaml > ../staging/delivery.yaml"]
        verify: ["true"]
    probes: [delivery]
    after: [artefact]
"""
FLAG = """\
  - name: flag
    driver: {kind: command}
    apply: [{name: five days, run: [touch, ../staging/five-days.on], verify: ["true"]}]
    rollback: [{name: five days, run: [rm, -f, ../staging/five-days.on], verify: ["true"]}]
    probes: [flags]
    after: [configuration]
"""
MAIL = "  - {name: mail, reversible: false, because: a promise that was mailed is read}\n"
PROBES = """\
probes:
  - {name: database, kind: sql, dsn_env: SHOP}
  - {name: delivery, kind: run, run: [cat, ../staging/delivery.yaml]}
  - {name: flags, kind: files, paths: ["../staging/*.on"]}
passed_on: [SHOP]
"""
MEMBERS = "members:\n" + SCHEMA + ARTEFACT + CONFIGURATION + FLAG + MAIL
PLAN = HEAD + MEMBERS + PROBES


@pytest.fixture(scope="module")
def server():
    with PostgreSQL() as server:
        yield server


@pytest.fixture
def shop(governed, server, monkeypatch):
    """``shop(plan)``: that plan in force, staging with its files, its database, and where the artefact is from."""

    def made(plan=PLAN):
        place = governed({"rehearsals/order-service.yaml": plan.encode()})
        (place / "staging").mkdir()
        before = subprocess.check_output(["git", "show", "main:config/delivery.yaml"], timeout=30)
        (place / "staging" / "delivery.yaml").write_bytes(before)
        subprocess.run(["git", "clone", "--quiet", "--bare", ".", "../origin.git"], check=True, timeout=60)
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(b"DROP TABLE IF EXISTS orders")
            connection.execute(b"CREATE TABLE orders (id integer PRIMARY KEY)")
            connection.execute(b"INSERT INTO orders SELECT generate_series(1, 100)")
        monkeypatch.setenv("SHOP", server.url)
        monkeypatch.setenv("PATH", f"{server.binaries}:/usr/local/bin:/usr/bin:/bin")
        return place

    return made


def rehearse(terminal, place, *more):
    return terminal("evidence", "run", "rehearsal", "--key", place / "runner.pem", *more)


def said(done):
    return " ".join(done.out.split())


def test_four_members_go_there_and_back_in_order_and_the_fifth_is_named(shop, terminal, judged):
    place = shop()
    done = rehearse(terminal, place, "--json")
    found = done.json["items"][0]
    assert done.code == 0, done
    assert (found["driver"], found["back"]) == ("set", ["flag", "configuration", "artefact", "schema"])
    assert [one["name"] for one in found["applied"]] == [
        "schema: column",
        "artefact: this version",
        "configuration: delivery",
        "flag: five days",
    ]
    assert [one["name"] for one in found["rolled_back"]] == [
        "flag: five days",
        "configuration: delivery",
        "artefact: the pin",
        "artefact: fetch",
        "schema: column",
    ]
    assert found["irreversible"] == [{"member": "mail", "because": "a promise that was mailed is read"}]
    assert found["left_count"] == 0
    assert {one.partition(": ")[0] for one in found["changed"]} == {"artefact", "database", "delivery", "flags"}
    assert judged.met("rollback-rehearsed")
    assert "ONE WAY nobody can take back mail: a promise that was mailed is read" in said(
        rehearse(terminal, place)
    )


MIGRATIONS = """\
  - name: schema
    driver: {kind: postgres-migration, tool: sql, folder: migrations}
"""


def test_a_member_that_the_change_has_nothing_for_is_left_out_and_named(governed, terminal, judged):
    """A set with migrations could not be rehearsed for a change without one."""
    alone = CONFIGURATION.replace("    after: [artefact]\n", "")
    probes = "probes:\n" + PROBES.splitlines()[2] + "\n"
    plan = (HEAD + "members:\n" + MIGRATIONS + alone + probes).encode()
    place = governed(
        {"rehearsals/order-service.yaml": plan, "migrations/0001_shop.up.sql": b"CREATE TABLE a (b int);"}
    )
    (place / "staging").mkdir()
    before = subprocess.check_output(["git", "show", "main:config/delivery.yaml"], timeout=30)
    (place / "staging" / "delivery.yaml").write_bytes(before)
    done = rehearse(terminal, place)
    assert (done.code, said(done)[:4]) == (0, "BACK"), done
    assert "schema has nothing to do: no migration among what the change adds" in done.err
    assert judged.met("rollback-rehearsed")


def test_what_a_member_measured_is_on_the_screen_under_its_name(governed, terminal, monkeypatch):
    """Of a set nothing was shown: no class, no lock, no writer that waits."""
    alone = CONFIGURATION.replace("    after: [artefact]\n", "")
    probes = "probes:\n" + PROBES.splitlines()[2] + "\n"
    plan = (HEAD + "members:\n" + MIGRATIONS + alone + probes).encode()
    base = b"CREATE TABLE orders (id serial PRIMARY KEY, note text NOT NULL);"
    place = governed({"rehearsals/order-service.yaml": plan, "migrations/0001_shop.up.sql": base})
    (place / "staging").mkdir()
    before = subprocess.check_output(["git", "show", "main:config/delivery.yaml"], timeout=30)
    (place / "staging" / "delivery.yaml").write_bytes(before)
    folder = place / "shop" / "migrations"
    (folder / "0002_less.up.sql").write_text("ALTER TABLE orders DROP COLUMN note;")
    (folder / "0002_less.down.sql").write_text("ALTER TABLE orders ADD COLUMN note text NOT NULL DEFAULT '';")
    for words in (("add", "migrations"), ("commit", "--quiet", "--message", "Less")):
        subprocess.run(["git", *words], check=True, timeout=30)
    opened = terminal.ok("change", "open", "--base", "main", "--json").json["id"]
    monkeypatch.setenv("INTERLOCK_CHANGE", opened)
    done = rehearse(terminal, place)
    assert done.code == 1, done
    assert "up schema: 0002_less · irreversible" in said(done)
    assert "· the values of orders.note are lost" in said(done)
    assert "· locks orders (column note dropped): ACCESS EXCLUSIVE keeps readers and writers out" in said(done)
    assert "tried on PostgreSQL" in said(done)
    shown = terminal("change", "show").out
    assert "(failed) · failed" not in shown
    assert "going back does not restore" in " ".join(shown.split())


def test_what_nobody_can_take_back_is_named_before_anybody_approves(shop, terminal, tmp_path):
    shop()
    named = "ONE WAY nobody can take back mail of order-service: a promise that was mailed is read"
    assert named in said(terminal("change", "show"))
    assert terminal("change", "show", "--json").json["one_way"][0]["member"] == "mail"
    done = terminal("approve", "--key", tmp_path / "keys" / "ben", "--answers", '{"breaks": "x", "alert": "y"}')
    assert named in " ".join(done.err.split())


@pytest.mark.parametrize(
    ("forgotten", "member", "left"),
    [
        (("run: [rm, -f, ../staging/five-days.on]", 'run: ["true"]'), "flag", "flags: ../staging/five-days.on is"),
        (('run: [sh, -c, "git show', 'run: [echo, "git show'), "configuration", "delivery: line 3 was"),
        (("DROP COLUMN IF EXISTS days", "DROP COLUMN IF EXISTS hours"), "schema", "database: table orders column"),
    ],
)
def test_a_member_that_does_not_go_back_is_named(shop, terminal, judged, forgotten, member, left):
    plan = PLAN.replace(*forgotten)
    assert plan != PLAN
    done = rehearse(terminal, shop(plan))
    assert done.code == 1
    assert f"the member {member} is not back: {left}" in said(done)
    assert not judged.met("rollback-rehearsed")


def test_a_member_whose_change_nobody_sees_is_not_rehearsed(shop, terminal):
    done = rehearse(terminal, shop(PLAN.replace("run: [touch, ../staging/five-days.on]", 'run: ["true"]')))
    assert done.code == 1
    assert "no probe of the member flag sees what it did" in said(done)


def test_an_artefact_that_cannot_be_fetched_fails_the_set_and_staging_is_told(shop, terminal):
    place = shop()
    (place / "origin.git").rename(place / "gone.git")
    done = rehearse(terminal, place)
    assert done.code == 1
    assert "the member schema is not back" in said(done), "what comes after it did not go back"
    assert "rollback step artefact: fetch" in said(done)
    (place / "gone.git").rename(place / "origin.git")
    back = terminal("evidence", "recover")
    assert (back.code, back.out[:4]) == (0, "BACK"), back


REFUSED = [
    ("back: [configuration, flag, artefact, schema]\n", "`flag` before `configuration` in `back`"),
    ("back: [flag, configuration, schema]\n", "every member in `back`, got `none of artefact`"),
    ("back: [flag, configuration, artefact, schema, mail]\n", "each member that goes back once"),
    ("back: [flag, flag, configuration, artefact, schema]\n", "each member that goes back once"),
    ("driver: {kind: command}\n", "no `driver` beside `members`"),
]


@pytest.mark.parametrize(("line", "told"), REFUSED)
def test_an_order_that_cannot_hold_is_refused_with_the_rules(governed, terminal, line, told):
    governed({"rehearsals/order-service.yaml": PLAN.encode()})
    _write(HEAD + line + MEMBERS + PROBES)
    done = terminal("check")
    assert told in " ".join(done.err.split()), done
    assert "rehearsals/order-service.yaml:3" in done.err


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (HEAD + "members:\n" + CONFIGURATION + SCHEMA + ARTEFACT + PROBES, "`configuration` below `artefact`"),
        (
            PLAN.replace("after: [artefact]", "after: [artefct]"),
            "a member that there is (did you mean `artefact`?)",
        ),
        (PLAN.replace(", because: a promise that was mailed is read", ""), "`because` in the member `mail`"),
        (PLAN.replace("reversible: false", "reversible: no way"), "true or false at"),
        (PLAN.replace("name: flag\n", "name: schema\n"), "each member's name once"),
        (HEAD + "back: [x]\ndriver: {kind: command}\n" + PROBES, "`back` beside `members` only"),
        (HEAD + PROBES, "`driver` or `members` in the file"),
    ],
)
def test_a_set_that_cannot_be_used_is_refused_with_the_rules(governed, terminal, plan, told):
    governed({"rehearsals/order-service.yaml": PLAN.encode()})
    _write(plan)
    done = terminal("check")
    assert told in " ".join(done.err.split()), done


def _write(plan):
    Path("rehearsals/order-service.yaml").write_text(plan, encoding="utf-8")
    subprocess.run(["git", "commit", "--quiet", "--all", "--message", "wrong"], check=True, timeout=30)


def test_a_member_that_no_probe_sees_is_refused(shop, terminal):
    done = rehearse(terminal, shop(PLAN.replace("    probes: [flags]\n", "")))
    assert (done.code, "expected a probe that sees the member `flag`" in done.err) == (2, True)


def test_whoever_is_killed_half_way_is_followed_and_what_was_thrown_away_is_not_missed(shop, terminal):
    place = shop()
    command = [sys.executable, "-m", "interlock", "evidence", "run", "rehearsal", "--key", "../runner.pem"]
    running = subprocess.Popen(command, cwd=place / "shop", stderr=subprocess.PIPE, text=True)
    heard = ""
    while "there: configuration: delivery done" not in heard:
        line = running.stderr.readline()
        assert line, (heard, running.wait(30))
        heard += line
    running.send_signal(signal.SIGKILL)
    running.communicate(timeout=60)
    done = terminal("evidence", "recover")
    assert (done.code, done.out[:4]) == (0, "BACK"), done
    assert rehearse(terminal, place).code == 0
