"""From entities as written to the catalog's nouns, every reference resolved.

Rules:
1. A reference finds its entity whatever its case and takes that entity's own spelling; one that finds none is
   kept as written and listed as dangling, for ``catalog check`` to name. It never disappears.
2. A service depends on what it names in ``dependsOn`` and ``consumesApis``, on its own subcomponents (parts that
   name it in ``subcomponentOf``), and on whatever names it in ``dependencyOf``; an API depends on the component
   that provides it.
3. A person's groups are those of ``memberOf`` and those that list the person in ``members``; a group's parent is
   its own ``parent``, else the group that lists it in ``children``.
4. An agent has one sponsor, a person of the catalog; without one the catalog is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from interlock.core.change.catalog import (
    Agent,
    Catalog,
    Dangling,
    Group,
    OwnerRule,
    Person,
    Service,
    Tier,
)
from interlock.core.change.catalog_entity import Entity
from interlock.core.change.entity_ref import Ref, parse_ref
from interlock.core.change.yaml_nodes import refused

AGENT = "agent"
_OWNERS = ("group", "user")
_SERVICES = ("component", "api", "resource")
_Noun = TypeVar("_Noun", Service, Person, Group, Agent)


def link(entities: Sequence[Entity], *, digest: str, owner_rules: tuple[OwnerRule, ...]) -> Catalog:
    """The catalog of these entities.

    Raises:
        InvalidInput: ``catalog-duplicate``, ``catalog-entity`` or ``catalog-annotation``.
    """
    return _Linker(entities).catalog(digest, owner_rules)


class _Linker:
    def __init__(self, entities: Sequence[Entity]) -> None:
        self.index: dict[tuple[str, str, str], Entity] = {}
        for entity in entities:
            first = self.index.setdefault(entity.ref.key, entity)
            if first is not entity:
                raise refused(
                    entity.place,
                    f"each entity once (first at `{first.place.path}:{first.place.line}`)",
                    f"{entity.kind} {entity.ref.local} again",
                    code="catalog-duplicate",
                    hint="remove or rename one of the two",
                )
        self.dangling: list[Dangling] = []
        self.edges: dict[str, dict[str, None]] = {}
        self.members: dict[str, set[str]] = {}
        self.memberships: dict[str, set[str]] = {}
        self.parents: dict[str, str] = {}

    def catalog(self, digest: str, owner_rules: tuple[OwnerRule, ...]) -> Catalog:
        by_kind: dict[str, list[Entity]] = {}
        for entity in self.index.values():
            kind = AGENT if _is_agent(entity) else entity.ref.kind
            by_kind.setdefault(kind, []).append(entity)
        services = [entity for kind in _SERVICES for entity in by_kind.get(kind, ())]
        groups, users = by_kind.get("group", []), by_kind.get("user", [])
        for entity in services:
            self._connect(entity)
        for entity in groups:
            self._gather(entity)
        for entity in users:
            self._join(entity)
        return Catalog(
            digest=digest,
            services=_named(self._service(entity) for entity in services),
            people=_named(self._person(entity) for entity in users),
            groups=_named(self._group(entity) for entity in groups),
            agents=_named(self._agent(entity) for entity in by_kind.get(AGENT, ())),
            owner_rules=owner_rules,
            dangling=tuple(
                sorted(self.dangling, key=lambda item: (item.place.path, item.place.line, item.target))
            ),
        )

    def _find(self, origin: Entity, field: str, ref: Ref, kinds: Iterable[str]) -> Ref:
        """``ref`` in the spelling of the entity it names; noted as dangling where there is none."""
        found = self.index.get(ref.key)
        if found is not None and ref.kind in kinds and not _is_agent(found):
            return found.ref
        missing = Dangling(origin=origin.ref.shown, field=field, target=ref.shown, place=origin.place)
        if missing not in self.dangling[-3:]:
            self.dangling.append(missing)
        return ref

    def _refs(self, entity: Entity, field: str, kind: str, kinds: Iterable[str]) -> list[Ref]:
        return [self._find(entity, field, ref, kinds) for ref in entity.refs(field, kind)]

    def _depend(self, service: str, needed: str) -> None:
        if service != needed:
            self.edges.setdefault(service, {})[needed] = None

    def _connect(self, entity: Entity) -> None:
        own = entity.ref.shown
        for ref in self._refs(entity, "dependsOn", "component", _SERVICES):
            self._depend(own, ref.shown)
        for ref in self._refs(entity, "consumesApis", "api", ("api",)):
            self._depend(own, ref.shown)
        for ref in self._refs(entity, "dependencyOf", "component", _SERVICES):
            self._depend(ref.shown, own)
        for ref in self._refs(entity, "providesApis", "api", ("api",)):
            self._depend(ref.shown, own)
        whole = entity.ref_of("subcomponentOf", "component")
        if whole:
            self._depend(self._find(entity, "subcomponentOf", whole, ("component",)).shown, own)

    def _gather(self, entity: Entity) -> None:
        for ref in self._refs(entity, "members", "user", ("user",)):
            self._enrol(entity.ref.local, ref.local)
        for ref in self._refs(entity, "children", "group", ("group",)):
            self.parents.setdefault(ref.local, entity.ref.local)

    def _join(self, entity: Entity) -> None:
        for ref in self._refs(entity, "memberOf", "group", ("group",)):
            self._enrol(ref.local, entity.ref.local)

    def _enrol(self, group: str, person: str) -> None:
        self.members.setdefault(group, set()).add(person)
        self.memberships.setdefault(person, set()).add(group)

    def _owner(self, entity: Entity) -> str | None:
        ref = entity.ref_of("owner", "group")
        return self._find(entity, "owner", ref, _OWNERS).shown if ref else None

    def _service(self, entity: Entity) -> Service:
        notes, name = entity.annotations, entity.ref.shown
        tier = notes.tier()
        system = entity.ref_of("system", "system")
        return Service(
            name=name,
            kind=entity.kind,
            type=entity.text("type") or "service",
            tier=tier or Tier.TWO,
            tier_declared=tier is not None,
            owner=self._owner(entity),
            system=system.local if system else None,
            lifecycle=entity.text("lifecycle") or "production",
            depends_on=tuple(self.edges.get(name, ())),
            environments=notes.items("environments"),
            order_share=notes.share("order-share"),
            fleet_share=notes.share("fleet-share"),
            metric=notes.text("metric"),
            alert=notes.text("alert"),
            rollback=notes.text("rollback"),
            paths=notes.items("paths"),
            artefacts=notes.items("artefacts"),
            repository=_repository(entity),
            place=entity.place,
        )

    def _person(self, entity: Entity) -> Person:
        notes, name = entity.annotations, entity.ref.local
        emails = (entity.profile("email"), *notes.items("emails"))
        return Person(
            name=name,
            role=notes.role(),
            display_name=entity.profile("displayName") or entity.title,
            emails=tuple(dict.fromkeys(email for email in emails if email)),
            accounts=notes.items("accounts"),
            keys=notes.keys(),
            groups=tuple(sorted(self.memberships.get(name, ()))),
            on_call=notes.flag("on-call"),
            place=entity.place,
        )

    def _group(self, entity: Entity) -> Group:
        name, parent = entity.ref.local, entity.ref_of("parent", "group")
        above = self._find(entity, "parent", parent, ("group",)).local if parent else self.parents.get(name)
        return Group(
            name=name, parent=above, members=tuple(sorted(self.members.get(name, ()))), place=entity.place
        )

    def _agent(self, entity: Entity) -> Agent:
        text = entity.annotations.text("sponsor") or ""
        ref = parse_ref(text, kind="user", namespace=entity.ref.namespace)
        found = self.index.get(ref.key) if ref else None
        if found is None or found.ref.kind != "user":
            raise refused(
                entity.place,
                f"a person of the catalog as sponsor of agent `{entity.ref.local}`",
                text or "none",
                code="catalog-annotation",
                hint="name the person who answers for it in `interlock.dev/sponsor`",
            )
        return Agent(
            name=entity.ref.local,
            sponsor=found.ref.local,
            accounts=entity.annotations.items("accounts"),
            place=entity.place,
        )


def _is_agent(entity: Entity) -> bool:
    return entity.ref.kind == "resource" and (entity.text("type") or "").lower() == AGENT


def _repository(entity: Entity) -> str | None:
    slug = entity.others.get("github.com/project-slug") or entity.others.get("gitlab.com/project-slug")
    location = entity.others.get("backstage.io/source-location", "").removeprefix("url:")
    return slug or location or None


def _named(items: Iterable[_Noun]) -> dict[str, _Noun]:
    return {item.name: item for item in sorted(items, key=lambda item: item.name)}
