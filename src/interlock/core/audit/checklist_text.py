"""A checklist as DEPLOY_CHECKLIST.md: what it is, whether it may go, how it goes out, what to watch, the way back.

Rules:
1. Everything that people wrote is escaped (see ``markdown``); a box is ticked by the record alone.
2. Boxes for people say so, and begin open each time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from interlock.core.audit.checklist import Approved, Box, Canary, Checklist, minute
from interlock.core.audit.markdown import code, command, fenced, text
from interlock.core.audit.way_back import Part, Rehearsed, WayBack

FIRST_LINE = "<!-- interlock change checklist -->"
_PERSON = " *(a person)*"
_OUTCOMES = {
    "allow": "It may go.",
    "needs": "It may not go yet: something has to be shown.",
    "deny": "It may not go like this.",
}
FULL = 100.0


def rendered(given: Checklist, form: str) -> str:
    """The page; ``form`` is the change.md to fill in where nobody wrote one."""
    parts: list[list[str]] = [
        [*_head(given)],
        [*_what(given, form)],
        [*_may(given)],
        [*_approvals(given.approvals)],
        _section("Evidence", [_box(each) for each in given.evidence], "None on record."),
        [*_out(given)],
        [*_watch(given)],
        _section(
            "If it goes wrong", [_box(each) for each in given.failure_modes], "No failure mode is written down."
        ),
        [*_back(given)],
    ]
    page = "\n".join("\n".join([*part, ""]) for part in parts)
    return re.sub(r"\n{3,}", "\n\n", page).rstrip() + "\n"


def _head(given: Checklist) -> Iterator[str]:
    yield FIRST_LINE
    yield f"# Deploy {text(given.title)}"
    yield ""
    yield (
        f"{code(given.change)} revision {given.revision} · {code(given.digest)} · to **{text(given.environment)}**"
    )
    yield ""
    by = f"opened by {text(given.opened_by)} {minute(given.opened_at)}"
    yield f"{text(given.change_class)}, {text(given.state)}, {by} · record up to ledger entry {given.entry}"
    yield ""
    again = f"interlock change checklist {given.change} --environment {given.environment}"
    yield f"Boxes are ticked by the record; those marked{_PERSON} by you. Written anew by {code(again)}"


def _what(given: Checklist, form: str) -> Iterator[str]:
    yield "## What changes"
    yield ""
    if given.services:
        yield "| service | tier | why |"
        yield "|---|---|---|"
        for each in given.services:
            yield f"| {text(each.service)} | {each.tier} | {text(each.why)} |"
    else:
        yield "It touches no service of the catalog."
    yield ""
    if given.reached:
        share = f", est. {given.orders * FULL:.0f} % of orders" if given.orders is not None else ""
        yield f"- reaches {', '.join(text(name) for name in given.reached)}{share}"
    yield f"- {text(given.size)}, {text(given.provenance)}"
    yield f"- going back: {text(given.reversibility)}"
    for loss in given.losses:
        yield f"  - does not restore: {text(loss)}"
    if given.written:
        yield f"- plan: {text(given.plan)}"
        return
    yield ""
    yield "Nobody has written `change.md` in full. Fill this in and commit it, before the code where you can:"
    yield ""
    yield from fenced(form.rstrip("\n").splitlines(), "markdown")


def _may(given: Checklist) -> Iterator[str]:
    held = [each for each in given.boxes if not each.watched]
    missing = sum(not each.ticked for each in held)
    yield "## May it go?"
    yield ""
    asked = "1 obligation is" if len(held) == 1 else f"{len(held)} obligations are"
    count = f" {len(held) - missing} of {asked} met." if held else ""
    yield f"{_OUTCOMES.get(given.outcome, text(given.outcome))}{count}"
    yield ""
    yield from (_box(each) for each in held if not each.ticked)
    yield from (_box(each) for each in held if each.ticked)
    if given.lifted:
        yield ""
        yield from (f"- {text(each)}" for each in given.lifted)
    watched = [each for each in given.boxes if each.watched and not each.ticked]
    if watched:
        yield ""
        yield "Only watched so far, and not met:"
        yield ""
        yield from (f"- {text(each.text)} → {text(each.remedy)}" for each in watched)


def _approvals(given: Sequence[Approved]) -> Iterator[str]:
    yield "## Approved by"
    yield ""
    for each in given:
        at = f" {minute(each.at)}" if each.at else ""
        how = f", {_PRESENCES[each.presence]}" if each.presence else ""
        if each.counts:
            yield f"- [x] {text(each.person)} ({text(each.role)}{how}): {code(each.id)}{at}"
        else:
            yield f"- [ ] {text(each.person)}: {code(each.id)}{at} does not count: {text(each.why)}"
    if not given:
        yield "Nobody."


_PRESENCES = {"possession": "by a key alone", "present": "in presence", "verified": "in presence, verified"}


def _out(given: Checklist) -> Iterator[str]:
    yield "## How it goes out"
    yield ""
    for each in given.canaries:
        yield from _canary(each)
    if not given.canaries:
        yield "No service, no plan."
    yield ""
    yield from (
        f"- [ ] {text(each.service)}: somebody who can go back is there until the last stage is over{_PERSON}"
        for each in given.services
    )


def _canary(one: Canary) -> Iterator[str]:
    if not one.stages:
        yield f"- [ ] {text(one.service)}: no rollout plan in the rules in force → write {code('rollouts/')} first"
        return
    under = f": {code(one.rollout)} is {text(one.state)}" if one.rollout else ""
    yield f"{text(one.service)}, by {code(one.path)}{under}"
    yield ""
    for number, stage in enumerate(one.stages, 1):
        mark = "x" if number <= one.passed else " "
        shown = f" ({one.rollout})" if number <= one.passed else ""
        told = f"a PASS rules out {stage.margin * FULL:g} % fewer"
        rule = told if stage.percent < FULL else "the backstop alone watches"
        limit = f", at most {span(stage.limit)}"
        yield f"- [{mark}] {stage.percent:g} % for {span(stage.bake)}{limit}: {rule}{shown}"
    yield ""


def _watch(given: Checklist) -> Iterator[str]:
    yield "## Watch"
    yield ""
    for each in given.watches:
        at = f", {each.seconds:g} s after it begins" if each.seconds is not None else ""
        yield f"- {code(each.what)} of {text(each.service)}{at} ({text(each.source)}){_doubt(each.doubt)}"
    if not given.watches:
        yield "- the catalog names no alert and no metric: add interlock.dev/alert and interlock.dev/metric"
    if given.metric:
        yield f"- {code(given.metric)} decides (change.md){_doubt(given.metric_doubt)}"
    yield f"- [ ] these are open in front of somebody before the first stage{_PERSON}"


def _doubt(given: str) -> str:
    return f" **{text(given)}**" if given else ""


def _back(given: Checklist) -> Iterator[str]:
    yield "## Going back"
    yield ""
    if any(each.command for each in given.ways_back):
        yield "`interlock rollback` needs no approval, no ticket, and no server that answers."
        yield ""
    for each in given.ways_back:
        yield from _way(each)
    if given.pins:
        yield "The version before is pinned to:"
        yield ""
        yield from (f"- {code(each)}" for each in given.pins)
        yield ""
    if not given.ways_back and not given.pins:
        yield "It touches no service of the catalog, so nobody wrote down how it goes back."
        yield ""
    if given.back:
        yield "What its author wrote, to be gone through before it goes out:"
        yield ""
        yield from (_box(each) for each in given.back)


def _way(one: WayBack) -> Iterator[str]:
    yield f"### {text(one.service)}"
    yield ""
    yield from _one_way(one)
    if one.command:
        yield from fenced(
            [command([*one.command, "--dry-run"]) + "   # shows it, touches nothing", command(one.command)], "bash"
        )
        yield ""
        before = f"to the version of {code(one.previous)}" if one.previous else "to the version before"
        yield f"Takes all traffic back {before}, then runs and verifies the steps below."
        yield ""
    else:
        yield "interlock has no rollout plan for it there, so `interlock rollback` cannot bring it back."
        yield ""
    if one.declared:
        yield f"By the catalog: {text(one.declared)}"
        yield ""
    if one.plan and one.plan.lines:
        yield f"By hand, as {code(one.path)} has it:"
        yield ""
        yield from _part(one.plan)
    for each in one.rehearsed:
        yield from _rehearsed(each)
    if one.snapshot:
        yield "What was saved comes back by:"
        yield ""
        yield from _part(one.snapshot)
    if not one.command and not one.declared and not one.rehearsed:
        yield f"- [ ] write down how it goes back: nobody has{_PERSON}"
        yield ""


def _rehearsed(one: Rehearsed) -> Iterator[str]:
    several = ", one after the other" if len(one.parts) > 1 else ""
    yield f"As it is rehearsed in {text(one.environment)}, by {code(one.path)}{several}:"
    yield ""
    for number, each in enumerate(one.parts, 1):
        if each.member:
            yield f"**{number}. {text(each.member)}** ({code(each.driver)})"
            yield ""
        yield from _part(each)


def _one_way(one: WayBack) -> Iterator[str]:
    """Each member once: several plans may have it."""
    lost = dict.fromkeys(each for plan in one.rehearsed for each in plan.one_way)
    for each in lost:
        yield f"- **ONE WAY** nobody can take back {text(each.member)}: {text(each.because)}"
    if lost:
        yield ""


def _part(one: Part) -> Iterator[str]:
    if one.told:
        yield from (f"- {text(each)}" for each in one.told)
        yield ""
    if one.lines:
        # Words, and no `cd` in the block: what is pasted goes on after a line that fails, in the wrong place.
        yield "Typed in the root of a checkout of this repository:"
        yield ""
        yield from fenced(one.lines, "bash")
        yield ""


def _box(one: Box) -> str:
    mark, who = ("x" if one.ticked else " "), (_PERSON if one.person else "")
    shown = f" · {text(one.shown_by)}" if one.shown_by else ""
    remedy = f" → {text(one.remedy)}" if one.remedy else ""
    return f"- [{mark}] {text(one.text)}{who}{shown}{remedy}"


def _section(title: str, lines: Sequence[str], none: str) -> list[str]:
    return [f"## {title}", "", *(lines or [none])]


def span(seconds: float) -> str:
    """``90 s``, ``15 min``, ``2 h``."""
    for unit, size in (("h", 3_600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
