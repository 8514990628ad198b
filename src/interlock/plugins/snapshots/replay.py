r"""A backup's SQL, run by a role that may run no programs: statement by statement, and nothing by ``psql``.

Rules:
1. What a backup says was written by whoever could write to the source or to the file. So the role that runs it is
   no superuser: no program, file or library of the server is in its reach, nor in a function's that it calls.
2. Three things that a backup may say need more: making an extension that the source has, its comment, and giving
   what is its own to a role of the source. Just these, spelled just so, are done for it where it may not; an
   extension only before there is anything that its script could take for its own.
3. To act for another role for one grant is done by SET ROLE, from which no way leads to more.
4. What else only a superuser may say is no fault of the backup, and nothing that can be shown here.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from interlock.plugins.rehearsals.sql_statements import NotSql, Statement, split

if TYPE_CHECKING:
    import psycopg

_NAME = r'(?:"(?:[^"]|"")+"|[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*)'
_TEXT = r"(?:'(?:[^']|'')*'|NULL)"
_KINDS = (
    "AGGREGATE|COLLATION|CONVERSION|DOMAIN|FOREIGN TABLE|FUNCTION|LARGE OBJECT|MATERIALIZED VIEW|OPERATOR|"
    "PROCEDURE|PUBLICATION|SCHEMA|SEQUENCE|STATISTICS|TABLE|TEXT SEARCH CONFIGURATION|TEXT SEARCH DICTIONARY|TYPE|"
    "VIEW"
).replace(" ", r"\s+")


def _form(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\s*{pattern}\s*".replace(" ", r"\s+"), re.IGNORECASE)


_EXTENSION = _form(rf"CREATE EXTENSION (?:IF NOT EXISTS )?({_NAME})(?: WITH)?(?: SCHEMA {_NAME})?")
_COMMENT = _form(rf"COMMENT ON EXTENSION {_NAME} IS {_TEXT}")
_OWNER = _form(
    rf"ALTER (?:{_KINDS}) (?:ONLY )?"
    rf"(?:{_NAME}(?:\.{_NAME})*|{_NAME}\.[^\s\w\"'();,.]+|\d+)\s*(?:\([^()';]*\))? OWNER TO ({_NAME})"
)
_FOR_ANOTHER = _form(rf"SET SESSION AUTHORIZATION (?!DEFAULT\b)({_NAME})")
_FOR_ITSELF = _form(r"(?:RESET SESSION AUTHORIZATION|SET SESSION AUTHORIZATION DEFAULT)")
_MADE = """
SELECT count(*) FROM (
  SELECT 'pg_proc'::regclass AS kind, oid FROM pg_proc UNION ALL SELECT 'pg_type'::regclass, oid FROM pg_type
  UNION ALL SELECT 'pg_operator'::regclass, oid FROM pg_operator
  UNION ALL SELECT 'pg_cast'::regclass, oid FROM pg_cast UNION ALL SELECT 'pg_class'::regclass, oid FROM pg_class
) made WHERE made.oid >= 16384 AND NOT EXISTS (
  SELECT FROM pg_depend d WHERE d.classid = made.kind AND d.objid = made.oid AND d.deptype IN ('e', 'i'))"""
_PROGRAM = re.compile(r"external program|COPY (?:to|from) a file|server_files|server_program", re.IGNORECASE)
_SAID = 60


class Refused(Exception):
    """Why a backup does not restore, for people; ``needs`` where it is for want of something here."""

    def __init__(self, said: str, *, needs: bool = False) -> None:
        super().__init__(said)
        self.needs = needs


class Replay:
    """Runs a backup over ``restoring``; ``server`` is a superuser's connection to the same database.

    ``roles`` and ``extensions`` are those of the source.
    """

    def __init__(
        self,
        restoring: psycopg.Connection[Any],
        server: psycopg.Connection[Any],
        *,
        roles: Collection[str],
        extensions: Collection[str],
    ) -> None:
        self._restoring, self._server = restoring, server
        self._roles, self._extensions = roles, extensions

    def run(self, lines: Iterable[str], *, timeout: float) -> None:
        """All of it; ``lines`` hold a byte in each letter.

        Raises:
            Refused: it stopped; what ran stays.
        """
        import psycopg  # noqa: PLC0415  # optional, see the extra `rehearse`

        one = Statement()
        try:
            with _within(self._restoring, timeout):
                for one in split(lines):
                    self._run(one)
        except NotSql as error:
            raise Refused(str(error)) from error
        except psycopg.errors.QueryCanceled as error:
            raise Refused(f"it was not restored within {timeout:g} s") from error
        except psycopg.errors.InsufficientPrivilege as error:
            said = " ".join(str(error).split())
            if _PROGRAM.search(said):
                raise Refused(
                    f"line {one.line} would run a program or touch a file here: {_short(one)}"
                ) from error
            raise Refused(
                f"a superuser for line {one.line}, as whom no backup is restored: {_short(one)}: {said}"[:300],
                needs=True,
            ) from error
        except psycopg.Error as error:
            raise Refused(f"line {one.line}: {' '.join(str(error).split())}") from error

    def _run(self, one: Statement) -> None:
        import psycopg  # noqa: PLC0415  # as above

        text = one.text
        if one.rows is not None:
            with self._restoring.cursor() as cursor, cursor.copy(_sql(text)) as copy:
                for rows in one.rows:
                    copy.write(rows.encode("latin-1"))
            return
        if another := _FOR_ANOTHER.fullmatch(text):
            text = f"SET ROLE {another[1]}"
        elif _FOR_ITSELF.fullmatch(text):
            text = "RESET ROLE"
        try:
            self._restoring.execute(_sql(text))
        except psycopg.errors.InsufficientPrivilege:
            if not self._may(text):
                raise
            self._lend(text)

    def _may(self, text: str) -> bool:
        """Whether it is one of the three."""
        if owner := _OWNER.fullmatch(text):
            return _plain(owner[1]) in self._roles
        if extension := _EXTENSION.fullmatch(text):
            made = self._server.execute(_MADE.encode()).fetchall()[0][0]
            return _plain(extension[1]) in self._extensions and made == 0
        return _COMMENT.fullmatch(text) is not None

    def _lend(self, text: str) -> None:
        encoding = self._restoring.info.parameter_status("client_encoding") or "UTF8"
        self._server.execute("SELECT set_config('client_encoding', %s, false)", (encoding,))
        self._server.execute(_sql(text))


def lines_of(file: Iterable[bytes]) -> Iterator[str]:
    """A file's lines with a letter for each byte: what they mean is the server's to say."""
    for number, line in enumerate(file):
        yield (line.removeprefix(b"\xef\xbb\xbf") if number == 0 else line).decode("latin-1")


@contextmanager
def _within(connection: psycopg.Connection[Any], seconds: float) -> Iterator[None]:
    """Ends what runs when the time is over; a backup's own settings have no say in it."""
    done = threading.Event()

    def over() -> None:
        while not done.wait(0.05):
            connection.cancel()

    timer = threading.Timer(seconds, over)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        done.set()
        timer.cancel()
        timer.join()


def _sql(text: str) -> bytes:
    return text.encode("latin-1")


def _short(one: Statement) -> str:
    said = " ".join(one.text.encode("latin-1").decode(errors="replace").split())
    return f"`{said[:_SAID]}{'…' if len(said) > _SAID else ''}`"


def _plain(name: str) -> str:
    """A name as the server has it."""
    name = name.encode("latin-1").decode(errors="replace")
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
