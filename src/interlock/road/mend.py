"""Rules in force that this interlock cannot read: what is said of them, and who may replace them.

Rules:
1. They stay in force. Whatever needs them cannot be decided (``rules-older``), so the gate lets nothing through;
   what does not need them (lists, evidence on record, the ledger) goes on.
2. The clean way is the interlock that activated them: there they are changed on the road, before the upgrade.
3. Where that is gone, people of the catalog IN FORCE sign new rules, as many as a change of rules takes, with the
   presence it takes, and new keys need their enrolment as ever. The ledger says that no ticket was there.
4. Rules whose settings or catalog cannot be read either leave nobody to ask: begin a new state.
5. The same way mends rules whose validators cannot read their settings: these came into force before that was
   asked, or with a validator that is gone. No change can be opened under them, so none could correct them.
"""

from __future__ import annotations

from dataclasses import replace

from interlock.core.approval.accept import accept
from interlock.core.approval.actor import Actor
from interlock.core.approval.enrolment import Genesis, genesis
from interlock.core.approval.model import SignedStatement, Statement
from interlock.core.change.errors import InvalidInput, Unavailable
from interlock.core.change.settings import SETTINGS_FILE
from interlock.core.policy.activation import Activation
from interlock.core.policy.rules import Foundation, load_foundation
from interlock.ports.store import Tx
from interlock.road.gather import genesis_statements, keep_new
from interlock.road.station import RULES_OLDER, InForce, Station, latest_activation
from interlock.road.validator_settings import unread

QUORUM = 2


def unreadable(station: Station, tx: Tx, activation: Activation) -> Foundation | None:
    """What the rules in force rest on when this interlock or its validators cannot read them, None when they can.

    Raises:
        Unavailable: ``rules-older`` when not even settings and catalog can be read.
        IntegrityError: ``rules-damaged``.
    """
    try:
        found = station.rules(tx)
    except Unavailable as error:
        if error.code != RULES_OLDER:
            raise
        return _foundation(tx, activation, error)
    return _without_validators(station, tx, activation, found)


def _without_validators(station: Station, tx: Tx, activation: Activation, found: InForce) -> Foundation | None:
    rules = found.rules
    content = tx.blob(activation.files[SETTINGS_FILE])
    if any(unread(content, rules.settings, station.validators())):
        return Foundation(digest=rules.digest, settings=rules.settings, catalog=rules.catalog)
    return None


def _foundation(tx: Tx, activation: Activation, error: Unavailable) -> Foundation:
    try:
        return load_foundation({path: tx.blob(blob) for path, blob in activation.files.items()})
    except InvalidInput as cause:
        raise Unavailable(
            f"expected settings and catalog in force that can be read, got: {cause.message[:300]}",
            code=RULES_OLDER,
            hint="use the interlock that activated them, or begin a new state: docs/how-to/upgrade.md",
            plugin="rules",
        ) from error


def keep_for(
    station: Station, tx: Tx, actor: Actor, held: Foundation, said: Statement, signature: str
) -> SignedStatement:
    """The signature of a person of the catalog in force, on record; the caller writes its ledger entry."""
    signed = accept(
        said,
        signature,
        catalog=held.catalog,
        settings=held.settings,
        now=station.clock.now(),
        received_from=actor,
        record_id=station.ids.new("sig"),
    )
    keep_new(tx, signed)
    return signed


def counted(station: Station, tx: Tx, held: Foundation, digest: str) -> Genesis:
    """Who of the catalog in force signed the rules ``digest``, with the presence that a change of rules takes.

    What was signed before the rules in force came is about another time.
    """
    enough = held.settings.trust.software_keys == "all"
    before = latest_activation(tx)
    found = genesis_statements(tx, digest)
    so_far = genesis(
        [
            signed
            for signed in found
            if (enough or signed.presence == "verified")
            and (before is None or signed.statement.issued_at > before.activated_at)
        ],
        digest=digest,
        catalog=held.catalog,
        settings=held.settings,
        now=station.clock.now(),
    )
    return replace(so_far, needed=1 if held.settings.one_person else QUORUM)
