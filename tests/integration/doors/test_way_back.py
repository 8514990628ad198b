"""``change checklist``: what it says under "Going back" is typed into a shell, and everything is as it was."""

from __future__ import annotations

import re
import subprocess

import psycopg
import pytest

from interlock.plugins.world.postgresql import PostgreSQL

PLAN = b"""\
service: order-service
environment: staging
members:
  - name: schema
    driver: {kind: postgres-migration, tool: sql, folder: migrations, rows: 100, reader: 0.3}
  - name: artefact
    driver: {kind: git-artifact, repository: ../origin.git, paths: [src]}
    rollback: [{name: only a check, run: [sh, -c, 'test -e "$ARTEFACT"'], verify: ["true"]}]
    after: [schema]
  - name: flag
    driver: {kind: command}
    apply: [{name: on, run: [touch, ../staging/five-days.on], verify: ["true"]}]
    rollback:
      - name: "off"
        run: [sh, -c, 'rm -f ../staging/five-days.on && echo "$ROLLOUT_SERVICE $ROLLOUT_ID" > ../staging/said']
        verify: [sh, -c, "! test -e ../staging/five-days.on"]
    after: [artefact]
    probes: [flags]
  - {name: mail, reversible: false, because: a promise that was mailed is read}
probes:
  - {name: flags, kind: files, paths: ["../staging/*.on"]}
"""
UP = "ALTER TABLE orders ADD COLUMN gift text;"
DOWN = "ALTER TABLE orders DROP COLUMN gift;"


@pytest.fixture
def rehearsed(governed, terminal, monkeypatch):
    """A set that was rehearsed by a trusted runner, and its change put where it goes; the folder."""
    base = b"CREATE TABLE orders (id serial PRIMARY KEY, note text);"
    place = governed({"rehearsals/order-service.yaml": PLAN, "migrations/0001_shop.up.sql": base})
    (place / "staging").mkdir()
    subprocess.run(["git", "clone", "--quiet", "--bare", ".", "../origin.git"], check=True, timeout=60)
    (place / "shop" / "migrations" / "0002_gift.up.sql").write_text(UP)
    (place / "shop" / "migrations" / "0002_gift.down.sql").write_text(DOWN)
    (place / "shop" / "src" / "brought.py").write_text("BY = 'the change'\n")
    for words in (("add", "migrations", "src"), ("commit", "--quiet", "--message", "More")):
        subprocess.run(["git", *words], check=True, timeout=30)
    opened = terminal.ok("change", "open", "--base", "main", "--json").json["id"]
    monkeypatch.setenv("INTERLOCK_CHANGE", opened)
    return place


def going_back(terminal):
    return terminal.ok("change", "checklist").out.partition("## Going back")[2]


def blocks(page):
    """What is to be typed, by member."""
    found = re.findall(r"\*\*\d\. (\w+)\*\* \(`[\w-]+`\)\n(.*?)```bash\n(.*?)```", page, re.DOTALL)
    return {name: lines for name, _, lines in found}


def typed(lines, **variables):
    # As on a terminal: what follows a line that failed is run all the same.
    return subprocess.run(
        ["bash", "--norc"], input=lines, text=True, capture_output=True, timeout=60, check=False,
        env={"PATH": variables.pop("PATH", "/usr/bin:/bin"), **variables},
    )  # fmt: skip


def columns(url):
    with psycopg.connect(url) as connection:
        asked = "SELECT column_name FROM information_schema.columns WHERE table_name = 'orders'"
        return {name for (name,) in connection.execute(asked)}


def test_a_set_goes_back_by_what_its_checklist_says_member_by_member(rehearsed, terminal):
    done = terminal("evidence", "run", "rehearsal", "--key", rehearsed / "runner.pem")
    assert done.code == 0, done
    page = going_back(terminal)
    assert page.index("ONE WAY") < page.index("As it is rehearsed"), "what cannot go back is named first"
    assert "nobody can take back mail: a promise that was mailed is read" in page
    found = blocks(page)
    assert list(found) == ["flag", "artefact", "schema"]
    assert page.count("Typed in the root of a checkout of this repository:\n\n```bash\n") == 3, "above each block"
    assert "$ARTEFACT" not in page, "a check is no way back"
    assert not re.search(r"\b[A-Z_]+=(?:\s|$|'')", page), "no variable is empty"

    (rehearsed / "staging" / "five-days.on").touch()
    assert "these are the steps for staging: its paths, hosts and names stand in them" in page
    assert "ROLLOUT_ENVIRONMENT: the environment that goes back" in typed(found["flag"]).stderr
    assert "ROLLOUT_ID" in typed(found["flag"], ROLLOUT_ENVIRONMENT="production").stderr
    assert (rehearsed / "staging" / "five-days.on").exists(), "nothing runs without what is to be put in"
    assert typed(found["flag"], ROLLOUT_ID="mine", ROLLOUT_ENVIRONMENT="production").returncode == 0
    assert not (rehearsed / "staging" / "five-days.on").exists()
    assert (rehearsed / "staging" / "said").read_text() == "order-service mine\n"

    assert typed(found["artefact"]).returncode == 0
    before = subprocess.check_output(["git", "ls-tree", "-r", "--name-only", "main", "src"], text=True, timeout=30)
    assert sorted(before.split()) == sorted(
        str(each.relative_to(rehearsed / "shop"))
        for each in (rehearsed / "shop" / "src").rglob("*")
        if each.is_file()
    )

    with PostgreSQL() as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(b"CREATE TABLE orders (id serial PRIMARY KEY, note text)")
            connection.execute(UP.encode())
        path = f"{server.binaries}:/usr/bin:/bin"
        assert "DATABASE_URL" in typed(found["schema"], PATH=path).stderr
        assert "gift" in columns(server.url)
        back = typed(found["schema"], PATH=path, DATABASE_URL=server.url)
        assert (back.returncode, columns(server.url)) == (0, {"id", "note"}), back


def test_what_nobody_trusted_measured_becomes_no_command(rehearsed, terminal):
    schema = blocks(going_back(terminal))["schema"]
    assert "${DOWN_FILE:?" in schema
    terminal("evidence", "run", "rehearsal")
    assert blocks(going_back(terminal))["schema"] == schema
