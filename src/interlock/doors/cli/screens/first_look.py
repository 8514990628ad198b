"""What ``interlock init`` says: what it wrote, and what the rules would have said of the past."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from interlock.doors.cli.screens.columns import MARGIN, beside, told
from interlock.doors.cli.text import cut, hung, mark, pad, plural, safe, width

if TYPE_CHECKING:
    from interlock.core.policy.starter import Starter
    from interlock.road.report import LookBack, PastJudgement, RuleCount

MOST_RULES = 12
MOST_FINDINGS = 5
LATEST = 8
"""Columns at the right for the newest merge that a rule would have spoken about."""


def first_look(
    written: Starter,
    report: LookBack | None,
    *,
    days: int,
    dry_run: bool,
    standing: tuple[str, ...] | None = None,
    plans: int = 0,
    foreign: str = "",
    alone: bool = False,
) -> Iterator[str]:
    """The screen, line by line; ``standing`` are the rules enforced by modes that were there already.

    ``plans`` is how many rollout plans there are, ``foreign`` a file among them that is somebody else's. ``alone``
    says that one person stands for the rules.
    """
    yield from _files(written, dry_run=dry_run)
    if report is not None:
        yield ""
        yield from _past(report, days)
        yield from _enforced(report, standing)
    yield ""
    yield from told(
        "next", "correct catalog-info.yaml: tiers, owners, who depends on whom, people's roles and SSH keys"
    )
    yield from _command("interlock catalog check", "what is still missing there")
    yield from _command("interlock check", "what your next change needs")
    who = "when you stand for these rules, alone" if alone else "when two people stand for these rules"
    yield from _command("interlock rules genesis", who)
    yield from _rollouts(plans, foreign)


def _command(typed: str, why: str) -> list[str]:
    return beside(f"{' ' * MARGIN}{typed:<32} ", why)


def _rollouts(plans: int, foreign: str) -> Iterator[str]:
    """How a change goes out, once the gate lets it: nothing is written for that, since only people know it."""
    if foreign:
        yield from told(
            "rollouts",
            f"{safe(foreign)} is no rollout plan of interlock: name another folder for those in interlock.yaml "
            "(rollouts: release/plans), or these rules cannot be read",
        )
    elif plans:
        yield from told("rollouts", f"{plural(plans, 'plan')}, read by interlock policy check")
    else:
        yield from told(
            "rollouts",
            "no plan yet: what follows the gate is yours. To go out in stages under the judge, write "
            "rollouts/SERVICE.yaml (docs/how-to/rollout-plan.md): interlock policy check",
        )


def _files(written: Starter, *, dry_run: bool) -> Iterator[str]:
    did = "would write" if dry_run else "wrote"
    if not written.files:
        yield "everything is there already; nothing was written"
        return
    policies = sum(path.startswith("policies/") for path in written.files)
    others = [path for path in written.files if not path.startswith("policies/")]
    folder = f"policies/ ({plural(policies, 'file')})"
    yield from hung(f"{did}    ", ", ".join([*others, folder]), width(), indent=MARGIN)
    for found in written.found:
        yield from beside(f"{' ' * MARGIN}· ", safe(found))


def _past(report: LookBack, days: int) -> Iterator[str]:
    total = len(report.judged) + len(report.unreadable)
    if not total:
        yield from told("past", f"no merge in {plural(days, 'day')}, so there was nothing to judge")
        yield from beside(
            f"{' ' * MARGIN}interlock init --look-back 365d --dry-run     ", "look further back, write nothing"
        )
        return
    merges = plural(total, "merge")
    seen = f"{merges} in {plural(days, 'day')}, as these rules would have seen them (nothing was stopped)"
    yield from told("past", seen)
    if report.judged:
        yield from beside(f"{' ' * MARGIN}written by  ", _shares(report))
    yield from _rules("would have refused", [rule for rule in report.rules if not rule.asks], len(report.judged))
    yield from _findings(report.judged)
    yield from _rules("would have asked for", [rule for rule in report.rules if rule.asks], len(report.judged))
    yield from _unreadable(report)


def _shares(report: LookBack) -> str:
    judged = len(report.judged) or 1
    order = sorted(report.provenance.items(), key=lambda item: -item[1])
    return " · ".join(f"{kind} {count:,} ({100 * count / judged:.0f} %)" for kind, count in order)


def _rules(title: str, said: list[RuleCount], total: int) -> Iterator[str]:
    if not total:
        return
    if not said:
        yield f"         {title}  none"
        return
    yield pad(f"         {title}, of {total:,}", width() - LATEST) + "latest"
    yield from (_rule(rule) for rule in said[:MOST_RULES])
    if len(said) > MOST_RULES:
        yield f"         {mark(met=None)} and {plural(len(said) - MOST_RULES, 'rule')} more, see --json"


def _rule(rule: RuleCount) -> str:
    latest = rule.example.head[:8] if rule.example else ""
    text = f"{pad(rule.id, 24)} {safe(rule.text)}"
    line = pad(f"{rule.times:>5,}  {text}", width() - LATEST - len("         ·  "))
    return f"         {mark(met=None)} {line} {latest}"


def _findings(judged: tuple[PastJudgement, ...]) -> Iterator[str]:
    found = [(item, text) for item in judged for text in item.findings]
    if found:
        yield f"         {plural(len(found), 'failed check')} of content in them:"
    for item, text in found[:MOST_FINDINGS]:
        yield cut(f"         {mark(met=False)} {item.change.head[:8]} {safe(text)}", width())
    if len(found) > MOST_FINDINGS:
        yield f"         {mark(met=False)} and {len(found) - MOST_FINDINGS:,} more, see --json"


def _unreadable(report: LookBack) -> Iterator[str]:
    if report.unreadable:
        yield f"         {plural(len(report.unreadable), 'merge')} could not be read, such as"
    for item in report.unreadable[:3]:
        yield cut(f"         {mark(met=False)} {item.change.head[:8]} {safe(item.error)}", width())


def _enforced(report: LookBack, standing: tuple[str, ...] | None) -> Iterator[str]:
    if report.judged and not any(item.tier == 1 for item in report.judged):
        yield from told(
            "",
            "none of them touched a Tier-1 service: give services their tier in catalog-info.yaml, then "
            "interlock init --dry-run says this again with your tiers",
        )
    if standing is not None:
        yield from told(
            "enforced", f"{plural(len(standing), 'rule')} by policies/modes.yaml, which stays as it is"
        )
        yield from told("", ", ".join(standing)) if standing else ()
    elif report.quiet:
        count = plural(len(report.quiet), "rule")
        yield from told("enforced", f"{count} about content that no past merge broke; the others only watch")
        yield from told("", ", ".join(report.quiet))
