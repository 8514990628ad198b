"""What every station of the road stands on: state, time, names, and the rules in force.

Rules:
1. The rules in force are the newest activation in the store, parsed once per digest. A caller's working tree
   is never consulted for a decision that is recorded.
2. They are believed only when the files lead to the activation's digest, its ledger entry names that digest, and
   no entry says that others replaced it; a record alone is a row that whoever owns the database could have
   written, or taken away. The same goes for having no rules at all.
3. Rules that were activated by another interlock and cannot be read by this one stay in force: whatever needs them
   cannot be decided (see ``mend``).
4. Before anything was activated a station may carry provisional rules, good for ``check`` and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from interlock.core.change.errors import IntegrityError, InvalidInput, Unavailable
from interlock.core.policy.activation import Activation
from interlock.core.policy.rules import Rules, load_rules, rules_digest_of
from interlock.ports.counts import PushedCounts
from interlock.ports.leases import Leases
from interlock.ports.rehearsal import MakesRehearsal
from interlock.ports.rule_source import RuleSource
from interlock.ports.store import Page, Store, Tx
from interlock.ports.validator import Validator
from interlock.ports.world import Clock, Ids
from interlock.road.evaluations import SharedEvaluations
from interlock.road.recorded import Described
from interlock.road.roll.live import Live
from interlock.road.roll.outside import Outside

ACTIVATED = "rules.activated"
REPLACED = "rules.replaced"
GENESIS = "genesis"
"""What the first rules replace."""

RULES_OLDER = "rules-older"
"""The code of an error about rules in force that this version cannot read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """Rules with the record that brought them into force; None for provisional ones."""

    rules: Rules
    activation: Activation | None

    @property
    def provisional(self) -> bool:
        """Whether nobody has activated these rules yet."""
        return self.activation is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """``ticket_key`` signs tickets; ``fallback`` is where provisional rules come from, None on a server.

    ``ledger_key`` is the ledger's verifier key (C2SP vkey), which deployers pin. ``outside`` is what rollouts
    touch, ``leases`` say who moves them; None where none can be started. ``counts`` are what services push;
    ``drivers`` those of rehearsals, which say how a change of their kind goes back; ``validators`` gives those
    that are installed here, which read their settings before rules come into force.
    Safe to share between threads.
    """

    store: Store
    clock: Clock
    ids: Ids
    ticket_key: Ed25519PrivateKey
    fallback: RuleSource | None = None
    ledger_key: str = ""
    outside: Outside | None = None
    leases: Leases | None = None
    counts: PushedCounts | None = None
    drivers: Mapping[str, MakesRehearsal] = field(default_factory=dict)
    validators: Callable[[], Sequence[Validator]] = tuple
    described: Described = field(default_factory=Described)
    live: Live = field(default_factory=Live)
    evaluations: SharedEvaluations = field(default_factory=SharedEvaluations)
    _parsed: dict[str, Rules] = field(default_factory=dict)

    def rules(self, tx: Tx) -> InForce:
        """The rules in force.

        Raises:
            InvalidInput: ``rules-none`` when nothing was activated yet.
            Unavailable: ``rules-older`` when this version cannot read them.
            IntegrityError: ``rules-damaged`` when the record, its files and its ledger entries disagree.
        """
        activation = latest_activation(tx)
        if activation is None:
            check_genesis(tx)
            raise InvalidInput(
                "expected rules in force, got none: nothing has been activated yet",
                code="rules-none",
                hint="interlock rules genesis prints the digest of the first rules and enrols two people",
            )
        return InForce(rules=self._load(tx, activation), activation=activation)

    def rules_or_provisional(self, tx: Tx) -> InForce:
        """The rules in force, or before there are any those of the working tree."""
        if latest_activation(tx) is not None or self.fallback is None:
            return self.rules(tx)
        check_genesis(tx)
        return InForce(rules=load_rules(self.fallback.files()), activation=None)

    def _load(self, tx: Tx, activation: Activation) -> Rules:
        _check_entries(tx, activation)
        known = self._parsed.get(activation.digest)
        if known is None:
            known = _read({path: tx.blob(blob) for path, blob in activation.files.items()}, activation)
            if known.digest != activation.digest:
                named = f"`{activation.id}` names `{activation.digest[:19]}…`"
                raise _damaged(f"{named}, but its files are rules `{known.digest[:19]}…`")
            self._parsed.clear()
            self._parsed[activation.digest] = known
        return known


def _read(files: Mapping[str, bytes], activation: Activation) -> Rules:
    try:
        return load_rules(files)
    except InvalidInput as error:
        # They were read when they were activated: the same files and another reader, or other files.
        if _digest_of(files) not in {None, activation.digest}:
            raise _damaged(
                f"`{activation.id}` names `{activation.digest[:19]}…`, but its files are others"
            ) from error
        raise Unavailable(
            f"the rules in force do not load in this version of interlock: {error.message}",
            code=RULES_OLDER,
            hint="change them with the version that activated them, or have two people of their catalog sign "
            "mended ones: interlock rules genesis (docs/how-to/upgrade.md)",
            plugin="rules",
        ) from error


def _digest_of(files: Mapping[str, bytes]) -> str | None:
    try:
        return rules_digest_of(files)
    except InvalidInput:
        return None


def latest_activation(tx: Tx) -> Activation | None:
    """The newest activation, None before the genesis."""
    newest = tx.records(Activation).page(Page(limit=1))
    return newest[0] if newest else None


def check_genesis(tx: Tx) -> None:
    """Before the first rules, the ledger has never heard of any.

    Raises:
        IntegrityError: ``rules-damaged``.
    """
    if any(entry.kind == REPLACED for _, entry in tx.log.entries(GENESIS)):
        raise _damaged("there is none on record, but the ledger tells of the first")


def _check_entries(tx: Tx, activation: Activation) -> None:
    """The ledger has one entry about this activation, with its digest and ticket, and none says it is over."""
    entries = [entry for _, entry in tx.log.entries(activation.id)]
    said = [(one.body.get("digest"), one.body.get("ticket")) for one in entries if one.kind == ACTIVATED]
    named = f"`{activation.id}` names `{activation.digest[:19]}…`, but"
    if said != [(activation.digest, activation.ticket)]:
        raise _damaged(f"{named} {'no entry of the ledger says so' if not said else 'the ledger says otherwise'}")
    after = [one.body.get("by") for one in entries if one.kind == REPLACED]
    if after:
        raise _damaged(f"{named} the ledger says that `{str(after[-1])[:80]}` replaced it")


def _damaged(why: str) -> IntegrityError:
    return IntegrityError(
        f"the rules in force are not those that were activated: {why}",
        code="rules-damaged",
        hint="stop every server, run interlock ledger verify, restore the database from a backup",
    )
