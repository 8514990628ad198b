"""One decision: every rule that fires at once, each with its reason and remedy.

Rules:
1. A forbid that fires is a reason. All of them are returned; an observed or lifted one is listed apart.
2. What fires when evidence and approvals are stripped is an obligation, met once it no longer fires. A reason
   that fires only with them is an obligation too, and unmet.
3. Cedar skips a forbid that errors and would then allow. Every error it reports, a request it cannot read, an
   environment or service that the rules do not know, and a bundle without policies deny, with that as reason.
4. The answer holds until something it depends on may change by itself: at most ``LIFETIME``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import cedarpy

from interlock.core.change.canonical import sha256
from interlock.core.policy.bundle import Bundle
from interlock.core.policy.decision import Decision, Mode, Obligation, Outcome, Reason
from interlock.core.policy.facts import ACTION, FACTS, PRINCIPALS, Facts, FactValue
from interlock.core.policy.policy import Policy
from interlock.core.policy.question import DecisionInput, Grant
from interlock.core.policy.request import facts_of, written
from interlock.core.policy.scope import in_scope

LIFETIME = timedelta(minutes=15)
ENGINE_LAYER = "interlock"
"""The layer named by reasons that no policy gave."""

_ACTION = {"type": "Action", "id": ACTION}
_DOMAIN = b"interlock.dev/decision-input/v1\x00"


@dataclass(frozen=True, slots=True)
class Fired:
    """What Cedar said about one set of facts: forbids that fired, whether a permit held, what went wrong."""

    rules: frozenset[str]
    permitted: bool
    errors: tuple[str, ...]


def decide(given: DecisionInput, bundle: Bundle) -> Decision:
    """Whether the change may enter the environment, and all that it needs. Never raises for what it is given."""
    facts, stripped = facts_of(given, bundle.freezes)
    text = written(facts)
    full, bare = _ask(given.actor_name, str(facts["actor"]), (text, written(stripped)), bundle)
    rules = _holding(full.rules, bundle, facts, given.now)
    fired = [_reason(policy, facts, bundle.modes.of(policy, facts), given) for policy in rules]
    faults = [*_faults(full, bare), *_strangers(given)]
    reasons = (*faults, *(one for one in fired if one.mode == "enforce" and not one.lifted_by))
    return Decision(
        outcome=_outcome(reasons),
        reasons=reasons,
        observed=tuple(one for one in fired if one.mode == "observe" or one.lifted_by),
        obligations=_obligations(
            _holding(full.rules | bare.rules, bundle, facts, given.now), fired, facts, bundle
        ),
        layers=tuple((layer.name, layer.digest) for layer in bundle.layers if layer.holds(given.now)),
        bundle_digest=bundle.digest,
        input_digest=sha256(_DOMAIN + text.encode("utf-8", "backslashreplace")),
        decided_at=given.now,
        expires=_expiry(given, bundle),
        marks=_marks(facts, fired),
    )


def _ask(name: str, actor: str, texts: tuple[str, str], bundle: Bundle) -> tuple[Fired, Fired]:
    principal = {"type": PRINCIPALS[actor], "id": name}
    resource = {"type": "Change", "id": ""}
    questions = [
        {"principal": principal, "action": _ACTION, "resource": resource, "context": text} for text in texts
    ]
    try:
        answers = cedarpy.is_authorized_batch(questions, bundle.engine, bundle.entities)
    except (ValueError, TypeError, UnicodeError) as error:
        broken = Fired(frozenset(), permitted=False, errors=(f"the request could not be read: {error}",))
        return broken, broken
    full, bare = (_fired(answer, bundle) for answer in answers)
    return full, bare


def _fired(answer: cedarpy.AuthzResult, bundle: Bundle) -> Fired:
    named = answer.diagnostics.reasons
    rules = frozenset(name for name in named if bundle.policies[name].effect == "forbid")
    errors = list(answer.diagnostics.errors)
    if answer.decision is cedarpy.Decision.NoDecision and not errors:
        errors = ["the policy engine gave no decision"]
    return Fired(rules, permitted=len(rules) < len(named), errors=tuple(errors))


def _holding(rules: Iterable[str], bundle: Bundle, facts: Facts, now: datetime) -> list[Policy]:
    found = (bundle.policies[name] for name in bundle.policies if name in frozenset(rules))
    return [p for p in found if (p.span is None or p.span.holds(now)) and in_scope(p.scope, facts)]


def _reason(policy: Policy, facts: Facts, mode: Mode, given: DecisionInput) -> Reason:
    return Reason(
        id=policy.id,
        text=fill(policy.reason, facts),
        remedy=fill(policy.remedy, facts),
        layer=policy.layer,
        mode=mode,
        outcome=policy.outcome,
        facts={name: facts[name] for name in policy.reads if name in facts},  # type: ignore[dict-item]  # all JSON
        lifted_by=_lifting(policy, given),
    )


def _lifting(policy: Policy, given: DecisionInput) -> str | None:
    if policy.protected:
        return None
    for grant in given.grants:
        if _covers(grant, policy.id, given):
            return grant.id
    return None


def _covers(grant: Grant, rule: str, given: DecisionInput) -> bool:
    return grant.change == given.change.id and grant.rule in {rule, "*"} and given.now < grant.expires_at


def fill(template: str, facts: Mapping[str, FactValue]) -> str:
    """``template`` with each ``{fact}`` replaced by its value, sets joined by commas."""
    if "{" not in template:
        return template
    return template.format_map({name: _shown(facts.get(name)) for name in FACTS})


def _shown(value: FactValue | None) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, list):
        more = f" and {len(value) - 3} more" if len(value) > 3 else ""  # noqa: PLR2004  # fits one line
        return ", ".join(value[:3]) + more if value else "none"
    return str(value)


def _faults(full: Fired, bare: Fired) -> list[Reason]:
    errors = sorted({*full.errors, *bare.errors})
    found = [_fault("evaluation-error", text, "correct the policy: interlock policy check") for text in errors]
    if not full.permitted and not errors:
        found.append(_fault("no-permit", "no policy permits this", "a permit in policies/base must match"))
    return found


def _strangers(given: DecisionInput) -> list[Reason]:
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
    return found


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


def _obligations(
    policies: list[Policy], fired: list[Reason], facts: Facts, bundle: Bundle
) -> tuple[Obligation, ...]:
    firing = {one.id: one for one in fired}
    return tuple(
        Obligation(
            id=policy.id,
            text=fill(policy.reason, facts),
            remedy=fill(policy.remedy, facts),
            met=policy.id not in firing,
            mode=bundle.modes.of(policy, facts),
            progress=_progress(policy, firing.get(policy.id), facts),
        )
        for policy in policies
    )


def _progress(policy: Policy, reason: Reason | None, facts: Facts) -> str:
    if reason and reason.lifted_by:
        return f"lifted by {reason.lifted_by}"
    if policy.progress is None:
        return ""
    shown, total = policy.progress
    return f"{_shown(facts.get(shown))} of {total if total.isdigit() else _shown(facts.get(total))}"


def _expiry(given: DecisionInput, bundle: Bundle) -> datetime:
    spans = [policy.span for policy in bundle.policies.values() if policy.span]
    edges = [
        *(edge for span in spans for edge in (span.start, span.end)),
        *(edge for freeze in bundle.freezes for edge in (freeze.start, freeze.end)),
        *(grant.expires_at for grant in given.grants),
        *(one.expires_at for one in given.evidence),
    ]
    return min([given.now + LIFETIME, *(edge for edge in edges if edge > given.now)])


def _marks(facts: Facts, fired: list[Reason]) -> tuple[str, ...]:
    marks = [name for name, fact in (("fast-lane", "fast_lane"), ("one-person", "one_person")) if facts[fact]]
    return (*marks, *sorted({f"lifted:{one.lifted_by}" for one in fired if one.lifted_by}))
