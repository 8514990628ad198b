r"""What stands in a backup is never a program here, however it is spelled; what pg_dump writes restores whole."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest

from interlock.plugins.rehearsals.sql_statements import NotSql, statements

COMMANDS = [
    "SELECT 1; \\! touch {ran}",
    "SELECT 1 \\! touch {ran}\n;",
    "SELECT 1 \\g | touch {ran}",
    "SELECT 'touch {ran}' \\gexec",
    "SELECT 1 \\gx | touch {ran}",
    "SELECT 1; \\o |touch {ran}",
    "SELECT 1; \\i {ran}.sql",
    "\\ir {ran}.sql",
    "SELECT 1; \\copy customers from program 'touch {ran}'",
    "\\c other",
    "SELECT 1; \\connect other",
    "\\set x `touch {ran}`",
    "SELECT :x; \\setenv PAGER 'touch {ran}'",
    "\\w |touch {ran}",
    "\\restrict key\n\\! touch {ran}\n\\unrestrict key",
    "COPY public.customers FROM stdin;\n9991\tx\n\\.\n\\! touch {ran}",
    "COPY public.customers FROM stdin; \\! touch {ran}\n9991\tx\n\\.\n",
    "COPY public.customers FROM stdin;\r\n9991\tx\r\n\\.\r\n\\! touch {ran}\r\n",
    "SELECT $$ ; \\! in it $$; \\! touch {ran}",
    "SELECT $a$ $$ $b$ $a$ \\! touch {ran}",
    "SELECT E'\\'' \\! touch {ran}",
    "SELECT 'a''' \\! touch {ran}",
    "SELECT '\\' \\! touch {ran}",
    'SELECT "a""" \\! touch {ran}',
    "/* /* */ */ \\! touch {ran}",
    "-- Name: x\n\\! touch {ran}",
    "-- Name: x\r\\! touch {ran}",
    "SET standard_conforming_strings = off; SELECT '\\'' \\! touch {ran}",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; \\! touch {ran}\n END;",
    "SELECT (1; \\! touch {ran}\n);",
    "COPY customers TO stdout; \\! touch {ran}",
]


@pytest.mark.parametrize("text", COMMANDS)
def test_a_command_for_psql_is_refused_wherever_it_stands(text, tmp_path):
    with pytest.raises(NotSql, match="has a command for psql, which is no SQL"):
        for _ in statements(f"CREATE TABLE customers (id int, name text);\n{text.format(ran=tmp_path)}"):
            pass


@pytest.mark.parametrize("number", [0, 4, 15, 20])
def test_psql_itself_would_have_run_it_and_no_restore_does(saved, dumped, server, shop, tmp_path, number):
    file, ran = dumped("--format=plain"), tmp_path / "ran"
    file.write_text(f"{file.read_text()}\n{COMMANDS[number].format(ran=ran)}\n")
    shop.execute("CREATE DATABASE other")
    try:
        other = server.url.replace("/postgres?", "/other?")
        subprocess.run(
            [str(server.binaries / "psql"), other, "-qX", "-f", str(file)],
            capture_output=True,
            check=False,
            timeout=60,
        )
        by_psql = ran.exists()
        ran.unlink(missing_ok=True)
    finally:
        shop.execute("DROP DATABASE other WITH (FORCE)")
    _, found = saved("existing", file)
    assert found.verdict == "failed"
    assert "has a command for psql, which is no SQL" in found.reasons[0]
    assert (by_psql, ran.exists()) == (True, False)


@pytest.fixture
def ran():
    """A file that anybody may write, the server's own user too."""
    with tempfile.TemporaryDirectory(prefix="ran-", dir="/tmp") as folder:
        Path(folder).chmod(0o777)
        yield Path(folder, "ran")


SERVER = [
    ("COPY customers FROM PROGRAM 'touch {ran}';", "would run a program"),
    ("COPY customers TO PROGRAM 'cat > {ran}';", "would run a program"),
    ("COPY customers TO '{ran}';", "touch a file here"),
    ("DO $x$ BEGIN EXECUTE $y$COPY customers TO PROGRAM 'cat > {ran}'$y$; END $x$;", "would run a program"),
    ("SET SESSION AUTHORIZATION interlock; COPY customers TO PROGRAM 'cat > {ran}';", "would run a program"),
    ("RESET SESSION AUTHORIZATION; RESET ROLE; COPY customers TO PROGRAM 'cat > {ran}';", "would run a program"),
    ("SELECT lo_export(lo_from_bytea(0, 'x'), '{ran}');", "a superuser for line"),
    ("GRANT pg_execute_server_program TO interlock;", "would run a program"),
    ("ALTER SYSTEM SET archive_command = 'touch {ran}';", "a superuser for line"),
    ("CREATE FUNCTION f(text) RETURNS int LANGUAGE c AS 'libc.so.6', 'system';", "a superuser for line"),
    ("CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION tell_events();", "a superuser for line"),
    ("CREATE EXTENSION vector;", "a superuser for line"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"), [*SERVER[:5], *(pytest.param(*each, marks=pytest.mark.soak) for each in SERVER[5:])]
)
def test_the_role_that_restores_runs_no_program_of_the_server(saved, dumped, ran, text, told):
    file = dumped("--format=plain")
    text = f"CREATE FUNCTION tell_events() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;\n{text}"
    file.write_text(f"{file.read_text()}\nSET search_path = public;\n{text.format(ran=ran)}\n")
    _, found = saved("existing", file)
    assert found.verdict == ("undecidable" if "superuser" in told else "failed"), found.reasons
    assert told in found.reasons[0]
    assert not ran.exists()


EVIL = """
CREATE TYPE public.mood AS ENUM ('good');
CREATE FUNCTION public.told(public.mood) RETURNS text LANGUAGE plpgsql AS $$
BEGIN EXECUTE $x$COPY (SELECT 1) TO PROGRAM 'cat > {ran}'$x$; RETURN 'good';
EXCEPTION WHEN insufficient_privilege THEN RETURN 'may not'; END $$;
CREATE CAST (public.mood AS text) WITH FUNCTION public.told(public.mood);
CREATE TABLE public.moods (id integer PRIMARY KEY, now public.mood);
INSERT INTO public.moods VALUES (1, 'good');
"""


@pytest.mark.parametrize("form", ["--format=custom", "--format=plain"])
def test_who_looks_at_what_was_restored_runs_no_program_either(saved, dumped, shop, ran, form):
    shop.execute("SET check_function_bodies = off")
    shop.execute(EVIL.format(ran=ran).encode())
    shop.execute("SELECT now::text FROM moods")
    assert ran.exists(), "whoever may run programs does so by looking"
    ran.unlink()
    file = dumped(form)
    shop.execute("DROP TABLE moods; DROP CAST (mood AS text); DROP FUNCTION told; DROP TYPE mood")
    seen, _ = saved("existing", file)
    assert seen.restored.items["table moods rows"] == "1", "it was restored and looked at"
    assert not ran.exists()


TRICKY = r"""
CREATE ROLE {role}; CREATE ROLE {role}b; CREATE SCHEMA "odd; schema";
CREATE TYPE mood AS ENUM ('it''s', 'back\slash', 'semi;colon');
CREATE DOMAIN small AS int CHECK (VALUE < 10);
CREATE TABLE "odd; schema"."odd ""table\!" (
  id int PRIMARY KEY, "a;b" text DEFAULT 'x;\!y', c text DEFAULT E'tab\t\\');
COMMENT ON TABLE "odd; schema"."odd ""table\!" IS 'a comment; with \! and ''quotes'' $$';
INSERT INTO "odd; schema"."odd ""table\!" VALUES
  (1, E'\\.', E'tab\there'), (2, E'line\n\\.\nline', NULL), (3, '\N', ''), (4, 'ünï', E'\\\\! touch x');
CREATE FUNCTION bodies() RETURNS text LANGUAGE plpgsql AS $f$ BEGIN RETURN $$a;'b$$ || 'c\'; END; $f$;
CREATE FUNCTION atomic(n int) RETURNS int LANGUAGE sql BEGIN ATOMIC
  SELECT CASE WHEN n > 1 THEN 2 ELSE n END; SELECT 3; END;
CREATE FUNCTION old(text) RETURNS text LANGUAGE sql AS 'SELECT $1 || ''$$;\'' ';
CREATE VIEW v AS SELECT id, 'a;\' AS x FROM orders;
CREATE MATERIALIZED VIEW mv AS SELECT count(*) FROM orders;
CREATE TABLE parted (n int, t text) PARTITION BY RANGE (n);
CREATE TABLE parted_a PARTITION OF parted FOR VALUES FROM (0) TO (10);
INSERT INTO parted VALUES (1, E'a\\b');
CREATE RULE r AS ON UPDATE TO parted DO ALSO (SELECT 1; SELECT 2);
ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE orders FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON orders FOR SELECT TO {role} USING (note <> 'a;\');
ALTER TABLE customers OWNER TO {role}; ALTER FUNCTION atomic(int) OWNER TO {role}; ALTER TYPE mood OWNER TO {role};
ALTER SCHEMA "odd; schema" OWNER TO {role};
GRANT SELECT ON orders TO {role} WITH GRANT OPTION;
SET ROLE {role}; GRANT SELECT ON orders TO {role}b; RESET ROLE;
GRANT UPDATE (total) ON orders TO {role}b;
ALTER DEFAULT PRIVILEGES FOR ROLE {role} IN SCHEMA "odd; schema" GRANT SELECT ON TABLES TO {role}b;
REVOKE ALL ON FUNCTION bodies() FROM PUBLIC;
CREATE PUBLICATION pub FOR TABLE customers;
SELECT lo_from_bytea(4711, 'large');
CREATE EXTENSION vector WITH SCHEMA "odd; schema";
COMMENT ON EXTENSION vector IS 'it''s mine';
CREATE TABLE likes (id int PRIMARY KEY, v "odd; schema".vector(2)); INSERT INTO likes VALUES (1, '[1,2]');
"""
FORMS = [
    ("--format=custom",), ("--format=tar",), ("--format=plain",), ("--inserts",),
    ("--column-inserts", "--compress=gzip"), ("--encoding=LATIN1",), ("--quote-all-identifiers",),
    ("--clean", "--if-exists"),
]  # fmt: skip


@pytest.mark.parametrize(
    "forms", [FORMS[:3], pytest.param(FORMS[3:], marks=pytest.mark.soak)], ids=["usual", "rare"]
)
def test_what_pg_dump_writes_of_odd_things_restores_whole(saved, dumped, server, shop, forms):
    role = "teller_of_odd_things"
    shop.execute(TRICKY.replace("{role}", role).encode())
    try:
        assert saved()[1].reasons == ()
        for form in forms:
            seen, found = saved("existing", dumped(*form))
            assert (found.verdict, found.reasons) == ("passed", ()), (form, found.differing)
            assert seen.restored.items['table odd; schema.odd "table\\! rows'] == "4"
            assert "with grant option" in seen.restored.items["table orders"]
        shop.execute(b"ALTER DATABASE %b SET standard_conforming_strings = off" % shop.info.dbname.encode())
        seen, found = saved("existing", dumped("--inserts"))
        assert (found.verdict, found.reasons) == ("passed", ()), found.differing
    finally:
        shop.execute(f"DROP OWNED BY {role}b, {role} CASCADE; DROP ROLE {role}b, {role}".encode())


def test_one_that_was_cut_off_in_the_middle_of_something_is_none(saved, dumped, shop):
    shop.execute("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $x$ SELECT 1; SELECT 2 $x$")
    text = (file := dumped("--format=plain")).read_text()
    for end, told in (("SELECT 1;", "between $$ and its like"), ("1\tcustomer 1\n", "in the rows of a table")):
        file.write_text(text[: text.index(end) + len(end)])
        assert told in saved("existing", file)[1].reasons[0]
    file.write_bytes(text.encode("utf-16"))
    assert "SQL is text" in saved("existing", file)[1].reasons[0]


def test_one_that_never_ends_is_ended(saved, dumped):
    file = dumped("--format=plain")
    file.write_text(file.read_text() + "\nSET statement_timeout = 0; SELECT pg_sleep(600);\n")
    _, found = saved("existing", file, "timeout: 3s")
    assert found.reasons == ("it does not restore: it was not restored within 3 s",)
