"""Differences between two catalogs that give somebody more, or hide who somebody is.

Rules:
1. Listed is what widens rights or weakens protection: a person, key, account or address added, a role raised, an
   agent or sponsor new or changed, group members or parents changed, a tier lowered or a service gone, ownership
   changed.
2. Listed too is what hides authorship: an account, address or agent taken away.
3. Taking a key or a person away, lowering a role or raising a tier only tightens and is not listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from interlock.core.approval.enrolment import new_keys
from interlock.core.change.catalog import RANK, Catalog, Person

PrivilegeKind = Literal[
    "person-added",
    "key-added",
    "identity-added",
    "identity-removed",
    "role-raised",
    "agent-changed",
    "agent-removed",
    "group-changed",
    "tier-lowered",
    "service-removed",
    "owner-changed",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivilegedChange:
    """One difference that needs the quorum under the old catalog."""

    kind: PrivilegeKind
    subject: str
    text: str


def privileged_changes(old: Catalog, new: Catalog) -> tuple[PrivilegedChange, ...]:
    """All privileged differences, sorted by kind and subject."""
    found = (*_people(old, new), *_agents(old, new), *_groups(old, new), *_services(old, new))
    return tuple(sorted(found, key=lambda one: (one.kind, one.subject, one.text)))


def _people(old: Catalog, new: Catalog) -> Iterator[PrivilegedChange]:
    for key in new_keys(old, new):
        yield _made("key-added", key.person, f"{key.person} gets key {key.fingerprint}")
    for name, person in new.people.items():
        before = old.people.get(name)
        if before is None:
            yield _made("person-added", name, f"{name} is new, as {person.role}")
        elif RANK[person.role] > RANK[before.role]:
            yield _made("role-raised", name, f"{name} was {before.role}, becomes {person.role}")
        if person.on_call and not (before and before.on_call):
            yield _made("role-raised", name, f"{name} goes on call and may break the glass")
        yield from _identities(name, _names(before), _names(person))
    for name, person in old.people.items():
        if name not in new.people:
            yield from _identities(name, _names(person), frozenset())


def _identities(name: str, before: frozenset[str], after: frozenset[str]) -> Iterator[PrivilegedChange]:
    for identity in after - before:
        yield _made("identity-added", name, f"{identity} becomes {name}")
    for identity in before - after:
        yield _made("identity-removed", name, f"{identity} is no longer {name}")


def _names(person: Person | None) -> frozenset[str]:
    return frozenset((*person.emails, *person.accounts)) if person else frozenset()


def _agents(old: Catalog, new: Catalog) -> Iterator[PrivilegedChange]:
    for name, agent in new.agents.items():
        before = old.agents.get(name)
        was = (before.sponsor, frozenset(before.accounts)) if before else None
        if was != (agent.sponsor, frozenset(agent.accounts)):
            accounts = ", ".join(agent.accounts) or "no accounts"
            yield _made("agent-changed", name, f"agent {name} answers to {agent.sponsor}, with {accounts}")
    for name in _gone(old.agents, new.agents):
        yield _made("agent-removed", name, f"agent {name} is gone: its accounts are nobody's")


def _groups(old: Catalog, new: Catalog) -> Iterator[PrivilegedChange]:
    for name in sorted({*old.groups, *new.groups}):
        before, after = old.groups.get(name), new.groups.get(name)
        was = (before.parent, frozenset(before.members)) if before else None
        now = (after.parent, frozenset(after.members)) if after else None
        if was != now:
            members = ", ".join(sorted(after.members)) if after else ""
            yield _made("group-changed", name, f"group {name} is now {members or 'nobody'}")


def _services(old: Catalog, new: Catalog) -> Iterator[PrivilegedChange]:
    for name, before in old.services.items():
        after = new.services.get(name)
        if after is None:
            yield _made("service-removed", name, f"{name} (Tier-{before.tier}) is gone")
            continue
        if after.tier > before.tier:
            yield _made("tier-lowered", name, f"{name} was Tier-{before.tier}, becomes Tier-{after.tier}")
        if set(before.paths) - set(after.paths):
            yield _made("tier-lowered", name, f"{name} no longer covers {', '.join(before.paths)}")
        if after.owner != before.owner:
            yield _made("owner-changed", name, f"{name} was owned by {before.owner}, becomes {after.owner}'s")
    rules = [[(rule.pattern, rule.owners) for rule in catalog.owner_rules] for catalog in (old, new)]
    if rules[0] != rules[1]:
        yield _made("owner-changed", "CODEOWNERS", "code owners change")


def _gone(old: Iterable[str], new: Iterable[str]) -> list[str]:
    return sorted(set(old) - set(new))


def _made(kind: PrivilegeKind, subject: str, text: str) -> PrivilegedChange:
    return PrivilegedChange(kind=kind, subject=subject, text=text)
