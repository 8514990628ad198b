"""Where a backup is restored: a real PostgreSQL that is started for it and thrown away."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interlock.plugins.snapshots.programs import (
    Unrestorable,
    error_in,
    kind_of,
    missing_in,
    write_statements,
)
from interlock.plugins.world.postgresql import PostgreSQL
from interlock.ports.programs import Programs

if TYPE_CHECKING:
    import psycopg

_DATABASE = "restored"


class Place:
    """One server. ``roles`` are made in it before anything is restored; ``encoding`` is the source's."""

    def __init__(self, binaries: Path, programs: Programs, *, roles: Sequence[str], encoding: str) -> None:
        self._binaries, self._programs, self._roles, self._encoding = binaries, programs, roles, encoding
        self._server: PostgreSQL | None = None

    def restore(self, file: Path, *, timeout: float) -> tuple[str, str]:
        """Restore it; why it does not, and what is missing here."""
        try:
            kind = kind_of(file)
            self._start()
        except Unrestorable as error:
            return str(error), ""
        except RuntimeError as error:
            return "", f"a PostgreSQL that starts here: {' '.join(str(error).split())[-200:]}"
        if kind == "archive":
            return self._ran(("pg_restore", "--exit-on-error", "--no-tablespaces"), file, timeout)
        with tempfile.TemporaryDirectory(prefix="interlock-sql-") as folder:
            statements = Path(folder, "statements.sql")
            try:
                write_statements(file, kind, statements)
            except Unrestorable as error:
                return str(error), ""
            return self._ran(
                ("psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file"), statements, timeout
            )

    @contextmanager
    def connected(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection to what was restored."""
        import psycopg  # noqa: PLC0415  # optional, see the extra `rehearse`

        with psycopg.connect(self._url(_DATABASE), autocommit=True) as connection:
            yield connection

    def close(self) -> None:
        """Stop it and throw it away."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def _start(self) -> None:
        import psycopg  # noqa: PLC0415  # optional, see the extra `rehearse`
        from psycopg import sql  # noqa: PLC0415  # likewise

        self._server = PostgreSQL(self._binaries)
        self._server.__enter__()
        with psycopg.connect(self._server.url, autocommit=True) as connection:
            there = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
            for role in self._roles:
                if role not in there:
                    connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
            create = sql.SQL("CREATE DATABASE {} ENCODING {} TEMPLATE template0")
            connection.execute(create.format(sql.Identifier(_DATABASE), sql.Literal(self._encoding)))

    def _ran(self, program: tuple[str, ...], file: Path, timeout: float) -> tuple[str, str]:
        name, *options = program
        to = f"--dbname={self._url(_DATABASE)}"
        # What a plan's runner has set for its source must not lead a program there.
        quiet = {"PGOPTIONS": "", "PGDATABASE": _DATABASE}
        ran = self._programs.output(
            (str(self._binaries / name), to, *options, str(file)), timeout=timeout, environment=quiet
        )
        if ran.ran.good:
            return "", ""
        said = error_in(ran)
        needs = missing_in(said)
        return ("", needs) if needs else (f"{name}: {said}", "")

    def _url(self, database: str) -> str:
        assert self._server is not None  # noqa: S101  # it was started
        return self._server.url.replace("/postgres?", f"/{database}?")
