"""The probe ``sql``: a PostgreSQL database's schema, its rows column by column, and its sequences.

Rules:
1. An address may hold a password, so a plan names the environment variable that has it: ``dsn_env``. An address
   in the plan, ``dsn``, may hold none.
2. What cannot be connected to, or is not read through within ``PROBE_SECONDS``, is a look that failed. What the
   driver or the server says is told without the address.
3. Nothing is written. See ``sql_fingerprint`` for what counts.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from interlock.core.change.canonical import Json
from interlock.core.rehearsal.fingerprint import Fingerprint
from interlock.plugins.rehearsals.reading import read, refuse
from interlock.plugins.rehearsals.sql_fingerprint import sql_fingerprint
from interlock.ports.rehearsal import PROBE_SECONDS, RehearsalScene

NAME = "sql"
INSTALL = "pip install 'psycopg[binary]'"
_SPARE = 2.0
"""Of the probe's time, for what is around the look itself, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlSettings:
    """``schemas`` are all but PostgreSQL's own where none is named; in ``without`` ``*`` is any letters."""

    dsn_env: str = ""
    dsn: str = ""
    schemas: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


class SqlProbe:
    """The probe; see the rules above."""

    def __init__(self, settings: Mapping[str, Json], scene: RehearsalScene) -> None:
        del scene
        self._settings = found = read(SqlSettings, settings, what=f"the probe `{NAME}`")
        if bool(found.dsn_env) == bool(found.dsn):
            got = "both" if found.dsn else "neither"
            hint = "write dsn_env: STAGING_DATABASE, and set that variable to postgresql://user:password@host/name"
            raise refuse("one of dsn_env and dsn", got, hint=hint, path=("dsn",) if found.dsn else ())
        if found.dsn and _has_password(found.dsn):
            hint = "name an environment variable instead: dsn_env: STAGING_DATABASE"
            raise refuse("an address without a password", "one with a password", hint=hint, path=("dsn",))

    def look(self) -> Fingerprint:
        """What is there now."""
        try:
            import psycopg  # noqa: PLC0415  # optional, and only where a database is looked at
        except ImportError:
            return Fingerprint(items={}, failed=f"needs a driver for PostgreSQL: {INSTALL}")
        address = self._settings.dsn or os.environ.get(self._settings.dsn_env, "")
        if not address:
            return Fingerprint(items={}, failed=f"the environment variable `{self._settings.dsn_env}` is not set")
        until = time.monotonic() + PROBE_SECONDS - _SPARE
        try:
            with psycopg.connect(address, autocommit=True, connect_timeout=10) as connection:
                wanted, without = self._settings.schemas, self._settings.without
                left = until - time.monotonic()
                return sql_fingerprint(connection, schemas=wanted, without=without, seconds=left)
        except psycopg.Error as error:
            return Fingerprint(items={}, failed=_said(error, address))


def _said(error: Exception, address: str) -> str:
    """What was said, in one line and without the address: that may hold a password."""
    told = (" ".join(str(error).split()) or type(error).__name__).replace(address, "the address")
    password = _password(address)
    return (told.replace(password, "…") if password else told)[:300]


def _password(address: str) -> str:
    if "://" in address:
        try:
            return urlsplit(address).password or ""
        except ValueError:
            return ""
    words = (word.partition("=") for word in address.split())
    return next((value.strip("'") for key, _, value in words if key == "password"), "")


def _has_password(address: str) -> bool:
    return bool(_password(address)) or "password=" in address
