"""The people of a catalog, one on a line: who may be named, with what they are known by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from interlock.doors.cli.text import columns, cut, mark, pad, plural, safe, width

if TYPE_CHECKING:
    from interlock.core.change.catalog import Catalog, Person

MOST_NAME = 28


def people(found: Catalog) -> Iterator[str]:
    """Sorted by name: role, groups, keys that are not revoked, addresses and accounts."""
    room = min(MOST_NAME, max((columns(safe(name)) for name in found.people), default=0))
    for name, person in sorted(found.people.items()):
        keys = [key for key in person.keys if not key.revoked]
        known = ", ".join((*person.emails, *person.accounts)) or "no address, no account"
        shown = f"{pad(safe(name), room)}  {pad(_role(person), 17)} {plural(len(keys), 'key'):<7}"
        line = f" {mark(bool(keys))} {shown} {', '.join(person.groups) or 'no group'} · {known}"
        yield cut(safe(line), width())
    if not found.people:
        yield "no people: add Users to the catalog"


def people_json(found: Catalog) -> list[dict[str, object]]:
    """The same for programs."""
    return [
        {
            "name": name,
            "display_name": person.display_name,
            "role": person.role,
            "on_call": person.on_call,
            "groups": list(person.groups),
            "emails": list(person.emails),
            "accounts": list(person.accounts),
            "keys": [{"fingerprint": key.fingerprint, "revoked": key.revoked} for key in person.keys],
        }
        for name, person in sorted(found.people.items())
    ]


def _role(person: Person) -> str:
    return f"{person.role}, on call" if person.on_call else str(person.role)
