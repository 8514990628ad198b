"""What the manifests of one commit answer: does each workload meet customers as a canary first?

Rules:
1. It is a yes only when every workload has a canary, by its name; a ``Rollout`` and a Flagger ``Canary`` are for
   the one that they name, weights for those that they lead to, by name, label or Service. Which have one and
   which have none is told.
2. A canary of which it cannot be told whether it waits, which workload it is for, or what its template renders to,
   leaves open what is not covered.
3. Of a service only what names it counts: objects by name, label or target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from interlock.core.audit.answers import MOST_PLACES, Answer
from interlock.core.audit.canary_search import WORKLOADS, Found
from interlock.core.audit.file_look import Hint
from interlock.core.audit.tree_alerts import counted, places_of
from interlock.core.change.catalog import bare_name

FEW = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CanariesFound:
    """All that speaks of canaries in a tree. ``spare`` are objects among examples; ``yaml`` is how many files."""

    objects: Sequence[Found]
    spare: Sequence[Found]
    hints: Sequence[Hint]
    yaml: int
    service: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sorted:
    """Workloads by name that have a canary, and those that have none; ``loose`` canaries are for none of them."""

    canaries: Sequence[Found]
    having: Sequence[str]
    lacking: Sequence[str]
    loose: Sequence[Found]


def canary_answer(given: CanariesFound) -> Answer:
    """The answer."""
    objects = _of(given.objects, given.service)
    workloads = [each for each in objects if each.kind in WORKLOADS]
    found = _sorted([each for each in objects if each.canary], workloads)
    if found.canaries and not found.lacking:
        names = {each.name for each in workloads}
        of = f" for {counted(len(names), 'workload')}" if names else ""
        told = f"{_canaries(found.canaries)}{of}, the first {_named(found.canaries[0])}"
        return Answer(said="yes", why=told, places=places_of(found.canaries))
    return _open(given, objects, found) or _none(given, objects, workloads, found)


def _sorted(canaries: Sequence[Found], workloads: Sequence[Found]) -> _Sorted:
    having: dict[str, None] = {}
    loose = []
    for each in canaries:
        mine = [one.name for one in workloads if _covers(each, one)]
        having |= dict.fromkeys(mine)
        if not mine and not each.exact:
            loose.append(each)
    lacking = dict.fromkeys(one.name for one in workloads if one.name not in having)
    if len(lacking) == 1 and not having and loose and not any(each.covers for each in loose):
        # What names no workload at all can only be for the one that is there.
        having, lacking, loose = lacking, {}, []
    return _Sorted(canaries=canaries, having=[*having], lacking=[*lacking], loose=loose)


def _covers(canary: Found, workload: Found) -> bool:
    covered = {bare_name(each) for each in canary.covers}
    names = (workload.name,) if canary.exact else workload.names
    return not covered.isdisjoint(map(bare_name, names))


def _open(given: CanariesFound, objects: Sequence[Found], found: _Sorted) -> Answer | None:
    """What may be a canary of the workloads that have none."""
    some = f"; {_which(found)}" if found.having else ""
    doubtful = [each for each in objects if each.said == "unknown"]
    if doubtful:
        return Answer(said="unknown", why=f"{_named(doubtful[0])}{some}", places=places_of(doubtful))
    hints = [hint for hint in given.hints if hint.of == "canary"]
    if hints:
        told = f"a template names {counted(len(hints), hints[0].name)}: what it renders to is not known{some}"
        return Answer(said="unknown", why=told, places=tuple(hint.place for hint in hints[:MOST_PLACES]))
    if found.loose:
        told = f"{_named(found.loose[0])}: which workload it is for is not told; {_which(found)}"
        return Answer(said="unknown", why=told, places=places_of(found.loose))
    return None


def _none(given: CanariesFound, objects: Sequence[Found], workloads: Sequence[Found], found: _Sorted) -> Answer:
    if found.canaries:
        told = f"{_which(found)}; the first canary {_named(found.canaries[0])}"
        return Answer(said="no", why=told, places=places_of(found.canaries))
    spare = [each for each in _of(given.spare, given.service) if each.canary]
    if spare:
        told = f"{_canaries(spare)}, but only among examples, tests or docs"
        return Answer(said="unknown", why=told, places=places_of(spare))
    if not workloads:
        return _no_workload(given)
    like, number = [each for each in objects if each.what], counted(len(found.lacking), "workload")
    if like:
        told = f"{_named(like[0])}{_more(like)}; {number}, none with a canary"
        return Answer(said="no", why=told, places=places_of(like))
    told = f"{number}, none with a canary: a rolling update is none"
    return Answer(said="no", why=told, places=places_of(workloads[:1]))


def _no_workload(given: CanariesFound) -> Answer:
    templated = [hint for hint in given.hints if hint.of == "workload"]
    if templated:
        told = f"{counted(len(templated), 'workload')} in templates, none of which names a canary; not rendered"
        return Answer(said="unknown", why=told, places=tuple(hint.place for hint in templated[:MOST_PLACES]))
    spare = sum(each.kind in WORKLOADS for each in _of(given.spare, given.service))
    aside = f" ({spare} among examples, tests or docs)" if spare else ""
    whose = f" of {given.service}" if given.service else ""
    told = f"no workload{whose} in {counted(given.yaml, 'YAML file')} here{aside}"
    return Answer(said="unknown", why=told)


def _of(objects: Sequence[Found], service: str | None) -> list[Found]:
    if service is None:
        return [*objects]
    wanted = bare_name(service)
    return [each for each in objects if wanted in map(bare_name, (*each.names, *each.covers))]


def _which(found: _Sorted) -> str:
    """Which have a canary and which have none: ``1 of 2 workloads with a canary: other; none for shop``."""
    number = counted(len(found.having) + len(found.lacking), "workload")
    names = f": {_few(found.having)}" if found.having else ""
    return f"{len(found.having)} of {number} with a canary{names}; none for {_few(found.lacking)}"


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return f"{', '.join(names[:FEW])}{more}"


def _canaries(found: Sequence[Found]) -> str:
    return counted(len(found), "canary", "canaries")


def _named(one: Found) -> str:
    return f"{one.kind} {one.name}: {one.what}"


def _more(found: Sequence[Found]) -> str:
    return f" and {len(found) - 1} more" if len(found) > 1 else ""
