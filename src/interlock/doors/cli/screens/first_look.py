"""What ``interlock init`` says: what it wrote, and what the rules would have said of the past."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from interlock.doors.cli.text import cut, mark, pad, plural, safe, width

if TYPE_CHECKING:
    from interlock.core.policy.starter import Starter
    from interlock.road.report import LookBack, PastJudgement, RuleCount

MOST_RULES = 12
MOST_FINDINGS = 5


def first_look(written: Starter, report: LookBack | None, *, days: int, dry_run: bool) -> Iterator[str]:
    """The screen, line by line."""
    yield from _files(written, dry_run=dry_run)
    if report is not None:
        yield ""
        yield from _past(report, days)
    yield ""
    yield "next     correct catalog-info.yaml: tiers, owners, who depends on whom, people's roles and SSH keys"
    yield "         interlock catalog check          what is still missing there"
    yield "         interlock check                  what your next change needs"
    yield "         interlock rules genesis          when two people stand for these rules"


def _files(written: Starter, *, dry_run: bool) -> Iterator[str]:
    did = "would write" if dry_run else "wrote"
    if not written.files:
        yield "everything is there already; nothing was written"
        return
    policies = sum(path.startswith("policies/") for path in written.files)
    others = [path for path in written.files if not path.startswith("policies/")]
    folder = f"policies/ ({plural(policies, 'file')})"
    yield f"{did}    {', '.join([*others, folder])}"
    for found in written.found:
        yield f"         · {safe(found)}"


def _past(report: LookBack, days: int) -> Iterator[str]:
    total = len(report.judged) + len(report.unreadable)
    yield f"past     {plural(total, 'merge')} in {days} days, judged by these rules (nothing is enforced on them)"
    if report.judged:
        yield f"         written by: {_shares(report)}"
    if report.rules:
        yield "         would have been said:"
    for title, asks in (("refused", False), ("asked for", True)):
        said = [rule for rule in report.rules if rule.asks is asks]
        yield from (_rule(title, rule, len(report.judged)) for rule in said[:MOST_RULES])
    yield from _findings(report.judged)
    for item in report.unreadable[:3]:
        yield cut(f"         not readable: {item.change.head[:10]} {safe(item.error)}", width())
    if report.quiet:
        count = plural(len(report.quiet), "rule")
        yield f"enforced {count} about content that no past merge broke; everything else is only observed"


def _shares(report: LookBack) -> str:
    judged = len(report.judged) or 1
    order = sorted(report.provenance.items(), key=lambda item: -item[1])
    return ", ".join(f"{kind} {count} ({100 * count / judged:.0f} %)" for kind, count in order)


def _rule(title: str, rule: RuleCount, total: int) -> str:
    example = f"{rule.example.head[:8]} {safe(rule.example.subject)}" if rule.example else ""
    share = f"{rule.times:>4} of {total}"
    line = f"         {mark(met=None)} {pad(title, 10)} {pad(rule.id, 28)} {pad(share, 12)} {example}"
    return cut(line, width())


def _findings(judged: tuple[PastJudgement, ...]) -> Iterator[str]:
    found = [(item, text) for item in judged for text in item.findings]
    if found:
        yield f"         {plural(len(found), 'failed check')} of content in them:"
    for item, text in found[:MOST_FINDINGS]:
        yield cut(f"         {mark(met=False)} {item.change.head[:8]} {safe(text)}", width())
