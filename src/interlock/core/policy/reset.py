"""The safety reset: a dated layer over the most critical services, for a time in which trust is rebuilt.

Rules:
1. A layer can only tighten: it holds forbids, enforces them whatever the base only observes, and ends by itself.
2. It takes force like every change of the rules: on the road, with its approvals. Writing the file is proposing.
3. The rules are the base's own words, so that nobody has to learn a second set; what base and layer both refuse
   is said twice, once by each. Like the base it asks nothing of a change of the rules alone that only what runs
   can show.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from interlock.core.change.errors import InvalidInput

MAX_DAYS = 366


@dataclass(frozen=True, slots=True)
class ResetRule:
    """One rule of the layer: its condition in Cedar beside the scope, and what it tells."""

    name: str
    says: str
    remedy: str
    condition: str
    outcome: str = "needs"
    extra: str = ""

    @property
    def plain(self) -> str:
        """What it tells, without the facts of a particular change."""
        return re.sub(r"\s*\(?:?\s*\{[a-z_]+\}\)?", "", self.says)


RULES: tuple[ResetRule, ...] = (
    ResetRule(
        "two-approvals",
        "two people who did not write it, with proof of presence",
        "interlock approve CHANGE, by {approvals_required} people who are no authors",
        "context.approvals_verified < context.approvals_required",
        extra='@progress("approvals_verified of approvals_required")\n@quorum("2 with director")\n',
    ),
    ResetRule(
        "senior-for-ai",
        "written with AI ({provenance}): a senior must approve",
        "interlock approve CHANGE, by a senior or above",
        "context.counts_as_ai && !context.one_person && context.senior_approvals < 1",
        extra='@progress("senior_approvals of 1")\n@quorum("2 with director")\n',
    ),
    ResetRule(
        "documentation",
        "plan, failure modes and rollback steps are not all written",
        "write them into change.md: interlock change checklist CHANGE --form",
        "!context.documented",
        extra='@quorum("2 with director")\n',
    ),
    ResetRule(
        "validated",
        "configuration that no validator looked at: {unvalidated}",
        "name a JSON Schema for it under validators in interlock.yaml",
        "!context.unvalidated.isEmpty()",
        extra='@quorum("2 with director")\n',
    ),
    ResetRule(
        "canary-plan",
        "canary plan: {canary_problems}",
        "write canary: with first_stage_percent, bake_minutes and metric into change.md",
        "!context.rules_only && !context.canary_complete",
        extra='@quorum("2 with director")\n',
    ),
    ResetRule(
        "rollback-rehearsed",
        "rollback rehearsed on this digest ({rehearsal})",
        "have a trusted runner rehearse it, then: interlock evidence add CHANGE REHEARSAL.dsse",
        '!context.rules_only && context.rehearsal != "shown"',
        extra='@quorum("2 with director")\n',
    ),
    ResetRule(
        "tests-pass",
        "required tests passed on this digest ({tests})",
        "interlock evidence add RESULTS.xml from a trusted runner",
        '!context.rules_only && context.tests != "shown"',
        extra='@quorum("2 with director")\n',
    ),
    ResetRule(
        "scanned",
        "scanned for new security findings ({scan})",
        "interlock evidence add SCAN.sarif from a trusted runner",
        '!context.rules_only && context.scan != "shown"',
        extra='@quorum("2 with director")\n',
    ),
    ResetRule(
        "director-audit",
        "a director must have looked at it",
        "interlock approve CHANGE, by a director or above; may be one of the two",
        "!context.one_person && context.director_approvals < 1",
        extra='@progress("director_approvals of 1")\n@quorum("2 with director")\n',
    ),
)


def reset_name(start: date, tier: int) -> str:
    """The layer's name: the first layer of a day over Tier-1 is plain ``reset-2026-03-09``."""
    return f"reset-{start.isoformat()}" if tier == 1 else f"reset-{start.isoformat()}-tier-{tier}"


def reset_layer(*, days: int, tier: int, start: date) -> str:
    """The text of the layer file: from ``start`` for ``days`` over changes of ``tier`` in production.

    Raises:
        InvalidInput: ``reset-days`` or ``reset-tier``.
    """
    if not 1 <= days <= MAX_DAYS:
        raise InvalidInput(
            f"expected 1 to {MAX_DAYS} days, got `{days}`",
            code="reset-days",
            hint="a reset ends; for rules that stay, change policies/base",
        )
    if tier not in {1, 2, 3}:
        raise InvalidInput(f"expected tier 1, 2 or 3, got `{tier}`", code="reset-tier", hint="--tier 1")
    name, end = reset_name(start, tier), start + timedelta(days=days)
    head = (
        f"// Safety reset: {days} days over Tier-{tier}, from {start.isoformat()} until {end.isoformat()}.\n"
        "// It only tightens, and ends by itself. It takes force as a change of its own, with its approvals.\n"
    )
    return head + "".join(_written(rule, name, start, end, tier) for rule in RULES)


def _written(rule: ResetRule, name: str, start: date, end: date, tier: int) -> str:
    return (
        f'\n@id("{name}-{rule.name}")\n'
        f'@outcome("{rule.outcome}")\n'
        f'@reason("reset until {end.isoformat()}: {rule.says}")\n'
        f'@remedy("{rule.remedy}")\n'
        f"{rule.extra}"
        '@mode("enforce")\n'
        f'@active_from("{start.isoformat()}")\n'
        f'@expires("{end.isoformat()}")\n'
        f'@scope("tier:{tier}")\n'
        "forbid (principal, action, resource)\n"
        f"when {{ context.production && {rule.condition} }};\n"
    )
