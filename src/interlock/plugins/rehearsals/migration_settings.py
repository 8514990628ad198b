"""The settings of the driver ``postgres-migration``.

Rules:
1. Paths are relative to the checkout and stay below it. ``directory`` is where the tool is run.
2. ``environment`` is how the project hears of the database: names of variables with ``{url}``, ``{host}``,
   ``{name}`` and ``{user}`` in their values. It is DATABASE_URL where none is named.
3. ``python`` is the project's own interpreter: what the project needs is installed there and not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

from interlock.core.change.canonical import Json
from interlock.plugins.rehearsals.reading import read, refuse

NAME = "postgres-migration"
MOST_ROWS = 10_000_000
LONGEST = 3_600.0
PLACES = ("url", "host", "name", "user")


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationSettings:
    """``rows`` go into every table, or as many as ``tables`` says; ``timeout`` and ``reader`` are in seconds.

    ``seed`` is a file of SQL as the base has it, run before the rows are made. ``roles`` are made first of all.
    ``programs`` is the folder of another PostgreSQL's ``postgres`` and ``initdb``, one that has what is needed.
    ``passed_on`` are variables of the runner that the project gets.
    ``holds`` are constraints that real rows fulfil and the base does not have, by table, in the words of SQL.
    ``without`` are tables whose rows do not count, besides the tool's own.
    """

    tool: Literal["alembic", "django", "sql"]
    python: str = "python3"
    directory: str = ""
    config: str = "alembic.ini"
    manage: str = "manage.py"
    folder: str = ""
    passed_on: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=lambda: {"DATABASE_URL": "{url}"})
    rows: int = 10_000
    tables: Mapping[str, int] = field(default_factory=dict)
    seed: str = ""
    holds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    programs: str = ""
    roles: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    timeout: float = 600.0
    reader: float = 3.0


def settings_of(settings: Mapping[str, Json]) -> MigrationSettings:
    """The driver's settings.

    Raises:
        InvalidSetting: ``input-shape`` or ``rehearsal-setting``, with the path of the wrong one.
    """
    found = read(MigrationSettings, settings, what=f"the driver `{NAME}`")
    for key in ("directory", "config", "manage", "folder", "seed"):
        _below(key, getattr(found, key))
    if found.tool == "sql" and not found.folder:
        hint = "write folder: migrations, with 0001_name.up.sql and 0001_name.down.sql in it"
        raise refuse("the `folder` of the SQL files", "none", hint=hint, path=())
    for table, rows in {"": found.rows, **found.tables}.items():
        if not 1 <= rows <= MOST_ROWS:
            path = ("tables", table) if table else ("rows",)
            raise refuse(f"1 to {MOST_ROWS} rows", rows, hint="write a number such as 10000", path=path)
    for key, seconds in (("timeout", found.timeout), ("reader", found.reader)):
        if not 0 < seconds <= LONGEST:
            raise refuse(f"up to {LONGEST:g} seconds", seconds, hint="write seconds, such as 60", path=(key,))
    for name, value in found.environment.items():
        _format(name, value)
    return found


def environment_of(settings: MigrationSettings, places: Mapping[str, str]) -> dict[str, str]:
    """The variables for one database; ``places`` has its url, host, name and user."""
    told = {name: value.format(**places) for name, value in settings.environment.items()}
    ours = {"PGHOST": places["host"], "PGDATABASE": places["name"], "PGUSER": places["user"]}
    return {**ours, "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1", **told}


def _below(key: str, path: str) -> None:
    if path.startswith("/") or "\0" in path or ".." in PurePosixPath(path).parts:
        raise refuse("a path below the checkout", path, hint="write it relative to the checkout", path=(key,))


def _format(name: str, value: str) -> None:
    try:
        value.format(**dict.fromkeys(PLACES, ""))
    except (KeyError, ValueError, IndexError, AttributeError) as error:
        hint = "write {{ and }} for braces; known: " + ", ".join(f"{{{each}}}" for each in PLACES)
        raise refuse("a value with known places", value, hint=hint, path=("environment", name)) from error
