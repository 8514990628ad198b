"""A file of SQL runs statement by statement, and nothing in it is ever a program."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from interlock.plugins.rehearsals.sql_statements import NotSql, statements

WHOLE = r"""
\restrict token
-- a comment; with a semicolon and a \! in it
CREATE TABLE notes (id int, note text DEFAULT 'a;b\!', "odd;name" text); /* one; /* in; */ another \! */
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE plpgsql AS $f$ BEGIN RETURN 2 * n; END; $f$;
CREATE FUNCTION thrice(n int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN true THEN 3 * n END; END;
COPY notes (id, note) FROM stdin;
1	a;b
2	\N
\.
INSERT INTO notes VALUES (3, E'it\'s; \\', 'x');
CREATE INDEX CONCURRENTLY by_note ON notes (note);
CREATE RULE r AS ON UPDATE TO notes DO ALSO (SELECT 1; SELECT 2);
\unrestrict token
BEGIN; INSERT INTO notes VALUES (4); COMMIT;
SELECT 1"""


def run(address, file):
    """The program, told the database by its variables."""
    host = address.partition("host=")[2].partition("&")[0]
    name, user = address.split("/")[3].partition("?")[0], address.split("//")[1].partition("@")[0]
    variables = {**os.environ, "PGHOST": host, "PGDATABASE": name, "PGUSER": user}
    command = [sys.executable, "-I", "-m", "interlock.plugins.rehearsals.sql_run", str(file)]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=60)


def test_a_file_runs_statement_by_statement(database, address, tmp_path):
    file = tmp_path / "all.sql"
    file.write_text(WHOLE)
    done = run(address, file)
    assert (done.returncode, done.stderr) == (0, "")
    rows = database.execute("SELECT id, note FROM notes ORDER BY id").fetchall()
    assert rows == [(1, "a;b"), (2, None), (3, "it's; \\"), (4, "a;b\\!")]
    assert database.execute("SELECT twice(2), thrice(2)").fetchone() == (4, 6)


def test_it_stops_at_the_first_error_and_what_ran_before_stays(database, address, tmp_path):
    file = tmp_path / "bad.sql"
    file.write_text("CREATE TABLE a (); SELECT * FROM nowhere; CREATE TABLE b ();")
    done = run(address, file)
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        3, 'ERROR:  42P01 relation "nowhere" does not exist'
    )  # fmt: skip
    assert database.execute("SELECT to_regclass('a')::text, to_regclass('b')").fetchone() == ("a", None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT 1;\n\\! touch ran\n", "line 2 has a command for psql, which is no SQL: \\! touch ran"),
        ("SELECT 1 \\g |sh", "line 1 has a command for psql, which is no SQL: \\g |sh"),
        ("SELECT 'a'; \\i other.sql", "line 1 has a command for psql, which is no SQL: \\i other.sql"),
        ("SELECT $a$ $b$ $a$ \\! x", "line 1 has a command for psql, which is no SQL: \\! x"),
        ("/* /* */ */ \\! x", "line 1 has a command for psql, which is no SQL: \\! x"),
    ],
)
def test_a_command_for_psql_is_refused(text, said):
    with pytest.raises(NotSql) as caught:
        [*statements(text)]
    assert str(caught.value) == said


def test_what_is_split_wrongly_runs_no_program_either(address, tmp_path):
    file = tmp_path / "tricky.sql"
    ran = tmp_path / "ran"
    file.write_text(f"SET standard_conforming_strings = off; SELECT '\\' || '\\! touch {ran}\n';")
    run(address, file)
    assert not ran.exists()
