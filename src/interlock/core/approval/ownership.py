"""Who knows a change best: its owners by distance; and where one person alone could block.

Rules:
1. Distance 0 are the owners of touched services and the code owners of changed files; each group further up the
   reporting line is one further away.
2. A service hangs on one person where only one of its owners can sign, or where the whole catalog has too few
   people, or for Tier-1 too few seniors, to do without any single one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from interlock.core.approval.principals import Principals, principals_of
from interlock.core.change.catalog import RANK, Catalog, Role, Tier
from interlock.core.change.change import Change
from interlock.core.change.codeowners import owners_of, people_of
from interlock.core.change.parts import Configuration, GitRange
from interlock.core.facts.model import Description

MAX_DISTANCE = 16
MAX_PATHS = 2000
"""Changed files whose code owners are looked up; the rest of a larger change has the same owners or too many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SinglePoint:
    """A service that one person alone could block, or that has nobody; ``person`` is None for the latter."""

    service: str
    person: str | None
    reason: str
    remedy: str


def owners_by_distance(change: Change, description: Description, catalog: Catalog) -> dict[str, tuple[int, str]]:
    """For each person who owns some of the change: how far away, and of what."""
    found: dict[str, tuple[int, str]] = {}
    touched = {item.service for item in description.blast.touched} | set(change.services)
    for service in sorted(touched & set(catalog.services)):
        for distance, group, names in _upwards(catalog, catalog.services[service].owner):
            through = f" through {group}" if distance else ""
            for name in names:
                _nearer(found, name, distance, f"owner of {service}{through}")
    owners = {owner for path in _paths(change) for owner in owners_of(catalog.owner_rules, path)}
    for owner in sorted(owners):
        for name in people_of(catalog, owner):
            _nearer(found, name, 0, f"code owner as {owner}")
    return found


def single_points(
    catalog: Catalog, now: datetime, principals: Principals | None = None
) -> tuple[SinglePoint, ...]:
    """Services that one person alone could block, sorted by name."""
    known = principals or principals_of(catalog)
    able = frozenset(name for name in catalog.people if known.can_sign(name, now))
    found: list[SinglePoint] = []
    cached: dict[str | None, frozenset[str]] = {}
    for name, service in sorted(catalog.services.items()):
        if service.owner not in cached:
            cached[service.owner] = _principals_of(set(catalog.people_of(service.owner)) & able, known)
        point = _of_owner(name, service.owner, cached[service.owner])
        if point is None and service.tier is Tier.ONE:
            point = _of_catalog(name, catalog, known, able)
        if point is not None:
            found.append(point)
    return tuple(found)


def _of_owner(service: str, owner: str | None, people: frozenset[str]) -> SinglePoint | None:
    if len(people) > 1 or owner is None:
        return None
    person = min(people, default=None)
    who = f"only {person} of its owner {owner}" if person else f"nobody of its owner {owner}"
    return SinglePoint(
        service=service,
        person=person,
        reason=f"{who} has a key to approve with",
        remedy=f"add people with keys to {owner}",
    )


def _of_catalog(service: str, catalog: Catalog, known: Principals, able: frozenset[str]) -> SinglePoint | None:
    seniors = frozenset(name for name in able if RANK[catalog.people[name].role] >= RANK[Role.SENIOR])
    # One writes, two approve, one is ill; of the seniors one may write and another must be there.
    for people, enough, what in ((able, 4, "people"), (seniors, 2, "seniors or above")):
        there = _principals_of(people, known)
        if len(there) < enough:
            return SinglePoint(
                service=service,
                person=min(there, default=None),
                reason=f"Tier-1 and the catalog has {len(there)} {what} with a key; {enough} can spare any one",
                remedy=f"add {what} with keys to the catalog",
            )
    return None


def _principals_of(people: Iterable[str], known: Principals) -> frozenset[str]:
    return frozenset(min(known.same(name)) for name in people)


def _upwards(catalog: Catalog, owner: str | None) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    current, seen = owner, set[str]()
    for distance in range(MAX_DISTANCE):
        if current is None or current in seen:
            return
        seen.add(current)
        yield distance, current, catalog.people_of(current)
        group = catalog.groups.get(current)
        current = group.parent if group else None


def _nearer(found: dict[str, tuple[int, str]], name: str, distance: int, why: str) -> None:
    if name not in found or distance < found[name][0]:
        found[name] = (distance, why)


def _paths(change: Change) -> tuple[str, ...]:
    paths: set[str] = set()
    for part in change.submission.parts:
        if isinstance(part, GitRange | Configuration):
            paths.update(file.path for file in part.files)
    return tuple(sorted(paths)[:MAX_PATHS])
