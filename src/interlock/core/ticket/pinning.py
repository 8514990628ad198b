"""From the rules in force to a pins file.

Rules:
1. Only keys that one person alone lists, that can be used and are not revoked are pinned; people who are one
   principal are pinned as one.
2. A quorum is pinned where the rules enforce it for every change: two approvals for a Tier-1 service, with
   proof of presence unless software keys suffice. What depends on the change (AI, risk, fast lane) stays the
   server's word.
3. Where a canary is demanded of every change, a Tier-1 service is pinned to the most that a first stage may send
   to it; where none is, its tickets are for all traffic, and so are the pins. Whoever widens a rollout pins more.
4. A rule that is only watched, or is not among the policies, pins nothing.
"""

from __future__ import annotations

from interlock.core.approval.keys import parse_public_key
from interlock.core.approval.principals import Principals
from interlock.core.change.catalog import Catalog, Tier
from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.dsse import key_id_of, load_public_key
from interlock.core.policy.rules import Rules
from interlock.core.ticket.issue import FIRST_STAGE_MOST
from interlock.core.ticket.pins import (
    PinnedEnvironment,
    PinnedIssuer,
    PinnedKey,
    PinnedPerson,
    Pins,
    Quorum,
    read_pins,
)

TWO_APPROVALS = "tier1-two-approvals"
PRESENCE = "tier1-presence"
CANARY_PLAN = "canary-plan"


def pins_of(rules: Rules, *, issuers: tuple[str, ...], log: str) -> Pins:
    """Pins from the rules in force. ``issuers`` are SPKI PEMs of the server's ticket keys, ``log`` its vkey.

    Raises:
        InvalidInput: ``pins-empty`` or ``pins-shape``, as ``read_pins`` would.
    """
    one_person = rules.settings.one_person
    pins = Pins(
        rules_digest=rules.digest,
        issuers=tuple(PinnedIssuer(key_id=key_id_of(load_public_key(pem)), public_key=pem) for pem in issuers),
        log=log,
        people=_people(rules.catalog),
        environments={name: _environment(rules, name) for name in sorted(rules.settings.environments)},
        one_person=one_person,
    )
    return read_pins(pins.to_bytes())


def _environment(rules: Rules, name: str) -> PinnedEnvironment:
    if not rules.settings.environments[name].production:
        return PinnedEnvironment(quorum=Quorum(approvals=0))
    critical = sorted(one.name for one in rules.catalog.services.values() if one.tier is Tier.ONE)
    return PinnedEnvironment(
        quorum=Quorum(approvals=0),
        services={service: _quorum(rules, name, service) for service in critical},
        weights={one: FIRST_STAGE_MOST for one in critical if _enforced(rules, CANARY_PLAN, name, one)},
        break_glass=True,
        exceptions=(TWO_APPROVALS,),
    )


def _quorum(rules: Rules, environment: str, service: str) -> Quorum:
    if not _enforced(rules, TWO_APPROVALS, environment, service):
        return Quorum(approvals=0)
    suffices = rules.settings.trust.software_keys == "all"
    verified = not suffices and _enforced(rules, PRESENCE, environment, service)
    return Quorum(
        approvals=1 if rules.settings.one_person else 2, presence="verified" if verified else "possession"
    )


def _enforced(rules: Rules, rule: str, environment: str, service: str) -> bool:
    policy = rules.bundle.policies.get(rule)
    facts: dict[str, object] = {"services": [service], "tier": 1, "environment": environment}
    return policy is not None and rules.bundle.modes.of(policy, facts) == "enforce"


def _people(catalog: Catalog) -> dict[str, PinnedPerson]:
    principals = Principals(catalog)
    return {
        name: PinnedPerson(role=person.role, keys=keys, principal=min(principals.same(name)))
        for name, person in sorted(catalog.people.items())
        if (keys := tuple(_keys(catalog, principals, name)))
    }


def _keys(catalog: Catalog, principals: Principals, name: str) -> list[PinnedKey]:
    found: dict[str, PinnedKey] = {}
    for listed in catalog.people[name].keys:
        try:
            known = principals.key(parse_public_key(listed.line).fingerprint)
        except InvalidInput:  # `catalog check` names it; a key that cannot be used is not pinned
            continue
        if known is None or known.people != {name} or any(entry.revoked for entry in known.entries):
            continue
        begins = [entry.not_before for entry in known.entries if entry.not_before is not None]
        ends = [entry.not_after for entry in known.entries if entry.not_after is not None]
        found[known.key.fingerprint] = PinnedKey(
            fingerprint=known.key.fingerprint,
            not_before=max(begins, default=None),
            not_after=min(ends, default=None),
        )
    return list(found.values())
