"""Where a backup is restored: a real PostgreSQL that is started for it and thrown away.

Rules:
1. Everything that a backup says runs as a role that is no superuser, and so does whoever looks at it afterwards: a
   value's text may be a function's that the backup brought.
2. The server's own superuser has another name than any role of the source, so that nothing can be given to it.
   Who is a superuser in the source may here read and write everything, pass by policies, and act for all others.
3. An archive is turned into its SQL first: there is one way in.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, NamedTuple

from interlock.plugins.snapshots.programs import Unrestorable, error_in, kind_of, missing_in, opened
from interlock.plugins.snapshots.replay import Refused, Replay, lines_of
from interlock.plugins.world.postgresql import PostgreSQL
from interlock.ports.programs import Programs

if TYPE_CHECKING:
    import psycopg


class Role(NamedTuple):
    """A role of the source: whether it is a superuser, and whether policies for rows do not hold for it."""

    name: str
    superuser: bool = False
    bypasses: bool = False


_DATABASE = "restored"
_ALL = ("pg_read_all_data", "pg_write_all_data")
_OWNED_SINCE = 150_000
"""The version since which ``public`` belongs to the database's owner."""


class Place:
    """One server, with the ``roles``, the ``extensions`` that may be made, and the ``encoding`` of the source."""

    def __init__(
        self,
        binaries: Path,
        programs: Programs,
        *,
        roles: Sequence[Role],
        extensions: Sequence[str],
        encoding: str,
    ) -> None:
        self._binaries, self._programs, self._encoding = binaries, programs, encoding
        self._roles, self._extensions = roles, extensions
        self._superuser, self._restorer = (f"interlock_{each}_{token_hex(4)}" for each in ("server", "restores"))
        self._server: PostgreSQL | None = None

    def restore(self, file: Path, *, timeout: float) -> tuple[str, str]:
        """Restore it; why it does not, and what is missing here."""
        try:
            kind = kind_of(file)
            self._start()
            with tempfile.TemporaryDirectory(prefix="interlock-sql-") as folder:
                if kind == "archive":
                    file, kind = self._written_out(file, Path(folder), timeout), "plain"
                self._replay(file, kind, timeout)
        except (Unrestorable, Refused) as error:
            said = str(error)
            needs = said if isinstance(error, Refused) and error.needs else missing_in(said)
            return ("", needs) if needs else (said, "")
        except RuntimeError as error:
            return "", f"a PostgreSQL that starts here: {' '.join(str(error).split())[-200:]}"
        return "", ""

    @contextmanager
    def connected(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection to what was restored."""
        import psycopg  # noqa: PLC0415  # optional, see the extra `rehearse`

        with psycopg.connect(self._url(self._restorer, _DATABASE), autocommit=True) as connection:
            yield connection

    def close(self) -> None:
        """Stop it and throw it away."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def _start(self) -> None:
        import psycopg  # noqa: PLC0415  # optional, see the extra `rehearse`

        self._server = PostgreSQL(self._binaries)
        self._server.__enter__()
        first = self._server.url
        with psycopg.connect(first, autocommit=True) as connection:
            _run(connection, "CREATE ROLE {} SUPERUSER LOGIN", self._superuser)
            born = str(connection.info.user)
        with psycopg.connect(self._url(self._superuser, "postgres"), autocommit=True) as connection:
            _run(connection, "ALTER ROLE {} RENAME TO {}", born, f"{self._superuser}_first")
            self._fill(connection)

    def _fill(self, connection: psycopg.Connection[Any]) -> None:
        """The roles, and a database for the one that restores, which may act for any of them."""
        from psycopg import sql  # noqa: PLC0415  # optional, see the extra `rehearse`

        there = {str(name) for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        all_data = sorted(there.intersection(_ALL))
        ours = Role(self._restorer, superuser=True)
        for role in (*self._roles, ours):
            bypasses = role.superuser or role.bypasses
            _run(connection, f"CREATE ROLE {{}} {'BYPASSRLS' if bypasses else ''}", role.name)
        for role in (each for each in (*self._roles, ours) if each.superuser):
            others = [one.name for one in self._roles if role is ours or not one.superuser]
            for other in (*others, *all_data):
                _run(connection, "GRANT {} TO {}", other, role.name)
        _run(connection, "ALTER ROLE {} LOGIN", self._restorer)
        create = sql.SQL("CREATE DATABASE {} OWNER {} ENCODING {} TEMPLATE template0")
        names = sql.Identifier(_DATABASE), sql.Identifier(self._restorer)
        connection.execute(create.format(*names, sql.Literal(self._encoding)))

    def _written_out(self, archive: Path, folder: Path, timeout: float) -> Path:
        """An archive as SQL."""
        out = folder / "statements.sql"
        program = ("pg_restore", "--no-tablespaces", "--no-subscriptions", f"--file={out}")
        name, *options = program
        ran = self._programs.output(
            (str(self._binaries / name), *options, str(archive)), timeout=timeout, environment={}
        )
        if not ran.ran.good:
            raise Unrestorable(f"{name}: {error_in(ran)}")
        return out

    def _replay(self, file: Path, kind: str, timeout: float) -> None:
        import psycopg  # noqa: PLC0415  # optional, see the extra `rehearse`

        with (
            psycopg.connect(self._url(self._superuser, _DATABASE), autocommit=True) as server,
            self.connected() as restoring,
            opened(file, kind) as lines,
        ):
            if server.info.server_version < _OWNED_SINCE:
                _run(server, "ALTER SCHEMA public OWNER TO {}", self._restorer)
            server.execute("SET lock_timeout = '10s'")
            roles = [role.name for role in self._roles]
            replay = Replay(restoring, server, roles=roles, extensions=self._extensions)
            replay.run(lines_of(lines), timeout=timeout)

    def _url(self, role: str, database: str) -> str:
        assert self._server is not None  # noqa: S101  # it was started
        _, at, place = self._server.url.partition("@")
        return f"postgresql://{role}{at}{place.replace('/postgres?', f'/{database}?')}"


def _run(connection: psycopg.Connection[Any], statement: str, *names: str) -> None:
    from psycopg import sql  # noqa: PLC0415  # optional, see the extra `rehearse`

    connection.execute(sql.SQL(statement).format(*(sql.Identifier(each) for each in names)))
