"""Which locks a migration takes, how long somebody who writes waits for it, and how long behind a slow reader.

Rules:
1. Locks are seen twice: the migration's own backend notes them at the end of each command that changes the
   schema, however short it is, and a sampler looks every few milliseconds, for what no event tells (an index that
   is built beside writers, a TRUNCATE, an UPDATE).
2. What a transaction has read of a table is noted when it first holds a lock on it, as it was before that command,
   and again when it ends: the difference was read while it held the lock. Nothing else is said to have been.
3. A writer writes one row of a table again and again, with what is there already. The longest that one write took
   is how long writers were blocked.
4. A reader looks at the tables in one transaction and goes on for its seconds after somebody began to wait for it.
5. Where the server goes meanwhile, nothing was measured: that is said, and no number is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interlock.core.rehearsal.brief import brief
from interlock.core.rehearsal.migration import KEEPS_OUT, MODES
from interlock.plugins.rehearsals.migration_tools import Missing
from interlock.plugins.rehearsals.sql_asking import Row, quoted

if TYPE_CHECKING:
    import psycopg

SCHEMA = "interlock_seen"
# What is noted at a command's beginning is a setting of the transaction and no row: DROP INDEX CONCURRENTLY
# refuses to run where anything was written before.
_EVERY = 0.004
_PAUSE = 0.002
_WARM = 5.0
_LONGEST_WRITE = "120s"
_SAID = 160
_OURS = "a.datname = current_database() AND a.application_name NOT LIKE 'interlock%' AND l.locktype = 'relation'"
_NOTE = f"""
CREATE SCHEMA {SCHEMA};
CREATE UNLOGGED TABLE {SCHEMA}.locks (relation oid, mode text, transaction xid8, before bigint,
  PRIMARY KEY (relation, mode, transaction));
CREATE UNLOGGED TABLE {SCHEMA}.reads (relation oid, rows bigint);
CREATE FUNCTION {SCHEMA}.begin() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog AS $note$
BEGIN
  PERFORM set_config('{SCHEMA}.begun', (SELECT coalesce(jsonb_object_agg(relid, seq_tup_read), '{{}}')::text
    FROM pg_stat_xact_user_tables WHERE seq_tup_read > 0), true);
END $note$;
CREATE FUNCTION {SCHEMA}.note() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog AS $note$
BEGIN
  INSERT INTO {SCHEMA}.locks SELECT l.relation, l.mode, pg_current_xact_id(),
      coalesce((nullif(current_setting('{SCHEMA}.begun', true), '')::jsonb ->> l.relation::text)::bigint, 0)
    FROM pg_locks l WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted
    ON CONFLICT DO NOTHING;
END $note$;
CREATE FUNCTION {SCHEMA}.over() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog AS $note$
BEGIN
  INSERT INTO {SCHEMA}.reads VALUES (NEW.relation,
    coalesce(pg_stat_get_xact_tuples_returned(NEW.relation), 0) - NEW.before);
  RETURN NULL;
END $note$;
CREATE CONSTRAINT TRIGGER over AFTER INSERT ON {SCHEMA}.locks DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.mode = ANY ('{{{",".join(KEEPS_OUT)}}}')) EXECUTE FUNCTION {SCHEMA}.over();
CREATE EVENT TRIGGER {SCHEMA}_begin ON ddl_command_start EXECUTE FUNCTION {SCHEMA}.begin();
CREATE EVENT TRIGGER {SCHEMA} ON ddl_command_end EXECUTE FUNCTION {SCHEMA}.note();
"""  # noqa: S608  # fixed names
_NOTED = f"SELECT DISTINCT relation, mode FROM {SCHEMA}.locks"  # noqa: S608  # as above
_READ = f"SELECT relation, max(rows) FROM {SCHEMA}.reads WHERE rows > 0 GROUP BY relation"  # noqa: S608  # as above
_HELD = f"""
SELECT DISTINCT l.relation, l.mode, l.granted FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE {_OURS}"""  # noqa: S608  # as above

_WRITABLE = """
SELECT c.oid::regclass::text,
  ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
    AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity <> 'a' ORDER BY a.attnum),
  ARRAY(SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid
    AND a.attnum = ANY(i.indkey) WHERE i.indrelid = c.oid AND i.indisprimary ORDER BY a.attnum)
FROM pg_class c WHERE c.oid = %(table)s"""

Locks = frozenset[tuple[int, str]]
Connect = Callable[[str], "psycopg.Connection[Row]"]
"""A new connection to the database that is watched, under a name."""


def install(connection: psycopg.Connection[Row]) -> None:
    """Let every migration of this database, and of its copies, note its locks."""
    connection.execute(_NOTE.encode())


@dataclass(slots=True)
class Sampled:
    """What the sampler has seen.

    ``read`` are rows read under a lock, by table; ``waited`` is when somebody first waited, by a steady clock.
    ``lost`` is what it lacked to look to the end.
    """

    locks: set[tuple[int, str]] = field(default_factory=set)
    read: dict[int, int] = field(default_factory=dict)
    waited: float = 0.0
    lost: Missing | None = None
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def sampling(connect: Connect) -> Iterator[Sampled]:
    """Sample as long as this goes on; afterwards what was noted is in it too.

    Raises:
        Missing: the server is gone.
    """
    seen = Sampled()
    with connect("interlock sampler") as connection:
        connection.execute(f"TRUNCATE {SCHEMA}.locks, {SCHEMA}.reads".encode())
        thread = threading.Thread(target=_sample, args=(connection, seen), daemon=True)
        thread.start()
        try:
            yield seen
        finally:
            seen.over.set()
            thread.join()
        if seen.lost is not None:
            raise seen.lost
        noted = connection.execute(_NOTED.encode()).fetchall()
        seen.locks |= {(relation, mode) for relation, mode in noted if mode in MODES}
        seen.read.update(connection.execute(_READ.encode()).fetchall())


def _sample(connection: psycopg.Connection[Row], seen: Sampled) -> None:
    import psycopg  # noqa: PLC0415  # optional, see the extra `rehearse`

    while not seen.over.wait(_EVERY):
        try:
            held = connection.execute(_HELD.encode()).fetchall()
        except psycopg.Error as error:
            seen.lost = gone(error)
            return
        for relation, mode, granted in held:
            if mode not in MODES:
                continue
            seen.locks.add((relation, mode))
            if not granted and not seen.waited:
                seen.waited = time.monotonic()


def gone(error: psycopg.Error) -> Missing:
    """What is missing where the server ended before the rehearsal did."""
    said = " ".join((error.diag.message_primary or str(error)).split()) or type(error).__name__
    return Missing(f"a PostgreSQL that goes on to the end of the rehearsal: {brief(said, _SAID)}")


@dataclass(slots=True)
class Writer:
    """One table's writer: how many writes, the longest in seconds, and what it failed with, each once.

    ``lost`` is what it lacked to write to the end.
    """

    table: str
    statement: str
    writes: int = 0
    longest: float = 0.0
    failed: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    lost: Missing | None = None


def writer_of(connection: psycopg.Connection[Row], number: int, told: str) -> Writer | None:
    """The writer of one table: it sets every column of one row to what it is. None where there is none to set."""
    row = connection.execute(_WRITABLE.encode(), {"table": number}).fetchone()
    if row is None or not row[1]:
        return None
    table, columns, key = row
    same = ", ".join(f"{quoted(each)} = {quoted(each)}" for each in columns)
    where = ", ".join(map(quoted, key)) if key else "ctid"
    one = f"({where}) = (SELECT {where} FROM {table} LIMIT 1)"  # noqa: S608  # quoted
    return Writer(table=told, statement=f"UPDATE {table} SET {same} WHERE {one}")  # noqa: S608  # quoted


@contextmanager
def writing(connect: Connect, writers: Sequence[Writer]) -> Iterator[None]:
    """Each writes as long as this goes on, and has written before it begins.

    Raises:
        Missing: the server is gone.
    """
    over = threading.Event()
    threads = [threading.Thread(target=_write, args=(connect, each, over), daemon=True) for each in writers]
    for thread in threads:
        thread.start()
    until = time.monotonic() + _WARM
    while any(each.writes < 3 and not (each.failed or each.lost) for each in writers) and time.monotonic() < until:  # noqa: PLR2004  # see above
        time.sleep(_PAUSE)
    for each in writers:
        each.longest = 0.0
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
    for each in writers:
        if each.lost is not None:
            raise each.lost


def _write(connect: Connect, writer: Writer, over: threading.Event) -> None:
    import psycopg  # noqa: PLC0415  # optional, see the extra `rehearse`

    try:
        _write_on(connect, writer, over)
    except Missing as missing:
        writer.lost = missing
    except psycopg.OperationalError as error:
        writer.lost = gone(error)


def _write_on(connect: Connect, writer: Writer, over: threading.Event) -> None:
    """Write until it is over.

    Raises:
        Missing: there is no connection.
        psycopg.OperationalError: there is none any more.
    """
    import psycopg  # noqa: PLC0415  # as above

    with connect("interlock writer") as connection:
        connection.execute(f"SET statement_timeout = '{_LONGEST_WRITE}'".encode())
        while not over.wait(_PAUSE):
            began = time.monotonic()
            try:
                connection.execute(writer.statement.encode())
                writer.writes += 1
            except psycopg.OperationalError as error:
                if connection.closed:
                    raise
                _failed(writer, error)
            except psycopg.Error as error:
                _failed(writer, error)
            writer.longest = max(writer.longest, time.monotonic() - began)


def _failed(writer: Writer, error: psycopg.Error) -> None:
    said = error.diag.message_primary or str(error)
    writer.failed += 1
    writer.errors[said] = writer.errors.get(said, 0) + 1


@contextmanager
def reading(connect: Connect, tables: Sequence[str], seen: Sampled, seconds: float) -> Iterator[None]:
    """A reader of these tables, which goes on for ``seconds`` after somebody waited."""
    over = threading.Event()
    with connect("interlock reader") as connection:
        connection.execute(b"BEGIN")
        for each in tables:
            connection.execute(f"SELECT FROM {each} LIMIT 1".encode())
        thread = threading.Thread(target=_read_on, args=(connection, seen, seconds, over), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _read_on(connection: psycopg.Connection[Row], seen: Sampled, seconds: float, over: threading.Event) -> None:
    while not over.wait(_EVERY):
        if seen.waited and time.monotonic() >= seen.waited + seconds:
            break
    with suppress(Exception):
        connection.execute(b"ROLLBACK")
