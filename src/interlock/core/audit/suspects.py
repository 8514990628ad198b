"""Which recent change did it: candidates ranked by evidence, by the path they have to the service, and by time.

Rules:
1. Three things count and add up, each in nats, so that a step is worth the same everywhere (0.7 is a factor of
   two): *evidence*, what a judge measured of it; *path*, how it can reach the service at all; *time*, how long
   before the trouble it last moved. Each is said in words beside the rank, and nobody has to believe a number.
2. Evidence is the judge's own: its log E, at least the odds it stops at where it stopped. What was never judged
   has none, which is no evidence of innocence. What was back at 0 % before the trouble began is a poor suspect; so
   is, but less, what was only permitted: a ticket that nobody reported to have used may have been used offline.
3. Path: the service itself, then what it depends on, step by step; then who depends on it (load comes from there);
   then what touches no service of the catalog (shared configuration: nobody can rule it out); then the rest. A
   change of rules alone ships nothing: it comes below all that was shipped, and says what it is.
4. Time: the nearer before the trouble the better, and what came after it was noticed cannot have done it: it is
   ranked below everything that can.
5. The order is total and depends on nothing but what is given.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["rollout", "ticket", "event"]
Relation = Literal["itself", "dependency", "dependent", "shared", "none", "rules"]
Graph = Mapping[str, Iterable[str]]

STOPPED_AT_LEAST = math.log(100)
MOST_EVIDENCE, LEAST_EVIDENCE = 12.0, -4.0
GONE_BEFORE = 4.0
UNREPORTED = 1.4
"""A quarter of the weight of what is known to have gone out."""

DEPENDENCY, DEPENDENT, SHARED, NONE = 0.7, 1.6, 2.8, 6.0
"""A step towards a dependency halves, one towards a caller leaves a fifth; no path at all leaves a 400th."""

HALF_TIME = 600.0
"""Seconds before the trouble after which time has halved what a change weighs."""

_MOST_RULES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A change that went out, or something that somebody noted.

    ``moved_at`` is when it last touched production at or before the trouble: a widening, a ticket's use, an event.
    ``services`` are what it touches. ``weight`` is its percent of traffic now, ``gone_at`` when it was back at
    0 %. ``log_e`` is the judge's evidence of harm, None where none looked. ``rules`` are the rule files that it
    changed, where it changed nothing that ships. ``reported`` is False where nobody said that it went out, only
    that it might.
    """

    id: str
    kind: Kind
    services: tuple[str, ...]
    moved_at: datetime
    weight: float | None = None
    gone_at: datetime | None = None
    log_e: float | None = None
    stopped: bool = False
    metric: str = ""
    rules: tuple[str, ...] = ()
    reported: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """One candidate with its rank's three parts (nats). ``path`` leads from the service to what was touched.

    ``seconds`` is how long before the trouble it moved, negative after it; ``after`` that it cannot have done it.
    ``why`` are the reasons in words, the strongest first.
    """

    candidate: Candidate
    relation: Relation
    path: tuple[str, ...]
    seconds: float
    after: bool
    evidence: float
    closeness: float
    recency: float
    why: tuple[str, ...]

    @property
    def score(self) -> float:
        """The sum of the three."""
        return self.evidence + self.closeness + self.recency


def rank(candidates: Iterable[Candidate], *, service: str, depends_on: Graph, at: datetime) -> tuple[Suspect, ...]:
    """All candidates, the likeliest first, for trouble in ``service`` noticed ``at``."""
    down, up = _paths(depends_on, service), _paths(_reversed(depends_on), service)
    found = [_suspect(one, down, up, at) for one in candidates]
    return tuple(
        sorted(
            found,
            key=lambda one: (
                one.after,
                one.relation == "rules",
                -one.score,
                -one.candidate.moved_at.timestamp(),
                one.candidate.id,
            ),
        )
    )


def _suspect(
    one: Candidate, down: Mapping[str, tuple[str, ...]], up: Mapping[str, tuple[str, ...]], at: datetime
) -> Suspect:
    relation, path = ("rules", ()) if one.rules else _related(one.services, down, up)
    seconds = (at - one.moved_at).total_seconds()
    evidence = _evidence(one, at)
    why = [_evidence_words(one, at), _path_words(relation, path, one.rules), _time_words(seconds)]
    if evidence <= 0:
        why = [*why[1:], why[0]]
    return Suspect(
        candidate=one,
        relation=relation,
        path=path,
        seconds=seconds,
        after=seconds < 0,
        evidence=evidence,
        closeness=_closeness(relation, path),
        recency=-math.log1p(abs(seconds) / HALF_TIME),
        why=tuple(word for word in why if word),
    )


def _evidence(one: Candidate, at: datetime) -> float:
    value = 0.0 if one.log_e is None else one.log_e
    if one.stopped:
        value = max(value, STOPPED_AT_LEAST)
    value = min(max(value, LEAST_EVIDENCE), MOST_EVIDENCE)
    gone = one.gone_at is not None and one.gone_at < at
    if gone and not one.stopped:
        return value - GONE_BEFORE
    return value if one.reported else value - UNREPORTED


def _closeness(relation: Relation, path: Sequence[str]) -> float:
    steps = len(path) - 1
    worth = {
        "itself": 0.0,
        "dependency": DEPENDENCY * steps,
        "dependent": DEPENDENT * steps,
        "shared": SHARED,
        "none": NONE,
        "rules": NONE,
    }
    # However far a path leads, it is a path.
    return -min(worth[relation], NONE)


def _related(
    services: Sequence[str], down: Mapping[str, tuple[str, ...]], up: Mapping[str, tuple[str, ...]]
) -> tuple[Relation, tuple[str, ...]]:
    """The nearest way in which the service can be reached from what was touched."""
    if not services:
        return "shared", ()
    ways: list[tuple[float, Relation, tuple[str, ...]]] = []
    for name in services:
        for paths, relation in ((down, "dependency"), (up, "dependent")):
            if name in paths:
                exact: Relation = "itself" if len(paths[name]) == 1 else relation  # type: ignore[assignment]  # of the two
                ways.append((-_closeness(exact, paths[name]), exact, paths[name]))
    if not ways:
        return "none", ()
    _, relation_found, path = min(ways, key=lambda way: (way[0], way[2]))
    return relation_found, path


def _paths(graph: Graph, start: str) -> dict[str, tuple[str, ...]]:
    """One shortest path from ``start`` to everything it leads to, itself included; ties by name."""
    found: dict[str, tuple[str, ...]] = {start: (start,)}
    waiting = deque([start])
    while waiting:
        name = waiting.popleft()
        for following in sorted(graph.get(name, ())):
            if following not in found:
                found[following] = (*found[name], following)
                waiting.append(following)
    return found


def _reversed(graph: Graph) -> dict[str, list[str]]:
    turned: dict[str, list[str]] = {}
    for name, following in graph.items():
        for other in following:
            turned.setdefault(other, []).append(name)
    return turned


def _evidence_words(one: Candidate, at: datetime) -> str:
    of = f" of {one.metric}" if one.metric else ""
    if one.stopped:
        return f"the judge stopped it for harm{of}: {_odds(max(one.log_e or 0.0, STOPPED_AT_LEAST))}"
    gone = one.gone_at is not None and one.gone_at < at
    if gone and one.gone_at is not None:
        return f"it was back at 0 % {_span((at - one.gone_at).total_seconds())} before"
    if not one.reported:
        return "it was let through, and nobody reported that it went out"
    if one.log_e is None:
        return "" if one.kind == "event" or one.rules else "no judge looked at it"
    if one.log_e > 1:
        return f"the judge suspects it{of}: {_odds(one.log_e)}"
    return "the judge saw no harm" if one.log_e < 0 else "the judge saw neither harm nor none yet"


def _path_words(relation: Relation, path: Sequence[str], rules: Sequence[str]) -> str:
    if relation == "rules":
        more = f" and {len(rules) - _MOST_RULES} more" if len(rules) > _MOST_RULES else ""
        return f"it changes rules alone and ships nothing: {', '.join(rules[:_MOST_RULES])}{more}"
    if relation == "shared":
        return "it touches no service of the catalog: shared, nobody can rule it out"
    if relation == "none":
        return "the catalog knows no path from it"
    if relation == "itself":
        return f"{path[0]} itself"
    if relation == "dependency":
        return f"{path[0]} depends on it: {' → '.join(path)}"
    return f"it calls {path[0]}: {' → '.join(reversed(path))}"


def _time_words(seconds: float) -> str:
    if seconds < 0:
        return f"{_span(-seconds)} after it was noticed: it cannot have done it"
    return f"{_span(seconds)} before"


def _odds(log_e: float) -> str:
    value = math.exp(min(log_e, MOST_EVIDENCE + 2))
    return f"{value:,.0f} : 1 for harm"


def _span(seconds: float) -> str:
    minutes = seconds / 60
    if minutes < 2:  # noqa: PLR2004  # below it seconds matter
        return f"{seconds:.0f} s"
    if minutes < 120:  # noqa: PLR2004  # below it minutes matter
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.1f} h" if minutes < 2_880 else f"{minutes / 1_440:.0f} days"  # noqa: PLR2004  # likewise
