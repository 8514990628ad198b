"""Who counts as whom: from written identities to people, or to nobody.

Rules:
1. An identity that the catalog maps to exactly one person is that person. Whatever maps to none, or to two, is
   nobody: it can approve nothing, and it is reported.
2. An agent and its accounts are its sponsor: one principal. An agent without a person as sponsor is nobody.
3. People of the catalog who share an address, an account or a key, or whose names look alike, are one
   principal: an approval of one is an approval of the other, and so is authorship.
4. Where a name can only add an author, everybody whom an ambiguous identity might be is added.
5. A key counts for one person alone; a key that two people list, or that cannot be used, counts for nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from interlock.core.approval.authors import Authors, written_by
from interlock.core.approval.identity import bare, folded, kind_of, likeness, spellings
from interlock.core.approval.keys import SshKey, parse_public_key
from interlock.core.change.catalog import Catalog, Person, PublicKey
from interlock.core.change.change import Change
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parts import Identity
from interlock.core.evidence.model import Evidence
from interlock.core.facts.model import Description


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An entry of the catalog that maps to nobody, and why."""

    identity: str
    people: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """A usable key of the catalog, every entry that lists it, and whose it is: nobody's, when of several."""

    key: SshKey
    entries: tuple[PublicKey, ...]
    people: frozenset[str]

    def unusable(self, moment: datetime) -> str | None:
        """Why the key does not count at ``moment``, None when it does; every entry must allow it."""
        if any(entry.revoked for entry in self.entries):
            return "the key is revoked"
        if any(entry.not_before is not None and moment < entry.not_before for entry in self.entries):
            return "the key is not valid yet"
        if any(entry.not_after is not None and moment >= entry.not_after for entry in self.entries):
            return "the key has expired"
        return None


class Principals:
    """The people of one catalog by everything they are known as. Built once, then only looked up."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._known: dict[str, frozenset[str]] = {}
        self._keys: dict[str, KnownKey] = {}
        self._problems: list[Problem] = []
        for person in catalog.people.values():
            self._learn(person)
        self._own_keys: dict[str, list[KnownKey]] = {}
        for key in self._keys.values():
            if len(key.people) == 1:
                self._own_keys.setdefault(min(key.people), []).append(key)
        self._one: dict[str, frozenset[str]] = self._tie()
        self._agents: set[str] = set()
        for agent in catalog.agents.values():
            sponsor = agent.sponsor if agent.sponsor in catalog.people else None
            if sponsor is None:
                self._problem(agent.name, (), f"sponsor `{agent.sponsor}` is no person of the catalog")
            for name in (agent.name, *agent.accounts):
                self._add(spellings(name), sponsor)
                self._agents.update(spellings(name))
        self._report()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What in this catalog maps to nobody, sorted."""
        return tuple(sorted(self._problems, key=lambda problem: (problem.identity, problem.reason)))

    def person(self, written: str) -> str | None:
        """The one person behind a name, an address, an account or a token's principal; None for nobody."""
        found = self.candidates(written)
        return next(iter(found)) if len(found) == 1 else None

    def candidates(self, written: str) -> frozenset[str]:
        """Everybody whom this identity may stand for: used only where a name can merely add an author."""
        for spelling in spellings(bare(written)):
            if spelling in self._known:
                return self._known[spelling]
        return frozenset()

    def same(self, person: str) -> frozenset[str]:
        """All entries of the catalog that are one principal with ``person``, itself included."""
        return self._one.get(person, frozenset({person}))

    def is_agent(self, written: str) -> bool:
        """Whether this names a registered agent or one of its accounts."""
        if kind_of(written) == "agent":
            return True
        return not self._agents.isdisjoint(spellings(bare(written)))

    def key(self, fingerprint: str) -> KnownKey | None:
        """The key with this fingerprint, if anybody of the catalog lists it."""
        return self._keys.get(fingerprint)

    def can_sign(self, person: str, moment: datetime) -> bool:
        """Whether this person has a key of their own that counts at ``moment``."""
        return any(known.unusable(moment) is None for known in self._own_keys.get(person, ()))

    def authors(
        self, change: Change, description: Description | None, evidence: Iterable[Evidence] = ()
    ) -> Authors:
        """Everybody who may have written ``change``; ``evidence`` is what is on record for it."""
        people: set[str] = set()
        unmapped: dict[tuple[str, str], Identity] = {}
        for identity in written_by(change, description, evidence):
            found = self.candidates(identity.email or identity.name)
            people.update(*(self.same(name) for name in found))
            if len(found) != 1:
                unmapped.setdefault((folded(identity.name), folded(identity.email)), identity)
        return Authors(people=frozenset(people), unmapped=tuple(unmapped[key] for key in sorted(unmapped)))

    def _learn(self, person: Person) -> None:
        for written in (person.name, *person.accounts, *person.emails):
            self._add(spellings(written), person.name)
        for entry in person.keys:
            try:
                key = parse_public_key(entry.line)
            except InvalidInput as error:
                self._problem(entry.fingerprint or "a key", (person.name,), error.message)
                continue
            before = self._keys.get(key.fingerprint)
            self._keys[key.fingerprint] = KnownKey(
                key=key,
                entries=((*before.entries, entry) if before else (entry,)),
                people=(before.people if before else frozenset()) | {person.name},
            )

    def _add(self, names: Iterable[str], person: str | None) -> None:
        for name in names:
            self._known[name] = self._known.get(name, frozenset()) | ({person} if person else frozenset())

    def _tie(self) -> dict[str, frozenset[str]]:
        looks: dict[str, frozenset[str]] = {}
        for name in self._catalog.people:
            looks[likeness(name)] = looks.get(likeness(name), frozenset()) | {name}
        shared = [*self._known.values(), *(key.people for key in self._keys.values()), *looks.values()]
        one = {name: frozenset({name}) for name in self._catalog.people}
        for people in shared:
            joined = frozenset[str]().union(*(one[name] for name in people))
            one.update(dict.fromkeys(joined, joined))
        return one

    def _report(self) -> None:
        for name, people in self._known.items():
            if len(people) > 1:
                self._problem(name.partition(":")[2], people, "maps to more than one person")
        for fingerprint, known in self._keys.items():
            if len(known.people) > 1:
                self._problem(fingerprint, known.people, "is the key of more than one person")
        for people in {joined for joined in self._one.values() if len(joined) > 1}:
            self._problem(" and ".join(sorted(people)), people, "count as one principal: they share an identity")

    def _problem(self, identity: str, people: Iterable[str], reason: str) -> None:
        self._problems.append(Problem(identity=identity, people=tuple(sorted(people)), reason=reason))


class _Same:
    """A catalog compared by being the same object: equal content is not worth comparing each time."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.catalog is self.catalog

    def __hash__(self) -> int:
        return id(self.catalog)


def principals_of(catalog: Catalog) -> Principals:
    """The index of this catalog, built once; the last few catalogs are remembered."""
    return _indexed(_Same(catalog))


@lru_cache(maxsize=8)
def _indexed(same: _Same) -> Principals:
    return Principals(same.catalog)
