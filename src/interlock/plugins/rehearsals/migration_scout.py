"""A first time there and back, over few rows: what the change looks for is known only once it was run.

Rules:
1. It is run in a copy of its own, and nothing that comes of it is believed. What it sent is all that is kept: the
   copy goes, with the roles that came with it.
2. Where it is stopped by rows that were made up, it goes once more over none: what it would have sent is heard so.
3. Where a statement that changes rows refuses unusual values (a number as large as may be, a text as long as may
   be, a bare value where objects are), that is told, and the rows that count have none: it refuses them aloud
   and loses nothing. A type that is too small for them is another matter: there they stay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from interlock.plugins.rehearsals.migration_holds import Holds, holding
from interlock.plugins.rehearsals.migration_literals import tried
from interlock.plugins.rehearsals.migration_made import Looked
from interlock.plugins.rehearsals.migration_place import ThrowAway
from interlock.plugins.rehearsals.migration_routines import routines_of, with_routines
from interlock.plugins.rehearsals.migration_rows import fill
from interlock.plugins.rehearsals.migration_tables import tables_of
from interlock.plugins.rehearsals.migration_tools import Migration, Missing
from interlock.plugins.rehearsals.sql_asking import Asking
from interlock.plugins.rehearsals.sql_wire import Sent
from interlock.plugins.rehearsals.sql_words import DATA, verb, words

SCOUT, ROWS = "scout", 200
_SECONDS = 20
_REFUSED = "22"
"""How the code of an error begins that is about a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scouted:
    """The statements that were sent, and the first that refuses unusual values, if one does."""

    statements: tuple[str, ...] = ()
    refusing: str = ""

    def looked(self, asking: Asking) -> Looked:
        """What rows are made up with, in this database."""
        return Looked(tried=tried(asking, tables_of(asking), self.statements), tame=bool(self.refusing))


def scouted(
    place: ThrowAway,
    root: Path,
    asking: Callable[[str], Asking],
    migrations: Sequence[Migration],
    holds: Holds,
) -> Scouted:
    """Run every migration up and down again, and hear what they send."""
    sent, stopped = _run(place, root, asking, migrations, holds, Looked())
    refusing = next(
        (one.text for one in sent if one.error.startswith(_REFUSED) and verb(words(one.text)) in DATA), ""
    )
    if refusing:
        more, stopped = _run(place, root, asking, migrations, holds, Looked(tame=True))
        sent += more
    if stopped:
        sent += _run(place, root, asking, migrations, holds, None)[0]
    return Scouted(statements=tuple(dict.fromkeys(one.text for one in sent)), refusing=refusing)


def _run(
    place: ThrowAway,
    root: Path,
    asking: Callable[[str], Asking],
    migrations: Sequence[Migration],
    holds: Holds,
    looked: Looked | None,
) -> tuple[list[Sent], bool]:
    """Once there and back, over rows where there is something to put in; and whether it was stopped."""
    place.clone(SCOUT, "base")
    made, roles = asking(SCOUT), place.roles()
    with made.connection as connection:
        there = routines_of(made)
        if looked is not None:
            with holding(made, holds):
                fill(made, ROWS, {}, looked)
        connection.execute(f"ALTER DATABASE {SCOUT} SET statement_timeout = '{_SECONDS}s'".encode())
    stopped = False
    with place.listening() as heard:
        gone: list[Migration] = []
        try:
            for each in migrations:
                if not place.run(each.up, root, SCOUT, heard=True).ran.good:
                    stopped = True
                    break
                gone.append(each)
            for each in reversed(gone):
                if not each.down or not place.run(each.down, root, SCOUT, heard=True).ran.good:
                    break
        except Missing:  # what is missing is told when it is run in earnest
            stopped = False
    place.forget(SCOUT, place.roles() - roles)
    return [*with_routines(heard.sent, there)], stopped
