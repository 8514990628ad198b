"""Rules: what is in force, the genesis that started it, and what brings others into force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from interlock.core.approval.actor import Scope
from interlock.core.approval.model import Statement
from interlock.core.change.catalog import Catalog
from interlock.core.change.settings import Settings
from interlock.core.policy.activation import Activation
from interlock.doors.api.nouns.evidence import decoded
from interlock.doors.api.surface import Answer, Call, Operation
from interlock.road import rules
from interlock.road.rules import GenesisState


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesShown:
    """The rules in force; ``activation`` is None for provisional ones. ``files`` maps paths to digests.

    ``keys`` maps the fingerprints of keys to the one person they belong to.
    """

    digest: str
    provisional: bool
    activation: Activation | None
    files: Mapping[str, str]
    settings: Settings
    services: int
    people: tuple[str, ...]
    keys: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class GenesisRequest:
    """One signature under the first rules. ``files`` are all rule files, base64 by path."""

    files: dict[str, str]
    statement: Statement
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationRequest:
    """New rules and the ticket that permits exactly them. ``files`` are all rule files, base64 by path."""

    files: dict[str, str]
    ticket: str


def _files(encoded: Mapping[str, str]) -> dict[str, bytes]:
    return {path: decoded(content, f"`{path[:80]}`") for path, content in encoded.items()}


def _show(call: Call) -> Answer:
    found = rules.active(call.station, call.actor)
    shown = RulesShown(
        digest=found.rules.digest,
        provisional=found.provisional,
        activation=found.activation,
        files=found.rules.files,
        settings=found.rules.settings,
        services=len(found.rules.catalog.services),
        people=tuple(sorted(found.rules.catalog.people)),
        keys=_keys(found.rules.catalog),
    )
    return Answer(body=shown)


def _keys(catalog: Catalog) -> dict[str, str]:
    owners: dict[str, set[str]] = {}
    for person in catalog.people.values():
        for key in person.keys:
            owners.setdefault(key.fingerprint, set()).add(person.name)
    return {fingerprint: min(names) for fingerprint, names in sorted(owners.items()) if len(names) == 1}


def _genesis(call: Call) -> Answer:
    wanted: GenesisRequest = call.body
    state = rules.sign_genesis(call.station, call.actor, _files(wanted.files), wanted.statement, wanted.signature)
    return Answer(body=state)


def _activate(call: Call) -> Answer:
    wanted: ActivationRequest = call.body
    return Answer(body=rules.activate(call.station, call.actor, _files(wanted.files), wanted.ticket))


OPERATIONS = (
    Operation(
        name="showRules",
        method="GET",
        path="/v1/rules",
        scope=Scope.READ,
        summary="The rules in force: digest, settings, who stands for them.",
        run=_show,
        reply=RulesShown,
        stateless=True,
    ),
    Operation(
        name="signGenesis",
        method="POST",
        path="/v1/rules/genesis",
        scope=Scope.RULES,
        summary="Sign the first rules; with the last signature needed they come into force.",
        run=_genesis,
        body=GenesisRequest,
        reply=GenesisState,
        begins=True,
    ),
    Operation(
        name="activateRules",
        method="POST",
        path="/v1/rules/activation",
        scope=Scope.RULES,
        summary="Bring new rules into force with a ticket issued under the old ones.",
        run=_activate,
        body=ActivationRequest,
        reply=Activation,
    ),
)
