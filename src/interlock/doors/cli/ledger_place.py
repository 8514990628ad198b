"""Which database ``interlock ledger`` reads, and how it is named in the answer.

Rules:
1. These commands read a database, never a server. Where commands speak to one, its ledger is somewhere else and
   the database of this folder is another: refused, unless ``--database`` names what is meant.
2. Every answer names the database it is about, without its password.
"""

from __future__ import annotations

from interlock.core.change.errors import InvalidInput
from interlock.doors.cli.desk import settings


def place(given: str | None) -> str:
    """The URL of the database to read.

    Raises:
        InvalidInput: ``ledger-elsewhere`` with INTERLOCK_SERVER and no ``given`` database.
    """
    config = settings()
    if given is None and config.server is not None:
        raise InvalidInput(
            f"expected a database to read, got the server `{config.server[:80]}`, whose ledger is not here",
            code="ledger-elsewhere",
            hint="give --database URL where the server's database can be reached, or mirror its /log over HTTP "
            "(docs/how-to/verify-the-ledger.md); unset INTERLOCK_SERVER to read this folder's own ledger",
        )
    return config.at(given).database


def named(url: str) -> str:
    """The database as it is shown: its path or address, never its password."""
    import sqlalchemy as sa  # noqa: PLC0415  # --help needs no database

    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except sa.exc.ArgumentError:
        return "a text that is no URL"
