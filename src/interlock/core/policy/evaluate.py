"""One decision: every rule that fires at once, each with its reason and remedy.

Rules:
1. A forbid that fires is a reason. All of them are returned; an observed or lifted one is listed apart.
2. What fires when evidence and approvals are stripped is an obligation, met once it no longer fires. A reason
   that fires only with them is an obligation too, and unmet.
3. Cedar skips a forbid that errors and would then allow. Every error it reports, a request it cannot read, and
   an environment or service that the rules do not know deny, with that as the reason.
4. The answer holds until something it depends on may change by itself: at most ``LIFETIME``.
5. What is allowed and would not be without its canary plan is marked ``first-stage``: the plan is a promise, and
   nobody has seen yet that it is kept. Where no enforced rule asks for the plan, it binds nobody.
6. What a reviewer said can only add reasons (``tighten``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from interlock.core.change.canonical import sha256
from interlock.core.policy.bundle import Bundle
from interlock.core.policy.decision import Decision, Mode, Obligation, Outcome, Reason
from interlock.core.policy.engine import Fired
from interlock.core.policy.facts import Facts
from interlock.core.policy.policy import Policy
from interlock.core.policy.question import DecisionInput, Grant
from interlock.core.policy.render import fill, progress
from interlock.core.policy.request import facts_of
from interlock.core.policy.scope import in_scope
from interlock.core.policy.tighten import ask_both
from interlock.core.policy.written import written

LIFETIME = timedelta(minutes=15)
ENGINE_LAYER = "interlock"
"""The layer named by reasons that no policy gave."""
FIRST_STAGE = "first-stage"
"""The mark of a decision that rests on a canary plan."""

_UNREADABLE = "correct the name or text with the broken character, and submit the change again"
_DOMAIN = b"interlock.dev/decision-input/v1\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is judged beside the facts: the moment, the change and what was granted for it."""

    now: datetime
    change: str = ""
    grants: tuple[Grant, ...] = ()


def decide(given: DecisionInput, bundle: Bundle) -> Decision:
    """Whether the change may enter the environment, and all that it needs. Never raises for what it is given."""
    facts = facts_of(given, bundle.freezes)
    standing = Standing(now=given.now, change=given.change.id, grants=given.grants)
    ends = tuple(one.expires_at for one in given.evidence)
    return decide_facts(facts, bundle, standing, faults=_strangers(given), ends=ends)


def decide_facts(
    facts: Facts,
    bundle: Bundle,
    standing: Standing,
    *,
    faults: tuple[Reason, ...] = (),
    ends: tuple[datetime, ...] = (),
) -> Decision:
    """The decision over a record of facts. ``faults`` deny whatever the policies say; ``ends`` bound its life."""
    fired = ask_both(facts, bundle.engine)
    record, unreadable = _record(facts)
    firing: dict[str, Reason] = {}
    obligations: list[Obligation] = []
    for policy in _holding(fired, bundle, facts, standing.now):
        mode = bundle.modes.of(policy, facts)
        if policy.id in fired.rules:
            firing[policy.id] = _reason(policy, facts, mode, _lifting(policy, standing))
        obligations.append(_obligation(policy, facts, mode, firing.get(policy.id)))
    stopping = (one for one in firing.values() if one.mode == "enforce" and not one.lifted_by)
    reasons = (*_faults(fired), *unreadable, *faults, *stopping)
    return Decision(
        outcome=_outcome(reasons),
        reasons=reasons,
        observed=tuple(one for one in firing.values() if one.mode == "observe" or one.lifted_by),
        obligations=tuple(obligations),
        layers=tuple((layer.name, layer.digest) for layer in bundle.layers if layer.holds(standing.now)),
        bundle_digest=bundle.digest,
        input_digest=sha256(_DOMAIN + record),
        decided_at=standing.now,
        expires=_expiry(bundle, standing, ends),
        marks=(
            *_marks(facts, firing),
            *((FIRST_STAGE,) if not reasons and _rests_on_canary(facts, bundle, standing) else ()),
        ),
    )


def _rests_on_canary(facts: Facts, bundle: Bundle, standing: Standing) -> bool:
    """Whether an enforced rule that nobody lifted would stop the change if it had no canary plan."""
    if facts.get("canary_complete") is not True:
        return False
    fired = ask_both({**facts, "canary_complete": False, "canary_problems": ["no canary plan"]}, bundle.engine)
    return any(
        policy.id in fired.rules and bundle.modes.of(policy, facts) == "enforce" and not _lifting(policy, standing)
        for policy in _holding(fired, bundle, facts, standing.now)
    )


def _holding(fired: Fired, bundle: Bundle, facts: Facts, now: datetime) -> list[Policy]:
    found = [bundle.policies[name] for name in sorted(fired.rules | fired.stripped, key=bundle.order.__getitem__)]
    if not bundle.overlaid:
        return found
    return [p for p in found if (p.span is None or p.span.holds(now)) and in_scope(p.scope, facts)]


def _reason(policy: Policy, facts: Facts, mode: Mode, lifted_by: str | None) -> Reason:
    return Reason(
        id=policy.id,
        text=fill(policy.reason, facts),
        remedy=fill(policy.remedy, facts),
        layer=policy.layer,
        mode=mode,
        outcome=policy.outcome,
        facts={name: facts[name] for name in policy.reads if name in facts},  # type: ignore[misc]  # JSON values
        lifted_by=lifted_by,
    )


def _lifting(policy: Policy, standing: Standing) -> str | None:
    if policy.protected or not standing.grants:
        return None
    for grant in standing.grants:
        names = grant.change == standing.change and grant.rule in {policy.id, "*"}
        if names and standing.now < grant.expires_at:
            return grant.id
    return None


def _obligation(policy: Policy, facts: Facts, mode: Mode, reason: Reason | None) -> Obligation:
    lifted = f"lifted by {reason.lifted_by}" if reason and reason.lifted_by else ""
    return Obligation(
        id=policy.id,
        text=reason.text if reason else fill(policy.reason, facts),
        remedy=reason.remedy if reason else fill(policy.remedy, facts),
        met=reason is None,
        mode=mode,
        progress=lifted or progress(policy, facts),
    )


def _record(facts: Facts) -> tuple[bytes, tuple[Reason, ...]]:
    """The facts as bytes; those that no text can carry deny, for nobody else could read them."""
    text = written(facts)
    try:
        return text.encode(), ()
    except UnicodeEncodeError as error:
        why = f"the facts cannot be written as text: {error.reason}"
        return text.encode("utf-8", "surrogatepass"), (_fault("evaluation-error", why, _UNREADABLE),)


def _faults(fired: Fired) -> list[Reason]:
    found = [
        _fault("evaluation-error", text, "correct the policy: interlock policy check") for text in fired.errors
    ]
    if not fired.permitted and not fired.errors:
        found.append(_fault("no-permit", "no policy permits this", "a permit in policies/base must match"))
    return found


def _strangers(given: DecisionInput) -> tuple[Reason, ...]:
    found = []
    if given.environment not in given.settings.environments:
        known = ", ".join(sorted(given.settings.environments))
        text = f"environment {given.environment} is not in interlock.yaml"
        found.append(_fault("environment-unknown", text, f"name one of {known}, or add it to interlock.yaml"))
    named = {*given.change.services, *(touched.service for touched in given.description.blast.touched)}
    unknown = sorted(named - given.catalog.services.keys())
    if unknown:
        text = f"the catalog does not know {', '.join(unknown[:5])}"
        found.append(_fault("service-unknown", text, "add the service to the catalog: interlock catalog check"))
    return tuple(found)


def _fault(name: str, text: str, remedy: str) -> Reason:
    return Reason(
        id=name,
        text=text,
        remedy=remedy,
        layer=ENGINE_LAYER,
        mode="enforce",
        outcome=Outcome.DENY,
        facts={},
    )


def _outcome(reasons: tuple[Reason, ...]) -> Outcome:
    if any(one.outcome is Outcome.DENY for one in reasons):
        return Outcome.DENY
    return Outcome.NEEDS if reasons else Outcome.ALLOW


def _expiry(bundle: Bundle, standing: Standing, ends: tuple[datetime, ...]) -> datetime:
    soonest = standing.now + LIFETIME
    for edge in (*bundle.edges, *(grant.expires_at for grant in standing.grants), *ends):
        # Nearly every edge is far away, and comparing times of two zones is slow: that is asked first.
        if soonest > edge > standing.now:
            soonest = edge
    return soonest


def _marks(facts: Facts, firing: dict[str, Reason]) -> tuple[str, ...]:
    marks = [name for name in ("fast_lane", "one_person") if facts.get(name) is True]
    lifted = sorted({f"lifted:{one.lifted_by}" for one in firing.values() if one.lifted_by})
    return (*(name.replace("_", "-") for name in marks), *lifted)
