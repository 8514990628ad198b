"""Whether every widening that was no PASS was signed, judged anew from the ledger and the kept statements.

Rules:
1. A widening by itself says so in its entry (see ``went``); every other one names a statement that is kept, and
   says word by word what that statement says.
2. The signature is verified again over the kept bytes: by a key that was the named person's, and good, under the
   rules of that moment, which the entry names and the state keeps.
3. What was signed as not ruled out is worked out again from the newest observation before it, as its ticks lead
   to.
4. Nobody signed while harm was suspected, and at Tier-1 nobody who wrote the change.
5. A statement to widen without its widening is a difference too, as is a record that names other signatures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from interlock.core.approval.accept import check_signature
from interlock.core.approval.model import SignedStatement
from interlock.core.approval.principals import principals_of
from interlock.core.change.canonical import Json
from interlock.core.change.errors import (
    Conflict,
    Forbidden,
    IllegalTransition,
    InterlockError,
    InvalidInput,
    NotFound,
)
from interlock.core.policy.activation import Activation
from interlock.core.policy.rules import Rules, load_rules
from interlock.core.rollout.plan import Plan
from interlock.core.rollout.record import Observation, RolloutRecord
from interlock.core.rollout.widening import check_harm, check_said, details
from interlock.ports.store import Tx
from interlock.road.roll.asks import words
from interlock.road.roll.went import Unfounded, Went
from interlock.road.roll.widening import check_signer


def signed_widenings(
    tx: Tx, record: RolloutRecord, plan: Plan, seen: Sequence[Observation], people: Sequence[Went]
) -> int:
    """How many widenings people signed, each of ``people`` verified again.

    Raises:
        Unfounded: at the first that is not what was signed.
        IntegrityError: ``record-unvouched``.
    """
    kept = [_verified(tx, record, plan, seen, one) for one in people]
    handed_in = [entry for _, entry in tx.log.entries(record.id) if entry.kind == "statement.widen"]
    told = [str(entry.body.get("statement")) for entry in handed_in]
    if told != [one.id for one in kept]:
        raise Unfounded("the ledger tells of statements to widen that are not those by which it went wider")
    if [one.statement for one in record.widenings] != told:
        raise Unfounded("the record names other signatures than the ledger")
    return len(kept)


def _verified(
    tx: Tx, record: RolloutRecord, plan: Plan, seen: Sequence[Observation], went: Went
) -> SignedStatement:
    body = went.body
    named = body.get("statement")
    if not isinstance(named, str):
        raise Unfounded(f"it went wider by the word of `{str(body.get('by'))[:60]}`, which nobody signed")
    try:
        signed = tx.records(SignedStatement).get(named)
    except NotFound as error:
        raise Unfounded(f"`{named}`, by which it went wider, is not kept") from error
    tx.vouch(SignedStatement, [named], about=record.id)
    for name, value in _told(signed).items():
        if body.get(name) != value:
            raise Unfounded(f"`{named}`: the {name} is not what the ledger tells of the widening")
    try:
        _check(tx, record, plan, seen, signed, went)
    except (Conflict, Forbidden, IllegalTransition, InvalidInput) as error:
        raise Unfounded(f"`{named}`: {error.message}") from error
    except Unfounded as error:
        raise Unfounded(f"`{named}`: {error.text}") from error
    return signed


def _check(
    tx: Tx, record: RolloutRecord, plan: Plan, seen: Sequence[Observation], signed: SignedStatement, went: Went
) -> None:
    said = signed.statement
    wanted = details(plan, went.left, said.details.get("not_ruled_out", ""), said.details.get("why", ""))
    if signed.used_by != record.id or said.details != wanted:
        raise Unfounded("it was signed for another step than the one that was taken")
    rules = _rules(tx, went.body.get("rules"))
    principals = principals_of(rules.catalog)
    moments = (said.issued_at, signed.received_at)
    verified = check_signature(said, signed.signature, principals=principals, moments=moments)
    if (verified.fingerprint, verified.presence) != (signed.fingerprint, signed.presence):
        raise Unfounded("the record contradicts its signature: key or presence differ")
    number = went.body.get("observation")
    if number not in {None, went.newest}:
        raise Unfounded(f"it was signed over observation {number}, the newest then was {went.newest}")
    standing = seen[went.newest].standing if isinstance(number, int) else None
    then = replace(record, stage=went.left, log_e=0.0)
    check_said(said, then, plan, words(plan, went.left, standing))
    check_harm(then, seen[went.newest].standing if went.newest >= 0 else None)
    check_signer(tx, record, rules, said.approver)


def _told(signed: SignedStatement) -> dict[str, Json]:
    """What the entry of a widening repeats of its statement."""
    said = signed.statement
    return {
        "by": said.approver,
        "why": said.details.get("why"),
        "not_ruled_out": said.details.get("not_ruled_out"),
        "fingerprint": signed.fingerprint,
        "presence": signed.presence,
        "signature": signed.signature,
    }


def _rules(tx: Tx, digest: Json) -> Rules:
    """The rules of this digest, from the files that are kept of them."""
    for activation in tx.records(Activation).find(digest=str(digest)):
        try:
            rules = load_rules({path: tx.blob(blob) for path, blob in activation.files.items()})
        except InterlockError as error:
            raise Unfounded(f"the rules of that moment cannot be read: {error.message}") from error
        if rules.digest == digest:
            return rules
    raise Unfounded(f"the rules of that moment, `{str(digest)[:19]}…`, are not kept")
