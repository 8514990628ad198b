"""Station 7, report: look back. Here: what the rules would have said of changes that already went out.

Rules:
1. History carries no approvals and no evidence of ours, so rules about those count as "would have asked"; rules
   about content count as what they are. The report keeps the two apart.
2. A past change that cannot be read is counted and named, never dropped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from interlock.core.approval.model import Tally
from interlock.core.change.change import Change, Recipe
from interlock.core.change.errors import InterlockError
from interlock.core.facts.describe import describe
from interlock.core.facts.survey import PastChange
from interlock.core.policy.decision import Decision, Mode, Outcome, Reason
from interlock.core.policy.evaluate import decide
from interlock.core.policy.policy import Policy
from interlock.core.policy.question import DecisionInput
from interlock.core.policy.rules import Rules
from interlock.road.describe import Toolbox, read

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastJudgement:
    """One past change as today's rules see it; ``error`` says why it could not be judged."""

    change: PastChange
    provenance: str = ""
    tier: int | None = None
    files: int = 0
    lines: int = 0
    reached: int = 0
    fired: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCount:
    """How often a rule would have spoken; ``asks`` when approvals or evidence would have met it."""

    id: str
    text: str
    times: int
    asks: bool
    mode: Mode
    example: PastChange | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookBack:
    """The whole look-back.

    ``quiet`` are rules about content that spoke for no past change: the history shows that they can be enforced
    at once. Rules that ask for people or evidence are never among them; no history of git can show those.
    """

    since: datetime
    judged: tuple[PastJudgement, ...]
    unreadable: tuple[PastJudgement, ...]
    rules: tuple[RuleCount, ...]
    quiet: tuple[str, ...]
    provenance: dict[str, int]


def look_back(
    toolbox: Toolbox, root: Path, rules: Rules, past: Sequence[PastChange], *, since: datetime, progress: Progress
) -> LookBack:
    """What the rules would have said of each past change, and how often each rule."""
    judged: list[PastJudgement] = []
    examples: dict[str, tuple[Reason, PastChange]] = {}
    for number, change in enumerate(past, start=1):
        progress(number, len(past))
        judgement, decision = _judged(toolbox, root, rules, change)
        judged.append(judgement)
        if decision is not None:
            for reason in (*decision.reasons, *decision.observed):
                examples.setdefault(reason.id, (reason, change))
    readable = tuple(item for item in judged if not item.error)
    return LookBack(
        since=since,
        judged=readable,
        unreadable=tuple(item for item in judged if item.error),
        rules=tuple(_counts(readable, examples, rules)),
        quiet=_quiet(rules, frozenset(examples)) if readable else (),
        provenance=dict(Counter(item.provenance for item in readable)),
    )


def _judged(toolbox: Toolbox, root: Path, rules: Rules, past: PastChange) -> tuple[PastJudgement, Decision | None]:
    recipe = Recipe(reader="git", arguments={"base": past.base, "head": past.head})
    try:
        submission = read(toolbox, root, (recipe,), rules.settings)
        description = describe(submission, catalog=rules.catalog, settings=rules.settings)
    except InterlockError as error:
        return PastJudgement(change=past, error=error.message), None
    change = Change(
        id="past",
        title=past.subject,
        change_class="normal",
        services=tuple(sorted(item.service for item in description.blast.touched)),
        submission=submission,
        digest=submission.digest,
        opened_by=past.author.email,
        opened_at=past.at,
    )
    given = DecisionInput(
        change=change,
        description=description,
        tally=Tally(),
        evidence=(),
        environment=next(name for name, place in rules.settings.environments.items() if place.production),
        settings=rules.settings,
        catalog=rules.catalog,
        now=past.at,
        offered_digest=submission.digest,
    )
    decision = decide(given, rules.bundle)
    fired = tuple(reason.id for reason in (*decision.reasons, *decision.observed))
    return (
        PastJudgement(
            change=past,
            provenance=description.provenance.kind.value,
            tier=description.blast.tier,
            files=description.size.files,
            lines=description.size.added + description.size.removed,
            reached=len(description.blast.reached),
            fired=fired,
            findings=tuple(f"{item.path}: {item.message}" for item in description.checked.failures),
        ),
        decision,
    )


def _quiet(rules: Rules, spoke: frozenset[str]) -> tuple[str, ...]:
    policies = rules.bundle.policies.values()
    about_content = {one.id for one in policies if _about_content(one)}
    return tuple(sorted(about_content - spoke))


def _about_content(policy: Policy) -> bool:
    return policy.effect == "forbid" and policy.outcome is Outcome.DENY and not policy.protected


def _counts(
    judged: Sequence[PastJudgement], examples: dict[str, tuple[Reason, PastChange]], rules: Rules
) -> Iterator[RuleCount]:
    times = Counter(name for item in judged for name in item.fired)
    for name, count in times.most_common():
        reason, example = examples[name]
        policy = rules.bundle.policies.get(name)
        yield RuleCount(
            id=name,
            text=reason.text,
            times=count,
            asks=policy is not None and policy.outcome is Outcome.NEEDS,
            mode=reason.mode,
            example=example,
        )
