"""Functions and procedures that are there before a change, and which of them the change calls.

Rules:
1. What a routine does is not on the wire. One that the change calls, itself or through another, is taken for a
   statement of the change: with the literals that it looks for, and with the rows that it changes or does not.
2. One that the change has replaced before it calls it is the change's own, which was heard.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from interlock.plugins.rehearsals.migration_literals import each_within
from interlock.plugins.rehearsals.sql_asking import Asking
from interlock.plugins.rehearsals.sql_wire import Sent
from interlock.plugins.rehearsals.sql_words import DATA, Word, verb, words

CALLS = frozenset({"SELECT", "CALL", "DO", *DATA})
"""How a statement's tag begins whose routines have run."""
RAN = "ROUTINE"
"""The tag of a routine that ran, which no server says."""
KINDS = ("FUNCTION", "PROCEDURE")
_BODY = "interlock_body"
_KEEPS_BODIES = 140_000
"""From this version on a body may be kept as what it means, and not as its text."""
_ROUTINES = """
SELECT p.proname, coalesce(nullif(p.prosrc, ''), pg_get_function_sqlbody(p.oid), '')
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
WHERE p.prokind IN ('f', 'p') AND l.lanname NOT IN ('internal', 'c')
AND n.nspname !~ '^(pg_|information_schema$|interlock_seen$)' AND NOT EXISTS (
  SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
ORDER BY p.oid"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Routine:
    """One routine: its body as it was written."""

    name: str
    body: str

    @property
    def made(self) -> str:
        """A statement that would make one with this body."""
        return f'CREATE FUNCTION "{self.name}"() AS ${_BODY}${self.body}${_BODY}$'


def routines_of(asking: Asking) -> dict[str, tuple[Routine, ...]]:
    """Every routine that somebody wrote, by its name."""
    old = asking.connection.info.server_version < _KEEPS_BODIES
    query = _ROUTINES.replace("pg_get_function_sqlbody(p.oid), ", "") if old else _ROUTINES
    found: dict[str, tuple[Routine, ...]] = {}
    for name, body in asking.ask(query):
        found[name] = (*found.get(name, ()), Routine(name=name, body=body))
    return found


def with_routines(sent: Sequence[Sent], there: Mapping[str, Sequence[Routine]]) -> tuple[Sent, ...]:
    """What was sent, where a routine that ran is tagged as one, and those that were there and were called."""
    own: dict[str, int] = {}
    ran: set[int] = set()
    found: dict[str, None] = {}
    for number, one in enumerate(sent):
        of = words(one.text)
        name = makes(of)
        if name:
            own[name] = number
        elif one.tag in CALLS and not one.error:
            for called in _followed(of, there, {each: words(sent[place].text) for each, place in own.items()}):
                if called in own:
                    ran.add(own[called])
                else:
                    found.setdefault(called)
    told = (replace(one, tag=RAN) if number in ran else one for number, one in enumerate(sent))
    return (*told, *(Sent(text=each.made, tag=RAN) for name in found for each in there[name]))


def _followed(
    of: Sequence[Word], there: Mapping[str, Sequence[Routine]], own: Mapping[str, Sequence[Word]]
) -> Iterator[str]:
    """Every routine that is called from here on, each once."""
    waiting, seen = [of], set[str]()
    while waiting:
        for name in [*_calls(waiting.pop())]:
            if name not in seen and (name in own or name in there):
                seen.add(name)
                waiting += [own[name]] if name in own else [words(each.made) for each in there[name]]
                yield name


def _calls(of: Sequence[Word]) -> Iterator[str]:
    """The names that stand before a parenthesis, in bodies too."""
    for each in each_within(of):
        yield from (a.text for a, b in pairwise(each) if a.kind == "name" and b == Word("mark", "("))


def makes(of: Sequence[Word]) -> str:
    """The routine that a statement makes."""
    if verb(of) != "CREATE":
        return ""
    place = next((number for number, each in enumerate(of[:6]) if each.says(*KINDS)), 0)
    rest = [*of[place + 1 : place + 4]] if place else []
    if len(rest) > 2 and rest[1] == Word("mark", "."):  # noqa: PLR2004  # a schema, a dot and a name
        return rest[2].text
    return rest[0].text if rest else ""
