"""What every station of the road stands on: state, time, names, and the rules in force.

Rules:
1. The rules in force are the newest activation in the store, parsed once per digest. A caller's working tree
   is never consulted for a decision that is recorded.
2. Before anything was activated a station may carry provisional rules, good for ``check`` and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from interlock.core.change.errors import InvalidInput
from interlock.core.policy.activation import Activation
from interlock.core.policy.rules import Rules, load_rules
from interlock.ports.rule_source import RuleSource
from interlock.ports.store import Page, Store, Tx
from interlock.ports.world import Clock, Ids


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

    ``ledger_key`` is the ledger's verifier key (C2SP vkey), which deployers pin.
    Safe to share between threads.
    """

    store: Store
    clock: Clock
    ids: Ids
    ticket_key: Ed25519PrivateKey
    fallback: RuleSource | None = None
    ledger_key: str = ""
    _parsed: dict[str, Rules] = field(default_factory=dict)

    def rules(self, tx: Tx) -> InForce:
        """The rules in force.

        Raises:
            InvalidInput: ``rules-none`` when nothing was activated yet.
        """
        activation = latest_activation(tx)
        if activation is None:
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
        return InForce(rules=load_rules(self.fallback.files()), activation=None)

    def _load(self, tx: Tx, activation: Activation) -> Rules:
        known = self._parsed.get(activation.digest)
        if known is None:
            known = load_rules({path: tx.blob(blob) for path, blob in activation.files.items()})
            self._parsed.clear()
            self._parsed[activation.digest] = known
        return known


def latest_activation(tx: Tx) -> Activation | None:
    """The newest activation, None before the genesis."""
    newest = tx.records(Activation).page(Page(limit=1))
    return newest[0] if newest else None
