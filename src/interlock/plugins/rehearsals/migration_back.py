"""By which commands migrations go back: the tool's own, as a rehearsal found them.

Rules:
1. Which revision it goes back to, the tool says while it is rehearsed. Before that it is to be put in.
2. The database is whoever goes back's to name: by the variables by which the project hears of it.
3. A migration without a way back is named, and so is one that was measured not to come back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from interlock.core.change.canonical import Json
from interlock.core.rehearsal.going_back import Before, GoingBack, PutIn, Typed, is_name, to_put_in
from interlock.plugins.rehearsals.migration_settings import PLACES, MigrationSettings
from interlock.plugins.rehearsals.migration_tools import PSQL, Argv, Migration, project_python

_DATABASE = {
    "url": "the address of the database that goes back",
    "host": "the host of the database that goes back",
    "name": "the name of the database that goes back",
    "user": "the user of the database that goes back",
}
_UNREHEARSED = "to which revision: a rehearsal of this change by a trusted runner says it"


def noted(added: Sequence[Migration]) -> list[Json]:
    """The ways back as they are signed, the last migration's first."""
    return [_noted(each) for each in reversed(added)]


def _noted(one: Migration) -> Json:
    if not one.down:
        return {"name": one.name, "run": []}
    return {"name": one.name, "part": one.part} if one.part else {"name": one.name, "run": [*one.back]}


def going_back(settings: MigrationSettings, before: Before) -> GoingBack:
    """The commands, and what they leave out."""
    ways = before.measured.get("back")
    given, exports = _variables(settings)
    told = [f"in `{settings.directory}` of a checkout of this change"] if settings.directory else []
    told += [f"the project gets {name} of the runner: set it too" for name in settings.passed_on]
    if not isinstance(ways, list) or not ways:
        run = _unrehearsed(settings)
        return GoingBack(commands=(_typed(run, "", given),), told=(*told, _UNREHEARSED), exports=exports)
    commands = [
        _typed(run, str(one.get("name")), given)
        for one in ways
        if isinstance(one, dict) and (run := _words(one.get("run")))
    ]
    told += _wanting(ways)
    return GoingBack(commands=tuple(commands), told=(*told, *_measured(before)), exports=exports)


def _typed(run: Sequence[str | PutIn], note: str, given: tuple[PutIn, ...]) -> Typed:
    if run[0] != PSQL[0]:
        return Typed(run=tuple(run), note=note, given=given)
    where = to_put_in("DATABASE_URL", _DATABASE["url"])
    return Typed(run=(*run, PutIn(name=where.name, what=where.what, before="--dbname=")), note=note)


def _unrehearsed(settings: MigrationSettings) -> tuple[str | PutIn, ...]:
    if settings.tool == "sql":
        file = PutIn(
            name="DOWN_FILE",
            what=f"the .down.sql below {settings.folder} of each migration, the last first",
            before="--file=",
        )
        return (*PSQL, file)
    revision = PutIn(name="REVISION", what="the revision that was there before this change")
    if settings.tool == "alembic":
        return (*alembic(settings), "downgrade", revision)
    return (
        *django(settings),
        "migrate",
        "--noinput",
        PutIn(name="APP", what="the app whose migration it is"),
        revision,
    )


def alembic(settings: MigrationSettings) -> Argv:
    """Alembic as somebody types it."""
    return (project_python(settings), "-m", "alembic", "-c", settings.config)


def django(settings: MigrationSettings) -> Argv:
    """Django's own program as somebody types it."""
    return (project_python(settings), settings.manage)


def _variables(settings: MigrationSettings) -> tuple[tuple[PutIn, ...], dict[str, str]]:
    """Those that whoever goes back puts in, and those that always have the same value."""
    given: list[PutIn] = []
    exports: dict[str, str] = {}
    for name, value in settings.environment.items():
        if not is_name(name) or settings.tool == "sql":
            continue
        places = [each for each in PLACES if f"{{{each}}}" in value.replace("{{", "").replace("}}", "")]
        if places:
            given.append(PutIn(name=name, what=_DATABASE[places[0]]))
        else:
            exports[name] = value.format()
    return tuple(given), exports


def _wanting(ways: Sequence[Json]) -> Iterator[str]:
    for one in ways:
        if not isinstance(one, dict) or _words(one.get("run")):
            continue
        part = one.get("part")
        if isinstance(part, str) and part:
            yield f"{one.get('name')} goes back by the part Down of `{part}`, by the tool that reads it"
        else:
            yield f"{one.get('name')} has no way back: nobody wrote one"


def _measured(before: Before) -> Iterator[str]:
    """What was measured not to come back, in the rehearsal's words."""
    found = before.measured.get("migrations")
    for one in found if isinstance(found, list) else []:
        if not isinstance(one, dict) or one.get("class") not in {"irreversible", "unshown"}:
            continue
        findings = one.get("findings")
        first = findings[0] if isinstance(findings, list) and findings else None
        said = first.get("told") if isinstance(first, dict) else ""
        what = "does not bring back everything" if one["class"] == "irreversible" else "was not shown to go back"
        yield f"{one.get('name')} {what} (measured, {before.shown_by}): {said}"


def _words(value: Json) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, list) else ()
