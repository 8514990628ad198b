"""What the alert rules of one commit answer: is there an alert on what the business counts?

Rules:
1. Of a service only what names it counts: by path, label, matcher, or by the catalog's metric for it.
2. One alert that counts is a yes. Else what is unknown is told with its place, before anybody says no.
3. What the catalog of that commit calls the business metric decides; where it says nothing, a metric whose name
   has a word of the trade in it, and the answer says that this is a guess.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from interlock.core.alerts.urgency import is_quiet
from interlock.core.audit.alert_judged import Bench, Fires, Judged, Mentions
from interlock.core.audit.alert_search import FoundRule, Looks, Parsed, Reads, label_words
from interlock.core.audit.answers import MOST_PLACES, Answer
from interlock.core.audit.business import word_in
from interlock.core.audit.canary_search import Found
from interlock.core.audit.file_look import Hint
from interlock.core.change.catalog import bare_name

FEW = 2
_NOTHING = Looks(metrics=(), selectors=())
Pair = tuple[FoundRule, Looks]


@dataclass(slots=True)
class Known:
    """What is remembered of expressions from one commit to the next."""

    parsed: Parsed = field(default_factory=dict)
    fires: Fires = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsFound:
    """All that speaks of alerts in a tree. ``spare`` are alerts among examples; ``metrics`` the catalog's."""

    rules: Sequence[FoundRule]
    spare: int
    hints: Sequence[Hint]
    metrics: Mapping[str, str]
    service: str | None

    @property
    def alerts(self) -> int:
        """How many there are."""
        return sum(rule.alert for rule in self.rules)

    @property
    def whose(self) -> str:
        """`` of SERVICE`` where one is asked for."""
        return f" of {self.service}" if self.service else ""


def alert_answer(given: AlertsFound, known: Known, mentioned: Mentions) -> Answer:
    """The answer."""
    reads, declared = Reads(given.rules, known.parsed), _declared(given)
    telling = {*declared, *(rule.name for rule in given.rules if not rule.alert)}
    pairs = [
        (rule, reads.looks(rule) if given.service or _worth(rule, telling) else _NOTHING)
        for rule in given.rules
        if rule.alert
    ]
    mine = [pair for pair in pairs if given.service is None or _about(pair, given.service, given.metrics)]
    bench = Bench(rules=given.rules, declared=declared, mentioned=mentioned, fires=known.fires)
    found = [*_judged(bench, mine)]
    hits = [each for each in found if each.said == "yes"]
    if hits:
        how = ", the catalog's metric" if hits[0].declared else ": a business metric by its name alone"
        return Answer(said="yes", why=f"{hits[0].rule.name} on {hits[0].about}{how}", places=_of_rules(hits))
    return _no_alert(given, mine, declared, found)


def _judged(bench: Bench, mine: Sequence[Pair]) -> Iterator[Judged]:
    """Those that are about business at all, until as many count as are told."""
    hits = 0
    # Looking whether one can fire takes time: those that are for nobody anyhow come last.
    for rule, looks in sorted(mine, key=lambda pair: is_quiet(pair[0].labels)):
        one = bench.judged(rule, looks) if looks is not _NOTHING and not looks.unread else None
        if one is not None:
            yield one
            hits += one.said == "yes"
        if hits >= MOST_PLACES:
            return


def _no_alert(
    given: AlertsFound, mine: Sequence[Pair], declared: Collection[str], found: Sequence[Judged]
) -> Answer:
    if doubtful := [each for each in found if each.said == "unknown"]:
        told = f"{doubtful[0].rule.name} {doubtful[0].why}"
        return Answer(said="unknown", why=told, places=_of_rules(doubtful))
    hints = [hint for hint in given.hints if hint.of == "alert"]
    telling = [hint for hint in hints if hint.business or word_in(hint.name)]
    if telling:
        names = f", which names {telling[0].business}" if telling[0].business else ""
        told = f"{telling[0].name} in a file that is not read here{names}"
        return Answer(said="unknown", why=told, places=tuple(hint.place for hint in telling[:MOST_PLACES]))
    unread = [rule for rule, looks in mine if looks.unread]
    if unread:
        told = f"{counted(len(unread), 'alert')} whose expression does not parse"
        return Answer(said="unknown", why=told, places=places_of(unread))
    return _none(given, mine, declared, found, len(hints))


def _none(
    given: AlertsFound, mine: Sequence[Pair], declared: Collection[str], idle: Sequence[Judged], hints: int
) -> Answer:
    on = f" on {', '.join(sorted(declared)[:FEW])}" if declared else " on a metric of the business"
    searched = f", and {hints} in files that are not read here" if hints else ""
    rules = f"{counted(given.alerts, 'alert rule')}"
    if idle:
        told = f"{idle[0].rule.name} on {idle[0].about} {idle[0].why}; no other{on}{searched}"
        return Answer(said="no", why=told, places=_of_rules(idle))
    if mine:
        told = f"{counted(len(mine), 'alert rule')}{given.whose}{searched}, none{on}"
        return Answer(said="no", why=told)
    if given.alerts:
        return Answer(said="no", why=f"{rules}{searched}, none{given.whose}")
    aside = f" ({given.spare} among examples, tests or docs)" if given.spare else ""
    told = f"no alert rule here{aside}{searched}; rules that are kept elsewhere are not seen"
    return Answer(said="unknown", why=told)


def _worth(rule: FoundRule, names: Collection[str]) -> bool:
    """Whether an alert can be about business at all: most are not, and reading PromQL takes time."""
    told = " ".join((rule.name, *rule.expressions))
    return bool(word_in(told)) or any(name in told for name in names)


def _declared(given: AlertsFound) -> set[str]:
    """The metrics that the catalog of that commit names, of the service where one is asked for."""
    if given.service is None:
        return set(given.metrics.values())
    return {metric for name, metric in given.metrics.items() if bare_name(name) == bare_name(given.service)}


def _about(pair: Pair, service: str, metrics: Mapping[str, str]) -> bool:
    rule, looks = pair
    name = bare_name(service)
    own = {metric for each, metric in metrics.items() if bare_name(each) == name}
    if not own.isdisjoint(looks.metrics) or name in map(bare_name, rule.path.replace(".", "/").split("/")):
        return True
    squeezed = name.replace("-", "")
    said = [rule.name, *label_words(looks), *looks.metrics]
    return any(squeezed in text.lower().replace("-", "").replace("_", "") for text in said)


def _of_rules(found: Sequence[Judged]) -> tuple[str, ...]:
    return places_of([each.rule for each in found])


def places_of(found: Sequence[Found | FoundRule]) -> tuple[str, ...]:
    """Where they stand, the first ones."""
    return tuple(each.place for each in found[:MOST_PLACES])


def counted(number: int, word: str, plural: str = "") -> str:
    """A number with its word."""
    return f"{number:,} {word if number == 1 else plural or word + 's'}"
