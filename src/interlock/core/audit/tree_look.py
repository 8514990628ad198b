"""What the files of one commit answer: a canary, an alert on the business metric, a way back that was tried.

Rules:
1. A repository can show that a canary or an alert was written down, never that somebody went back: at most it has
   a step for it, and whether that ran is unknown.
2. What stands only among examples or tests, or only in files that could not be read, is *unknown* and named. *No*
   is said where there was something to look at and nothing of it answers: so many workloads, so many rules.
3. Of a service only what names it counts: see ``tree_canary`` and ``tree_alerts``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from interlock.core.audit.alert_judged import Mentions
from interlock.core.audit.alert_search import FoundRule
from interlock.core.audit.answers import MOST_PLACES, Answer, Answers
from interlock.core.audit.canary_search import WORKLOADS, Found
from interlock.core.audit.file_look import FileLook, Hint
from interlock.core.audit.tree_alerts import AlertsFound, Known, alert_answer, counted
from interlock.core.audit.tree_canary import CanariesFound, canary_answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much was looked at; workloads by name.

    ``template``, ``malformed``, ``large``, ``closed``, ``gone`` and ``links`` are files that were not read.
    """

    files: int = 0
    yaml: int = 0
    ci: int = 0
    workloads: int = 0
    alerts: int = 0
    aside: int = 0
    template: int = 0
    malformed: int = 0
    large: int = 0
    closed: int = 0
    gone: int = 0
    links: int = 0
    submodules: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeLook:
    """The answers of one commit, how much was looked at, and what could not be, in words."""

    answers: Answers
    counts: Counts
    missing: tuple[str, ...] = ()


@dataclass(slots=True)
class _Gathered:
    """All files of a tree, sorted by what they can answer."""

    service: str | None
    counts: Counts
    objects: list[Found] = field(default_factory=list)
    spare: list[Found] = field(default_factory=list)
    rules: list[FoundRule] = field(default_factory=list)
    spare_rules: int = 0
    hints: list[Hint] = field(default_factory=list)
    metrics: dict[str, str] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    step_words: list[str] = field(default_factory=list)


def answered(
    looks: Sequence[FileLook], counts: Counts, service: str | None, *, known: Known, mentioned: Mentions
) -> TreeLook:
    """The answers of the files of one commit; ``counts`` are those that the reader knows (files, links, …).

    ``known`` remembers expressions from one commit to the next.
    """
    given = _gather(looks, counts, service)
    alerts = AlertsFound(
        rules=given.rules, spare=given.spare_rules, hints=given.hints, metrics=given.metrics, service=service
    )
    canaries = CanariesFound(
        objects=given.objects, spare=given.spare, hints=given.hints, yaml=given.counts.yaml, service=service
    )
    found = (_rollback(given), canary_answer(canaries), alert_answer(alerts, known, mentioned))
    rollback, canary, alert = (_doubted(each, given.counts) for each in found)
    answers = Answers(rollback=rollback, canary=canary, alert=alert)
    return TreeLook(answers=answers, counts=given.counts, missing=tuple(_missing(given)))


def _gather(looks: Sequence[FileLook], counts: Counts, service: str | None) -> _Gathered:
    found = _Gathered(service=service, counts=counts)
    for one in looks:
        (found.spare if one.aside else found.objects).extend(one.objects)
        found.hints += [] if one.aside else one.hints
        found.steps += [step.place for step in one.steps]
        found.step_words += [step.text for step in one.steps]
        if one.aside:
            found.spare_rules += sum(rule.alert for rule in one.rules)
        else:
            found.rules += one.rules
        found.metrics |= {each.service: each.metric for each in one.declared}
    workloads = [each for each in found.objects if each.kind in WORKLOADS]
    found.counts = Counts(
        files=counts.files,
        links=counts.links,
        submodules=counts.submodules,
        yaml=sum(one.yaml for one in looks),
        ci=sum(one.ci for one in looks),
        workloads=len({each.name for each in workloads}),
        alerts=sum(rule.alert for rule in found.rules),
        aside=sum(one.aside and bool(one.objects or one.rules) for one in looks),
        template=sum(one.unread == "template" for one in looks),
        malformed=sum(one.unread == "malformed" for one in looks),
        large=sum(one.unread == "large" for one in looks),
        closed=sum(one.unread == "closed" for one in looks),
        gone=sum(one.unread == "gone" for one in looks),
    )
    return found


def _missing(given: _Gathered) -> Iterable[str]:
    counts = given.counts
    if counts.template:
        yield f"{counted(counts.template, 'template')} searched as text, not rendered"
    if counts.malformed:
        yield f"{counted(counts.malformed, 'file')} without readable YAML, searched as text"
    if counts.large:
        yield f"{counted(counts.large, 'file')} above 2 MiB, searched as text"
    if counts.closed:
        yield f"{counted(counts.closed, 'file')} too large to open"
    if counts.gone:
        yield f"{counted(counts.gone, 'file')} not in this copy of the repository"
    if counts.submodules:
        yield f"{counted(counts.submodules, 'submodule')}, whose content is not in this repository"
    if counts.links:
        yield f"{counted(counts.links, 'link')} not followed"


def _doubted(answer: Answer, counts: Counts) -> Answer:
    """Nobody says *no* of files that nobody opened."""
    unopened = counts.closed + counts.gone
    if answer.said != "no" or not unopened:
        return answer
    told = f"{answer.why}; {counted(unopened, 'file')} could not be opened"
    return Answer(said="unknown", why=told, places=answer.places)


def _rollback(given: _Gathered) -> Answer:
    if given.steps:
        told = f"a step exists ({given.step_words[0]}); that it ran, and what came of it, is not known"
        return Answer(said="unknown", why=told, places=tuple(given.steps[:MOST_PLACES]))
    if not given.counts.ci:
        return Answer(said="unknown", why="no file of a known CI here; a way back may be tried elsewhere")
    return Answer(said="no", why=f"{counted(given.counts.ci, 'CI file')}, none with a step that goes back")
