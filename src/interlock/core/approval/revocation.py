"""Taking a signed statement back: who may, and until when.

Rules:
1. Taking back only ever tightens, so it is easier than giving: the token of the person who signed suffices, where
   signing takes their key. So does the token of whoever lent the voice: ``on_behalf_of``.
2. An administrator may take back anybody's word (a stolen key, somebody who left), and says why.
3. An absence is taken back by the absent person alone: nobody else says that they are there again.
4. Never by an agent or a pipeline, whoever it answers to. Rank and ownership give no right over another's word.
5. What is over is not taken back: what has expired, what was taken back before, the first rules once they were
   signed, a key that the rules in force list already, a widening, which was done when it arrived. What a ticket
   was redeemed with is: it counts nowhere again, and the record says so, although what went out stays out.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from interlock.core.approval.actor import Actor, Scope
from interlock.core.approval.enrolment import enrolment_digest
from interlock.core.approval.identity import kind_of
from interlock.core.approval.model import SignedStatement
from interlock.core.approval.principals import Principals
from interlock.core.change.catalog import Catalog, PublicKey
from interlock.core.change.errors import Forbidden, IllegalTransition, InvalidInput
from interlock.core.change.submission_check import check_reason

Right = Literal["approver", "lender", "administrator"]
"""By which right a statement was taken back."""

Standing = Literal["in-force", "used", "expired", "taken-back"]
"""``used``: the ticket it was used for was redeemed, or the rollout it is about went wider by it."""


def right_of(actor: Actor, signed: SignedStatement, principals: Principals) -> Right:
    """By which right ``actor`` takes ``signed`` back.

    Raises:
        Forbidden: ``agent-never``, ``scope-missing``, ``revocation-by-machine`` or ``statement-not-yours``.
    """
    actor.require(Scope.APPROVE)
    _refuse_machines(actor, principals)
    said = signed.statement
    mine = principals.same(principals.person(actor.principal) or "") - {""}
    if said.approver in mine:
        return "approver"
    if said.on_behalf_of in mine:
        return "lender"
    if Scope.ADMIN not in actor.scopes or said.purpose == "absence":
        raise _not_theirs(actor, signed)
    return "administrator"


def check_why(right: Right, signed: SignedStatement, why: str) -> None:
    """Pass a reason that people can read; an administrator must give one, others may.

    Raises:
        InvalidInput: ``reason-missing`` or ``reason-text``.
    """
    if why:
        check_reason(why)
    elif right == "administrator":
        raise InvalidInput(
            f"expected a reason for taking back the word of `{signed.statement.approver}`, got none",
            code="reason-missing",
            hint="say why in plain words: --reason '…'",
        )


def check_open(signed: SignedStatement, catalog: Catalog, now: datetime) -> None:
    """Pass a statement that still counts, or could.

    Raises:
        IllegalTransition: ``statement-taken-back``, ``statement-over`` or ``statement-settled``.
    """
    said = signed.statement
    if signed.revoked_at is not None:
        raise _over(
            signed,
            f"one that `{signed.revoked_by}` took back on {signed.revoked_at:%Y-%m-%d %H:%M} UTC",
            "statement-taken-back",
            "nothing is left to do",
        )
    if now >= said.expires_at:
        got = f"one that expired on {said.expires_at:%Y-%m-%d %H:%M} UTC"
        raise _over(signed, got, "statement-over", "nothing is left to do: it counts nowhere")
    if said.purpose == "genesis":
        hint = "change the rules on the road: open a change that touches the rule files"
        raise _over(signed, "one that brought the first rules about", "statement-settled", hint)
    if said.purpose == "widen":
        hint = f"keep it from going on, or bring it back: interlock rollout pause|abort {said.subject}"
        raise _over(signed, f"one by which `{said.subject}` went wider at once", "statement-settled", hint)
    listed = catalog.people[said.subject].keys if said.subject in catalog.people else ()
    if said.purpose == "key-enrolment" and said.digest in _digests(listed):
        hint = "revoke the key in the catalog: add `revoked` to its line, and open that change"
        raise _over(signed, "one whose key the rules in force list", "statement-settled", hint)


def taken_back_text(signed: SignedStatement) -> str:
    """``taken back by `ana` on …: why``, for a statement that was."""
    by = f" by `{signed.revoked_by}`" if signed.revoked_by else ""
    on = f" on {signed.revoked_at:%Y-%m-%d %H:%M} UTC" if signed.revoked_at else ""
    return f"taken back{by}{on}{f': {signed.revoked_why}' if signed.revoked_why else ''}"


def standing_of(signed: SignedStatement, *, redeemed: bool, now: datetime) -> Standing:
    """How a statement stands; ``redeemed``: the ticket that used it was used, or the rollout went wider."""
    if signed.revoked_at is not None:
        return "taken-back"
    if redeemed:
        return "used"
    return "expired" if now >= signed.statement.expires_at else "in-force"


def _refuse_machines(actor: Actor, principals: Principals) -> None:
    machine = actor.kind != "person" or kind_of(actor.principal) in {"agent", "pipeline"}
    if machine or principals.is_agent(actor.principal):
        raise Forbidden(
            f"expected a person to take a statement back, got `{actor.principal[:80]}`",
            code="revocation-by-machine",
            hint="run interlock statement take-back yourself, with a token of your own",
        )


def _not_theirs(actor: Actor, signed: SignedStatement) -> Forbidden:
    said = signed.statement
    who = f"`{said.approver}`" + (f" or `{said.on_behalf_of}`" if said.on_behalf_of else "")
    absent = said.purpose == "absence"
    return Forbidden(
        f"expected {who} to take back `{signed.id}`, got `{actor.principal[:80]}`",
        code="statement-not-yours",
        hint="only the absent person says that they are there again"
        if absent
        else "ask them, or an administrator",
    )


def _over(signed: SignedStatement, got: str, code: str, hint: str) -> IllegalTransition:
    return IllegalTransition(f"expected `{signed.id}` to be in force, got {got}", code=code, hint=hint)


def _digests(keys: Iterable[PublicKey]) -> frozenset[str]:
    return frozenset(found for key in keys for found in _digest(key))


def _digest(key: PublicKey) -> tuple[str, ...]:
    try:
        return () if key.revoked else (enrolment_digest(key.line),)
    except InvalidInput:  # a line that is no key counts for nobody; `catalog check` reports it
        return ()
