"""A person's signed widening: what its statement says, and whether that is what is true now. Pure.

Rules:
1. The statement names the rollout, the digest and environment of its ticket, the one stage it goes to, what is
   *not* ruled out in the record's own words, and why. It says nothing besides.
2. It holds for the stage it names and no other. Stages only grow: what was signed about an earlier one is about
   what is over, and two people who sign for the same stage take it one stage further.
3. The words must be the record's when the statement arrives. What is counted meanwhile may change them; then they
   are signed anew.
4. Nobody widens what cannot be believed, or a weight that is not served; pausing and resuming change nothing about
   that. Nobody widens what somebody paused: whoever saw trouble is not overruled by what was signed before.
5. It is for a stage that baked, or cannot pass in its time: a signature replaces the PASS, never the watching.
6. While evidence of harm is at 10 : 1 or above the judge itself passes nothing, and a sentence about what is not
   ruled out would conceal what is suspected: nobody widens.
7. At Tier-1 whoever wrote the change does not answer for what it may do, as with an approval. Where there is one
   person only, that person does.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from interlock.core.approval.model import Presence, SignedStatement, Statement
from interlock.core.change.canonical import Json
from interlock.core.change.catalog import Tier
from interlock.core.change.errors import Conflict, Forbidden, IllegalTransition, InvalidInput
from interlock.core.change.settings import Settings
from interlock.core.change.submission_check import check_reason
from interlock.core.judge.arithmetic import exact_log
from interlock.core.judge.told import harm_told
from interlock.core.judge.verdict import Standing
from interlock.core.rollout.plan import Plan
from interlock.core.rollout.record import RolloutRecord, RolloutState, SignedWidening
from interlock.core.rollout.transition import FULL, Move, not_now, widened

WIDEN = "widen"
DETAILS = frozenset({"stage", "percent", "not_ruled_out", "why"})
PROMOTION = "promotion"
"""Where the last stage leads."""
DOUBT = exact_log(10.0)
"""Nats of evidence of harm at which the judge passes nothing any more."""
_MOST_NATS = 50.0


def check_open(record: RolloutRecord) -> None:
    """Pass a rollout that a person could widen now.

    Raises:
        IllegalTransition: ``rollout-state``.
    """
    if record.state not in {RolloutState.RUNNING, RolloutState.HELD} or record.phase != "watch":
        raise not_now(record, "a rollout that is being judged")
    if "untrusted" in {record.hold, record.verdict}:
        raise not_now(record, "a rollout whose measurements can be believed")
    if record.served != record.wanted:
        raise not_now(record, f"a rollout whose {record.wanted:g} % are served")
    if record.hold == "paused":
        again = f"if it may go on: interlock rollout resume {record.id}"
        raise not_now(record, "a rollout that nobody paused", again)


def check_baked(record: RolloutRecord, plan: Plan) -> None:
    """Pass a stage that was watched for as long as its plan says, or that cannot pass in its time.

    Raises:
        IllegalTransition: ``widening-early``.
    """
    bake = plan.stages[record.stage].bake
    if record.hold == "no-pass" or record.baked >= bake:
        return
    raise IllegalTransition(
        f"expected a stage that baked {bake:g} s, got `{record.id}` whose stage {record.stage + 1} baked "
        f"{record.baked:.0f} s",
        code="widening-early",
        hint="wait for it: a signature is for a stage that was watched and cannot pass",
    )


def check_harm(record: RolloutRecord, standing: Standing | None) -> None:
    """Pass a rollout without more evidence of harm than the judge itself passes with.

    Raises:
        IllegalTransition: ``widening-harm``.
    """
    log_e = max(record.log_e, standing.log_e if standing is not None else record.log_e)
    if log_e < DOUBT:
        return
    seen = f": {_suspected(standing)}" if standing is not None and standing.metrics else ""
    raise IllegalTransition(
        f"expected evidence of harm below 10 : 1, got {math.exp(min(log_e, _MOST_NATS)):,.0f} : 1 for "
        f"`{record.id}`{seen}",
        code="widening-harm",
        hint=f"harm is suspected: interlock rollout abort {record.id}, or wait until it is proven or gone",
    )


def check_author(person: str, authors: Collection[str], tier: Tier) -> None:
    """Pass a signer who did not write what goes wider, where it is as critical as can be.

    ``authors`` is closed over everybody who is one principal with one of them.

    Raises:
        Forbidden: ``widening-author``.
    """
    if tier is not Tier.ONE or person not in authors:
        return
    raise Forbidden(
        f"expected somebody who did not write the change, got `{person}`, one of its authors",
        code="widening-author",
        hint="at Tier-1 somebody else answers for what is not ruled out",
    )


def _suspected(standing: Standing) -> str:
    """What the evidence is about, with counts and estimate."""
    name = max(sorted(standing.metrics), key=lambda each: standing.metrics[each].log_e)
    one = standing.metrics[name]
    return harm_told(
        name,
        estimate=one.estimate,
        at_least=1.0 if one.canary > one.expected else 0.0,
        canary=one.canary,
        expected=one.expected,
    )


def check_why(why: str) -> None:
    """Pass a reason that people can read.

    Raises:
        InvalidInput: ``reason-missing`` or ``reason-text``.
    """
    if not why.strip():
        raise InvalidInput("expected a reason, got none", code="reason-missing", hint="say why: --why")
    check_reason(why, "--why")


def details(plan: Plan, stage: int, words: str, why: str) -> dict[str, str]:
    """What a statement says to take a rollout from ``stage``, counted from 0, one further."""
    where, percent = following(plan, stage)
    return {"stage": where, "percent": percent, "not_ruled_out": words, "why": why}


def following(plan: Plan, stage: int) -> tuple[str, str]:
    """The stage after this one as people count (``2 of 4``), and its percent."""
    if stage + 1 >= len(plan.stages):
        return PROMOTION, f"{FULL:g}"
    return f"{stage + 2} of {len(plan.stages)}", f"{plan.stages[stage + 1].percent:g}"


def check_next(said: Statement, record: RolloutRecord, plan: Plan) -> None:
    """Pass a statement about what this rollout may do next; of two for the same stage the second one is refused.

    What is over, or on its way back, is told by what it is.

    Raises:
        InvalidInput: ``widening-bound``.
        Conflict: ``widening-moved``.
    """
    if record.state not in {RolloutState.RUNNING, RolloutState.HELD}:
        return
    _check_bound(said, record)
    _check_stage(said, record, plan)
    _check_waits(said, record)


def check_said(said: Statement, record: RolloutRecord, plan: Plan, words: str) -> None:
    """Pass a statement to widen that is about this rollout as it is now.

    Raises:
        InvalidInput: ``widening-bound`` for another rollout, digest or place, or when more or less is said;
            ``widening-words`` when the record says something else by now; ``reason-missing`` or ``reason-text``.
        Conflict: ``widening-moved`` for another stage than the next one.
    """
    _check_bound(said, record)
    _check_stage(said, record, plan)
    signed_for = said.details["not_ruled_out"]
    if signed_for != words:
        raise InvalidInput(
            f"expected what is not ruled out in its own words, `{words}`, got `{signed_for[:120]}`",
            code="widening-words",
            hint=f"what was counted meanwhile changed it; sign anew: interlock rollout widen {record.id}",
        )
    check_why(said.details["why"])


def _check_stage(said: Statement, record: RolloutRecord, plan: Plan) -> None:
    where, percent = following(plan, record.stage)
    if (said.details["stage"], said.details["percent"]) != (where, percent):
        signed = f"{said.details['stage']} ({said.details['percent']} %)"
        raise Conflict(
            f"expected a widening of `{record.id}` to {where} ({percent} %), got one to `{signed[:80]}`",
            code="widening-moved",
            hint=f"look where it stands, and sign anew if it shall go on: interlock rollout show {record.id}",
        )


def check_presence(presence: Presence, tier: Tier, settings: Settings) -> None:
    """Pass a signature that is worth as much as the settings ask of one at this tier.

    Raises:
        Forbidden: ``widening-presence``.
    """
    allowed = settings.trust.software_keys
    if presence == "verified" or allowed == "all" or (allowed == "below-tier-1" and tier is not Tier.ONE):
        return
    raise Forbidden(
        f"expected a signature that shows a person was there, got one with presence `{presence}`",
        code="widening-presence",
        hint="sign with a security key made with -O verify-required, or say in trust.software_keys what counts",
    )


def widen(
    record: RolloutRecord, plan: Plan, signed: SignedStatement, now: datetime, *, more: Mapping[str, Json]
) -> Move:
    """One stage further by a statement that was checked; ``more`` is told in the entry beside it."""
    said = signed.statement
    body: dict[str, Json] = {
        "by": said.approver,
        "why": said.details["why"],
        "not_ruled_out": said.details["not_ruled_out"],
        "statement": signed.id,
        "fingerprint": signed.fingerprint,
        "presence": signed.presence,
        "signature": signed.signature,
        **more,
    }
    move = widened(record, plan, record.ruled_out, now, body=body)
    kept = SignedWidening(
        stage=said.details["stage"],
        percent=said.details["percent"],
        by=said.approver,
        statement=signed.id,
        fingerprint=signed.fingerprint,
        presence=signed.presence,
        not_ruled_out=said.details["not_ruled_out"],
        why=said.details["why"],
        at=now,
    )
    return replace(move, record=replace(move.record, widenings=(*record.widenings, kept)))


def _check_bound(said: Statement, record: RolloutRecord) -> None:
    about = (said.purpose, said.subject, said.digest, said.environment)
    if about != (WIDEN, record.id, record.digest, record.environment):
        raise _unbound(record, f"one to {said.purpose} `{said.subject[:40]}` {said.digest[:19]}… there")
    if set(said.details) != DETAILS or said.answers:
        named = ", ".join(sorted({*said.details, *said.answers}))
        raise _unbound(record, f"one that says `{named[:120]}`")


def _unbound(record: RolloutRecord, got: str) -> InvalidInput:
    return InvalidInput(
        f"expected a widening of `{record.id}` {record.digest[:19]}… in `{record.environment}` that names "
        f"{', '.join(sorted(DETAILS))}, got {got}",
        code="widening-bound",
        hint=f"sign what is prepared, unchanged: interlock rollout widen {record.id} --why '…'",
    )


def _check_waits(said: Statement, record: RolloutRecord) -> None:
    if said.details["stage"] == PROMOTION and record.phase not in {"watch", "weigh"}:
        raise Conflict(
            f"expected a widening that is still to come, got `{record.id}` which is being promoted already",
            code="widening-moved",
            hint=f"nothing is left to sign: interlock rollout show {record.id}",
        )
