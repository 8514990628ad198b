"""What is wrong with a catalog that reads well: each finding with the place where it is corrected.

Rules:
1. An error is what makes a decision wrong or impossible: an owner or a dependency that is not there, a cycle, one
   address, account or key that two people claim, groups that are each other's parent, an agent that shares an
   account with a person, a Tier-1 service without owner, metric, alert or rollback, CODEOWNERS that name nobody.
2. A warning is what weakens it: an undeclared tier, a service without owner, an owner without people, a person
   without a key that counts. A note is worth knowing.
3. Each cycle is named once, as a path that begins with its first name.
"""

from __future__ import annotations

from collections.abc import Iterator

from interlock.core.approval.identity import spellings
from interlock.core.change.catalog import Catalog, Person, Place, Service, Tier
from interlock.core.change.codeowners import groups_of
from interlock.core.change.cycles import cycles
from interlock.core.change.parts import Finding

_NOWHERE = Place(path="(catalog)", line=1)


def check_catalog(catalog: Catalog) -> tuple[Finding, ...]:
    """All findings, errors first, then by file and line."""
    found = [
        *_dangling(catalog),
        *_cycles(catalog),
        *(finding for service in catalog.services.values() for finding in _service(service, catalog)),
        *_shared(catalog),
        *(finding for person in catalog.people.values() for finding in _person(person)),
        *_owner_rules(catalog),
    ]
    if not catalog.people:
        found.append(_finding("no-people", "the catalog has no people, nobody could approve", None, "add Users"))
    order = {"error": 0, "warning": 1, "note": 2}
    return tuple(sorted(set(found), key=lambda item: (order[item.level], item.path, item.line or 0, item.message)))


def _dangling(catalog: Catalog) -> Iterator[Finding]:
    for item in catalog.dangling:
        rule = {"owner": "unknown-owner", "parent": "unknown-group", "memberOf": "unknown-group"}.get(
            item.field, "unknown-member" if item.field in {"members", "children"} else "unknown-dependency"
        )
        message = f"`{item.origin}` names `{item.target}` in {item.field}, which the catalog does not have"
        yield _finding(rule, message, item.place, f"correct the name, or add `{item.target}`")


def _cycles(catalog: Catalog) -> Iterator[Finding]:
    services = {name: service.depends_on for name, service in catalog.services.items()}
    for path in cycles(services):
        message = f"dependency cycle: {' → '.join(path)}"
        yield _finding(
            "dependency-cycle", message, catalog.services[path[0]].place, "remove one of its dependencies"
        )
    groups = {name: (group.parent,) if group.parent else () for name, group in catalog.groups.items()}
    for path in cycles(groups):
        message = f"groups are each other's parent: {' → '.join(path)}"
        yield _finding(
            "group-cycle", message, catalog.groups[path[0]].place, "correct `spec.parent` of one of them"
        )


def _service(service: Service, catalog: Catalog) -> Iterator[Finding]:
    first = service.tier is Tier.ONE
    level = "error" if first else "warning"
    if not service.tier_declared:
        message = f"`{service.name}` declares no tier and counts as Tier-2"
        yield _finding(
            "tier-undeclared", message, service.place, 'add `interlock.dev/tier: "1"`, 2 or 3', "warning"
        )
    if service.owner is None:
        message = f"Tier-{int(service.tier)} `{service.name}` has no owner"
        yield _finding("owner-missing", message, service.place, "add `spec.owner`", level)
    elif _known(service.owner, catalog) and not catalog.people_of(service.owner):
        message = f"`{service.owner}`, owner of `{service.name}`, has no people"
        yield _finding("owner-empty", message, service.place, "add members to the group", level)
    for field in ("metric", "alert", "rollback") if first else ():
        if getattr(service, field) is None:
            message = f"Tier-1 `{service.name}` has no {field}"
            yield _finding(f"{field}-missing", message, service.place, f"add `interlock.dev/{field}`")


def _known(owner: str, catalog: Catalog) -> bool:
    return owner in catalog.groups or owner.removeprefix("user:") in catalog.people


def _shared(catalog: Catalog) -> Iterator[Finding]:
    """What two people, or a person and an agent, both claim: whoever uses it would be nobody, or the wrong one."""
    claims = _claims(catalog)
    for (what, value), names in claims.items():
        if len(names) > 1:
            message = f"one {what} for {len(names)} people: `{value}` belongs to {' and '.join(sorted(names))}"
            place = catalog.people[max(names)].place
            yield _finding(f"{what}-shared", message, place, f"leave the {what} with one of them")
    for agent in catalog.agents.values():
        shared = {claim for account in agent.accounts for claim in _spelt(account)} & claims.keys()
        for what, value in sorted(shared):
            name = min(claims[what, value])
            message = f"agent `{agent.name}` and person `{name}` share the {what} `{value}`"
            yield _finding(f"{what}-shared", message, agent.place, "give the agent an account of its own")


def _claims(catalog: Catalog) -> dict[tuple[str, str], set[str]]:
    """Who claims each address, account and key, in the spelling by which they are looked up."""
    found: dict[tuple[str, str], set[str]] = {}
    for person in catalog.people.values():
        written = {claim for text in (*person.emails, *person.accounts) for claim in _spelt(text)}
        for claim in written | {("key", key.fingerprint) for key in person.keys}:
            found.setdefault(claim, set()).add(person.name)
    return found


def _spelt(text: str) -> set[tuple[str, str]]:
    kinds = {"mail": "address", "login": "account"}
    pairs = (spelling.partition(":") for spelling in spellings(text))
    return {(kinds[kind], value) for kind, _, value in pairs}


def _person(person: Person) -> Iterator[Finding]:
    if not any(not key.revoked for key in person.keys):
        message = f"`{person.name}` has no key and cannot approve by SSH signature"
        remedy = "add a public key in `interlock.dev/ssh-keys`"
        yield _finding("key-missing", message, person.place, remedy, "warning")
    if not person.emails and not person.accounts:
        message = f"`{person.name}` has neither address nor account: nothing they write is theirs"
        yield _finding("identity-missing", message, person.place, "add `spec.profile.email`", "warning")


def _owner_rules(catalog: Catalog) -> Iterator[Finding]:
    for rule in catalog.owner_rules:
        unknown = [owner for owner in rule.owners if not groups_of(catalog, owner)]
        if not unknown:
            continue
        everybody = len(unknown) == len(rule.owners)
        rest = "nobody the catalog knows" if everybody else f"{', '.join(unknown)}, whom the catalog does not know"
        message = f"`{rule.pattern}` is owned by {rest}"
        remedy = "add the team as a Group, or the login to `interlock.dev/accounts`"
        yield _finding("codeowners-nobody", message, rule.place, remedy, "error" if everybody else "warning")


def _finding(rule: str, message: str, place: Place | None, remedy: str, level: str = "error") -> Finding:
    where = place or _NOWHERE
    return Finding(
        rule=f"catalog-{rule}",
        level="warning" if level == "warning" else "error",
        message=message,
        path=where.path,
        line=where.line,
        remedy=remedy,
    )
