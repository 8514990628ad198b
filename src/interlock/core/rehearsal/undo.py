"""Whether ``rollout undo`` could take a change back, by a dry run of it; and what is noted for the way back.

Rules:
1. What is missing where it is rehearsed leaves it undecided: no workload there yet, one that is not at rest, one
   without pods, something of the whole cluster. Such objects are everybody's, production's too.
2. What would be no way back fails it, before anything is touched: no new pod template, so no revision to go back
   from; revisions that are not kept, by what is there or by what the change makes of it.
3. What is looked at is all that the change names, the workloads, what their pods take before and after it, and
   what the plan names besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from interlock.core.change.canonical import Json
from interlock.core.rehearsal.kubernetes import Object
from interlock.core.rehearsal.workloads import (
    Revision,
    beyond_undo,
    no_pods,
    noted_revision,
    object_name,
    of_whole_cluster,
    referred,
    template_digest,
    unrest,
    workload_name,
)

MOST_OBJECTS = 200
NO_NEW_TEMPLATE = "no pod template changes, so rollout undo has nothing to go back from"


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What the way back needs: the server, at which revision each workload was, and all that is looked at."""

    server: str
    before: Mapping[str, Revision]
    objects: tuple[str, ...]

    def noted(self) -> dict[str, Json]:
        """As a note in a journal."""
        return {
            "server": self.server,
            "before": {name: each.noted() for name, each in self.before.items()},
            "objects": [*self.objects],
        }


def noted_of(value: Mapping[str, Json]) -> Noted | None:
    """What a journal's note says; None where that is not what was noted."""
    server, before, objects = value.get("server"), value.get("before"), value.get("objects")
    if not isinstance(server, str) or not isinstance(before, dict) or not isinstance(objects, list):
        return None
    known = {name: kept for name, each in before.items() if (kept := noted_revision(each))}
    if len(known) < len(before) or not all(isinstance(each, str) for each in objects):
        return None
    return Noted(server=server, before=known, objects=tuple(str(each) for each in objects))


def lacking(workloads: Sequence[str], live: Mapping[str, Object], asked: Sequence[Object]) -> str:
    """What is missing in the cluster, by what is there and by what a dry run says; empty where nothing is."""
    if everybodys := of_whole_cluster(asked):
        return f"manifests of one namespace alone: {everybodys[0]} is of the whole cluster"
    dry = {workload_name(each): each for each in asked}
    for name in workloads:
        if name not in live:
            return f"{name} in the cluster before the change: there is no revision to go back to"
        if why := unrest(live[name]):
            return f"{name} at rest before the change: {why}"
        if no_pods(live[name]) or (name in dry and dry[name].get("kind") != "DaemonSet" and no_pods(dry[name])):
            return f"{name} with a pod at least: with none, neither version is ever started"
    count = len(objects_of(live.values(), asked, ()))
    return "" if count <= MOST_OBJECTS else f"a change of at most {MOST_OBJECTS} objects; this one has {count}"


def changing(workloads: Sequence[str], live: Mapping[str, Object], asked: Sequence[Object]) -> tuple[str, ...]:
    """The workloads that get a new pod template."""
    dry = {workload_name(each): template_digest(each) for each in asked}
    return tuple(name for name in workloads if dry.get(name) not in {None, template_digest(live[name])})


def no_way_back(workloads: Sequence[str], live: Mapping[str, Object], asked: Sequence[Object]) -> Iterator[str]:
    """Why going back by ``rollout undo`` cannot work, all of it."""
    dry = {workload_name(each): each for each in asked}
    for name in workloads:
        if why := beyond_undo(live[name]):
            yield f"{name}: {why}"
        elif name in dry and (why := beyond_undo(dry[name])):
            yield f"{name} by this change: {why}"
    if not changing(workloads, live, asked):
        yield NO_NEW_TEMPLATE


def objects_of(live: Iterable[Object], asked: Sequence[Object], beside: Iterable[str]) -> tuple[str, ...]:
    """All that is looked at, as kubectl calls it."""
    every = (*live, *asked)
    named = {object_name(each) for each in every} | {name for each in every for name in referred(each)}
    return tuple(sorted(named | {*beside}))
