"""Whose signature counts: a trusted runner, for this predicate and these services, now.

Rules:
1. One good signature by a trusted runner is enough.
2. A signature that claims a trusted runner's key and does not verify is no evidence at all: somebody altered
   the file, and nothing of it is kept.
3. A signer nobody knows, or a runner that is revoked, expired or not trusted for this, is *untrusted*: kept,
   shown with the reason, and never counted.
4. A runner speaks for a change only if it is trusted for every service the change touches.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.dsse import (
    Envelope,
    Signature,
    load_public_key,
    read_envelope,
    signature_holds,
)
from interlock.core.evidence.model import Runner
from interlock.core.evidence.statement import InTotoStatement, read_statement


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedEnvelope:
    """A statement and the runner whose signature over it holds; ``refusal`` says why that does not count.

    ``runner`` is None exactly when no key of a known runner made any of the signatures.
    """

    statement: InTotoStatement
    envelope: Envelope
    runner: Runner | None
    refusal: str | None

    @property
    def trusted(self) -> bool:
        """Whether the statement counts as that runner's word."""
        return self.runner is not None and self.refusal is None


def verify_envelope(
    content: bytes, runners: tuple[Runner, ...], *, now: datetime, services: tuple[str, ...] = ()
) -> VerifiedEnvelope:
    """The statement in ``content`` and whose word it is.

    Raises:
        InvalidInput: ``signature-wrong`` (see rule 2), or the codes of ``read_envelope`` and ``read_statement``.
    """
    envelope = read_envelope(content)
    statement = read_statement(envelope)
    signers = [one for signature in envelope.signatures for one in _signers(envelope, signature, runners)]
    if not signers:
        return VerifiedEnvelope(
            statement=statement,
            envelope=envelope,
            runner=None,
            refusal="signed by nobody that `trust.runners` names",
        )
    judged = [(refusal(one, statement.predicate_type, services, now), one) for one in signers]
    why, runner = next((pair for pair in judged if pair[0] is None), judged[0])
    return VerifiedEnvelope(statement=statement, envelope=envelope, runner=runner, refusal=why)


def refusal(runner: Runner, predicate_type: str, services: tuple[str, ...], now: datetime) -> str | None:
    """Why this runner's word on this predicate about these services does not count now; None if it does."""
    if runner.revoked:
        return f"runner {runner.name} is revoked"
    if runner.not_after is not None and now >= runner.not_after:
        return f"runner {runner.name} is trusted until {runner.not_after:%Y-%m-%d %H:%M} UTC only"
    if not any(_covers(pattern, predicate_type) for pattern in runner.predicates):
        return f"runner {runner.name} is not trusted for {predicate_type}"
    if "*" in runner.services:
        return None
    others = sorted(set(services) - set(runner.services))
    if others or not services:
        return f"runner {runner.name} is not trusted for {', '.join(others) or 'changes that touch no service'}"
    return None


def _covers(pattern: str, predicate_type: str) -> bool:
    """Exact, or everything below a prefix that ends in ``/*``; ``*`` alone is everything."""
    if pattern == "*":
        return True
    return predicate_type.startswith(pattern[:-1]) if pattern.endswith("/*") else pattern == predicate_type


def _signers(envelope: Envelope, signature: Signature, runners: tuple[Runner, ...]) -> list[Runner]:
    claimed = [one for one in runners if one.key_id == signature.key_id]
    made = [
        one for one in claimed or runners if signature_holds(envelope, signature, load_public_key(one.public_key))
    ]
    if claimed and not made:
        raise InvalidInput(
            f"expected a signature by runner `{claimed[0].name}`, got one its key did not make",
            code="signature-wrong",
            hint="the file was altered after signing, or names another's key; get it again from the runner",
        )
    return made
