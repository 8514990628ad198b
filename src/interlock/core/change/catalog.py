"""The catalog's nouns: services with tiers, people with roles, groups, and who owns which path.

Rules:
1. Everything is named ``namespace/name`` only where the namespace is not ``default``; names are unique per kind.
2. A person is one human being with any number of addresses, keys and accounts; whatever maps to no person, or
   to two, is nobody and can approve nothing.
3. Tier and ownership come from here and never from a caller.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from functools import cached_property

from interlock.core.change.globs import GlobIndex

SERVICE_FILES = ("catalog-info.yaml", "catalog-info.yml")
"""A file of this name stands beside the code of the services it declares."""


def bare_name(name: str) -> str:
    """A name without kind and namespace, in the spelling that infrastructure uses for it."""
    return name.rpartition(":")[2].rpartition("/")[2].lower().replace("_", "-")


class Tier(IntEnum):
    """Tier-1 earns money or reaches customers. Unset counts as 2 and is reported by ``catalog check``."""

    ONE = 1
    TWO = 2
    THREE = 3


class Role(StrEnum):
    """What a person may stand for, in rising order of rank."""

    ENGINEER = "engineer"
    SENIOR = "senior"
    MANAGER = "manager"
    DIRECTOR = "director"
    VP = "vp"


RANK = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an entity was written: file (relative to the catalog's root) and line."""

    path: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """One OpenSSH public key line of a person, with the time from which and until which it counts."""

    line: str
    fingerprint: str
    not_before: datetime | None = None
    not_after: datetime | None = None
    revoked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A User entity. ``accounts`` are forge logins and bot accounts that act for this person."""

    name: str
    role: Role = Role.ENGINEER
    display_name: str = ""
    emails: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    keys: tuple[PublicKey, ...] = ()
    groups: tuple[str, ...] = ()
    on_call: bool = False
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A Group entity; ``parent`` leads up the reporting line."""

    name: str
    parent: str | None = None
    members: tuple[str, ...] = ()
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A registered machine identity: its tokens open changes, never approve them; ``sponsor`` answers for it."""

    name: str
    sponsor: str
    accounts: tuple[str, ...] = ()
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A Component, Resource or API entity.

    ``depends_on`` are names of other entities. ``order_share`` and ``fleet_share`` are fractions 0–1 of the
    business metric and of the fleet that go through this service, None where nobody declared one. ``paths``
    are CODEOWNERS-style globs of the repositories' files that make the service.
    """

    name: str
    kind: str = "Component"
    type: str = "service"
    tier: Tier = Tier.TWO
    tier_declared: bool = False
    owner: str | None = None
    system: str | None = None
    lifecycle: str = "production"
    depends_on: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    order_share: float | None = None
    fleet_share: float | None = None
    metric: str | None = None
    alert: str | None = None
    rollback: str | None = None
    paths: tuple[str, ...] = ()
    artefacts: tuple[str, ...] = ()
    repository: str | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerRule:
    """One CODEOWNERS line; the last match wins, an empty owner list unsets ownership."""

    pattern: str
    owners: tuple[str, ...]
    place: Place
    section: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dangling:
    """A reference from one entity to another that is not in the catalog."""

    origin: str
    field: str
    target: str
    place: Place


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """All entities of one digest, indexed by name. Not slotted: the reverse graph is computed once.

    Services of kind API and Resource are called ``api:…`` and ``resource:…``; a service's ``owner`` is a group's
    name or ``user:…``. ``dangling`` are references that lead nowhere, wherever they were written.
    """

    digest: str
    services: dict[str, Service] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)
    owner_rules: tuple[OwnerRule, ...] = ()
    dangling: tuple[Dangling, ...] = ()

    def people_of(self, owner: str | None) -> tuple[str, ...]:
        """The people behind an owner, sorted: one person, or a group's members with those of its subgroups."""
        if owner is None:
            return ()
        if owner.startswith("user:"):
            name = owner.removeprefix("user:")
            return (name,) if name in self.people else ()
        inside, waiting = set[str](), [owner] if owner in self.groups else []
        while waiting:
            group = waiting.pop()
            if group not in inside:
                inside.add(group)
                waiting.extend(self.subgroups.get(group, ()))
        return tuple(
            sorted({name for group in inside for name in self.groups[group].members if name in self.people})
        )

    @cached_property
    def subgroups(self) -> dict[str, tuple[str, ...]]:
        """For each group the groups whose parent it is, sorted."""
        return _inverted((group.parent, group.name) for group in self.groups.values() if group.parent)

    @cached_property
    def by_account(self) -> dict[str, tuple[str, ...]]:
        """For each account, lowercase, the people who have it, sorted; more than one is an error there."""
        return _inverted(
            (account.lower(), person.name) for person in self.people.values() for account in person.accounts
        )

    @cached_property
    def by_email(self) -> dict[str, tuple[str, ...]]:
        """For each address, lowercase, the people who have it, sorted."""
        return _inverted(
            (email.lower(), person.name) for person in self.people.values() for email in person.emails
        )

    @cached_property
    def paths(self) -> GlobIndex[str]:
        """Finds the services whose ``paths`` cover a file."""
        return GlobIndex((glob, name) for name in sorted(self.services) for glob in self.services[name].paths)

    @cached_property
    def owned_by(self) -> dict[str, tuple[str, ...]]:
        """For each owner the services it owns, sorted."""
        return _inverted((service.owner, service.name) for service in self.services.values() if service.owner)

    @cached_property
    def beside(self) -> dict[str, tuple[str, ...]]:
        """For each folder with a ``catalog-info.yaml`` the services declared there, sorted; the root is ``""``."""
        places = ((service.place.path, service.name) for service in self.services.values() if service.place)
        split = ((path.rpartition("/"), name) for path, name in places)
        return _inverted((parts[0], name) for parts, name in split if parts[2] in SERVICE_FILES)

    @cached_property
    def owner_globs(self) -> GlobIndex[int]:
        """Finds the owner rules that match a file, by their place in ``owner_rules``."""
        return GlobIndex((rule.pattern.removeprefix("!"), place) for place, rule in enumerate(self.owner_rules))

    @cached_property
    def local_names(self) -> dict[str, tuple[str, ...]]:
        """For each bare name, lowercase and with ``-`` for ``_``, the services of any kind called so, sorted."""
        return _inverted((bare_name(name), name) for name in self.services)

    @cached_property
    def dependents(self) -> dict[str, tuple[str, ...]]:
        """For each service the services that name it in ``depends_on``, sorted."""
        found: dict[str, set[str]] = {name: set() for name in self.services}
        for service in self.services.values():
            for needed in service.depends_on:
                found.setdefault(needed, set()).add(service.name)
        return {name: tuple(sorted(names)) for name, names in found.items()}


def _inverted(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for key, value in pairs:
        found.setdefault(key, set()).add(value)
    return {key: tuple(sorted(values)) for key, values in found.items()}
