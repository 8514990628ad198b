"""The screens of ``interlock policy``: the rules, their cases, one rule, one decision with the facts it read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from interlock.core.policy.bundle import Bundle
from interlock.core.policy.explain import RuleExplained
from interlock.core.policy.policy import Layer, Policy
from interlock.doors.cli.text import cut, mark, pad, paint, plural, safe, short, width
from interlock.testing.cases import Verdict

Told = dict[str, Any]
_RULE, _PLACE = 28, 26


def linted(bundle: Bundle) -> Iterator[str]:
    """Every doubt about a policy, with its file and what to do; none is cut."""
    for lint in bundle.lints:
        yield f"{mark(met=False)} {lint.path}:{lint.line}: {lint.policy}: {safe(lint.message)}"
        yield f"  {safe(lint.remedy)}"


def checked(bundle: Bundle, now: datetime, *, more: int = 0) -> Iterator[str]:
    """The rules by layer, under one line that counts; ``more`` are doubts about something else than a policy."""
    count = len(bundle.lints) + more
    doubts = plural(count, "doubt") if count else "no doubts"
    forbids = _forbids(bundle)
    enforced = sum(_mode(policy, bundle) == "enforce" for policy in forbids)
    yield (
        f"{plural(len(forbids), 'rule')}, {doubts} · {enforced} enforced, {len(forbids) - enforced} observed"
        f" · bundle {short(bundle.digest)}"
    )
    for layer in bundle.layers:
        yield f"{layer.name}{_until(layer, now)}"
        yield from (_line(policy, bundle) for policy in forbids if policy.layer == layer.name)
    for freeze in bundle.freezes:
        yield f"freeze   {safe(freeze.name)}: {freeze.start:%Y-%m-%d %H:%M} until {freeze.end:%Y-%m-%d %H:%M} UTC"


def checked_json(bundle: Bundle) -> Told:
    """The same for programs."""
    return {
        "digest": bundle.digest,
        "rules": [_told(policy, bundle) for policy in _forbids(bundle)],
        "layers": [{"name": layer.name, "digest": layer.digest} for layer in bundle.layers],
        "freezes": [freeze.name for freeze in bundle.freezes],
        "doubts": [
            {"rule": lint.policy, "path": lint.path, "line": lint.line, "message": lint.message}
            for lint in bundle.lints
        ],
    }


def tested(bundle: Bundle, verdicts: list[Verdict], only: str | None) -> Iterator[str]:
    """Failures first, then a line for each rule."""
    failed = [verdict for verdict in verdicts if not verdict.held]
    for verdict in failed:
        yield f"{mark(met=False)} {verdict.case.rule}: {safe(verdict.case.name)}"
        yield f"  expected {_expected(verdict)}, got {_got(verdict)}"
    total = f"{len(verdicts) - len(failed)} of {plural(len(verdicts), 'case')} held"
    bare = [] if only else sorted(_bare(bundle, verdicts))
    yield total + (f" · without a case that refuses: {', '.join(bare)}" if bare else "")
    for rule in sorted({verdict.case.rule for verdict in verdicts}):
        mine = [verdict for verdict in verdicts if verdict.case.rule == rule]
        counts = [sum(one.case.expect == kind for one in mine) for kind in ("passes", "refused")]
        sign = mark(all(one.held for one in mine))
        yield f"  {sign} {pad(rule, _RULE)} {counts[0]} pass, {counts[1]} refused"


def tested_json(bundle: Bundle, verdicts: list[Verdict]) -> Told:
    """The same for programs."""
    return {
        "digest": bundle.digest,
        "cases": [
            {
                "name": verdict.case.name,
                "rule": verdict.case.rule,
                "expect": verdict.case.expect,
                "held": verdict.held,
                "outcome": verdict.decision.outcome,
                "reasons": [reason.id for reason in verdict.decision.reasons],
            }
            for verdict in verdicts
        ],
        "untested": sorted(_bare(bundle, verdicts)),
    }


def rule(found: RuleExplained, bundle: Bundle) -> Iterator[str]:
    """One rule: what it tells, where it stands, what it reads, and its own text."""
    policy = found.policy
    lifted = "nothing lifts it" if policy.protected else "an exception may lift it"
    yield f"{policy.id} · {policy.outcome} · {_mode(policy, bundle)} · layer {policy.layer} · {lifted}"
    if policy.effect == "forbid":
        yield f"says     {safe(policy.reason)}"
        yield f"remedy   {safe(policy.remedy)}"
    yield f"place    {policy.place.path}:{policy.place.line}"
    for name, meaning in found.reads:
        yield f"reads    {pad(name, 22)} {meaning}"
    yield ""
    yield from (f"  {safe(line)}" if line.strip() else "" for line in found.source.splitlines())


def rule_json(found: RuleExplained, bundle: Bundle) -> Told:
    """The same for programs."""
    return {
        **_told(found.policy, bundle),
        "remedy": found.policy.remedy,
        "reads": dict(found.reads),
        "source": found.source,
    }


def decided(decision: Told) -> Iterator[str]:
    """The outcome, then each rule that fired with the facts it read."""
    colour = {"allow": "green", "needs": "yellow"}.get(decision["outcome"], "red")
    marks = f" · {', '.join(decision['marks'])}" if decision.get("marks") else ""
    yield f"{paint(decision['outcome'], fg=colour, bold=True)}{marks} · bundle {short(decision['bundle_digest'])}"
    for reason in decision["reasons"]:
        yield from _reason(reason, mark(met=False))
    for reason in decision["observed"]:
        yield from _reason(reason, mark(met=None))
    met = [item["id"] for item in decision["obligations"] if item["met"]]
    if met:
        yield f"{mark(met=True)} met: {', '.join(met)}"


def _reason(reason: Told, sign: str) -> Iterator[str]:
    how = f"lifted by {reason['lifted_by']}" if reason["lifted_by"] else reason["mode"]
    yield f"{sign} {pad(reason['id'], _RULE)} {safe(reason['text'])}  ({how}, {reason['layer']})"
    read = ", ".join(f"{name}={_value(value)}" for name, value in reason["facts"].items())
    if read:
        yield cut(f"    because {read}", width())


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return safe(", ".join(map(str, value)) or "none") if isinstance(value, list) else safe(str(value))


def _forbids(bundle: Bundle) -> list[Policy]:
    return [policy for policy in bundle.policies.values() if policy.effect == "forbid"]


def _mode(policy: Policy, bundle: Bundle) -> str:
    return bundle.modes.of(policy, {"services": [], "tier": 0, "environment": ""})


def _line(policy: Policy, bundle: Bundle) -> str:
    sign = {"enforce": "enforced", "observe": "observed"}[_mode(policy, bundle)]
    place = f"{policy.place.path}:{policy.place.line}"
    return cut(f"  {sign} {pad(policy.id, _RULE)} {pad(place, _PLACE)} {safe(policy.reason)}", width())


def _told(policy: Policy, bundle: Bundle) -> Told:
    return {
        "id": policy.id,
        "outcome": policy.outcome,
        "mode": _mode(policy, bundle),
        "layer": policy.layer,
        "reason": policy.reason,
        "path": policy.place.path,
        "line": policy.place.line,
        "liftable": not policy.protected,
    }


def _until(layer: Layer, now: datetime) -> str:
    if not layer.spans:
        return ""
    start, end = min(span.start for span in layer.spans), max(span.end for span in layer.spans)
    left = "over" if now >= end else f"{plural((end - max(now, start)).days, 'day')} left"
    return f"  {start:%Y-%m-%d} until {end:%Y-%m-%d} ({left})"


def _expected(verdict: Verdict) -> str:
    return "the change to pass" if verdict.case.expect == "passes" else f"`{verdict.case.rule}` to refuse it"


def _got(verdict: Verdict) -> str:
    reasons = ", ".join(reason.id for reason in verdict.decision.reasons)
    return f"a refusal by {reasons}" if reasons else "no refusal"


def _bare(bundle: Bundle, verdicts: list[Verdict]) -> set[str]:
    refused = {verdict.case.rule for verdict in verdicts if verdict.case.expect == "refused"}
    return {policy.id for policy in _forbids(bundle)} - refused
