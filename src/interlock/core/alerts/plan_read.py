"""``alert-plans/<name>.yaml``: from the bytes of a file to a plan, every key looked at before anything is run.

Rules:
1. All that is wrong is told at once, with its line.
2. A series is a selector of PromQL that names its metric; ranges and offsets have no place in one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from interlock.core.alerts.expression import Selector, Unparsed, selectors
from interlock.core.alerts.modes import Mode, ModeKind
from interlock.core.alerts.plan import AlertPlan, DeclaredShape, Exposition
from interlock.core.change.canonical import sha256
from interlock.core.change.catalog import Place
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest
from interlock.core.change.yaml_nodes import Words, refused
from interlock.core.rollout.plan_faults import Gathering, surveyed, together
from interlock.core.rollout.plan_source import Part, read_source
from interlock.core.rollout.plan_stages import named_once

KEYS = (
    "service", "rules", "tolerance", "interval", "step", "healthy", "prometheus", "shapes", "exposition",
    "alertmanager", "modes",
)  # fmt: skip
REQUIRED = ("service", "rules", "modes")
KINDS: tuple[ModeKind, ...] = ("drop", "errors", "slow", "saturation", "silent", "wrong")
USUAL: Mapping[ModeKind, float] = {
    "drop": 0.99, "errors": 0.05, "slow": 2.0, "saturation": 0.98, "silent": 1.0, "wrong": 0.99,
}  # fmt: skip
"""``by`` where a mode does not say."""
MOST_MODES, MOST_SHAPES, MOST_RULES = 50, 500, 50
DAY = 86_400.0
BUCKET = "_bucket"

AlertPlans = Mapping[str, AlertPlan]
"""By service."""

_EMPTY = AlertPlan(path="", service="", rules=(), modes=())


def read_alert_plan(path: str, content: bytes) -> AlertPlan:
    """The plan of one file; ``path`` names it in errors.

    Raises:
        InvalidInput: ``alert-plan``, ``alert-range``, or what is wrong with the YAML; ``PlanFaults`` where it is
            several.
    """
    plan, faults = survey_alert_plan(path, content)
    if faults:
        raise together(faults)
    return plan


def survey_alert_plan(path: str, content: bytes) -> tuple[AlertPlan, tuple[InvalidInput, ...]]:
    """The plan as far as it can be read, and all that is wrong with it.

    Raises:
        InvalidInput: what is wrong with the YAML.
    """
    part = read_source(path, content, kind="alert")
    found = Gathering()
    fields, faults = part.survey(KEYS, required=REQUIRED)
    found.note(faults)
    if {"prometheus", "shapes"}.isdisjoint(fields):
        hint = "prometheus: http://…, or shapes: with one `- {series: …, per_second: …}` for each"
        found.note([part.refuse("`prometheus` or `shapes` in the file", Words("neither"), hint=hint)])
    read = {key: found.read(partial(_READERS[key], each), None) for key, each in fields.items()}
    known = {key: each for key, each in read.items() if each is not None}
    plan = replace(_EMPTY, **known, path=path, digest=sha256(content), lines=part.source.lines)
    return plan, found.faults


def read_alert_plans(files: Mapping[str, bytes], services: Collection[str]) -> AlertPlans:
    """The plans of all rule files that are one.

    Raises:
        InvalidInput: as ``read_alert_plan``, or ``alert-service``, ``alert-twice``; ``PlanFaults`` where several
            things are wrong in them.
    """
    found = surveyed(files, survey_alert_plan, partial(_misplaced, services))
    if found.faults:
        raise together(found.faults)
    return {plan.service: plan for plan in found.plans.values()}


def _misplaced(services: Collection[str], plan: AlertPlan, other: AlertPlan | None) -> Iterator[InvalidInput]:
    place = Place(path=plan.path, line=plan.line_of(("service",)))
    if plan.service and plan.service not in services:
        yield refused(
            place,
            f"a service of the catalog{closest(plan.service, sorted(services))}",
            plan.service,
            code="alert-service",
            hint="correct it, or describe the service: docs/how-to/describe-your-services.md",
        )
    if other is not None:
        yield refused(
            place,
            f"one alert plan of `{plan.service}`, which {other.path} is",
            Words("another"),
            code="alert-twice",
            hint="remove one of the two",
        )


def selector_of(part: Part) -> Selector:
    """The one selector that is written there."""
    text = part.word()
    found = selectors(text)
    wrong = found.reason if isinstance(found, Unparsed) else ""
    if (
        isinstance(found, Unparsed)
        or len(found) != 1
        or found[0].range
        or found[0].offset
        or not _bare(text, found[0])
    ):
        raise part.refuse(
            f'a selector such as `orders_total{{service="shop"}}` at `{part.name}`',
            text,
            hint=wrong or "write one metric with its labels, without functions, ranges and offsets",
        )
    return found[0]


def _bare(text: str, selector: Selector) -> bool:
    head = text.split("{", 1)[0].strip()
    return (
        bool(selector.metric) and head in {selector.metric, ""} and text.rstrip().endswith(("}", selector.metric))
    )


def _rules(part: Part) -> tuple[str, ...]:
    return tuple(each.word() for each in _at_most(part, MOST_RULES, "globs"))


def _modes(part: Part) -> tuple[Mode, ...]:
    return named_once(_at_most(part, MOST_MODES, "modes"), _mode, "each mode's name once")


def _mode(part: Part) -> Mode:
    fields = part.fields(("name", "kind", "series", "by", "bad"), required=("name", "kind", "series"))
    kind: ModeKind = fields["kind"].choice(KINDS)  # type: ignore[assignment]  # it is one of them
    series = fields["series"]
    listed = _at_most(series, MOST_SHAPES, "selectors") if isinstance(series.value, list) else [series]
    return Mode(
        name=fields["name"].word(),
        kind=kind,
        selectors=tuple(selector_of(each) for each in listed),
        by=_by(fields["by"], kind) if "by" in fields else USUAL[kind],
        bad={name: each.word() for name, each in fields["bad"].fields().items()} if "bad" in fields else {},
        line=fields["name"].line,
    )


def _by(part: Part, kind: ModeKind) -> float:
    if kind in {"drop", "wrong", "errors"}:
        return part.fraction()
    value = part.value
    if kind == "silent" or isinstance(value, bool) or not isinstance(value, int | float):
        raise part.refuse(f"a number at `{part.name}`", hint="slow: how many times as slow; saturation: the level")
    if kind == "slow" and not 1.0 < value <= 1_000.0:  # noqa: PLR2004  # a thousand times is down
        raise part.refuse(f"a factor above 1 at `{part.name}`", code="alert-range", hint="2 is twice as slow")
    return float(value)


def _shapes(part: Part) -> tuple[DeclaredShape, ...]:
    return tuple(_shape(each) for each in _at_most(part, MOST_SHAPES, "shapes"))


def _shape(part: Part) -> DeclaredShape:
    fields = part.fields(("series", "per_second", "level", "buckets"), required=("series",))
    selector = selector_of(fields["series"])
    if any(match.op != "=" for match in selector.matchers):
        hint = 'a series has values for its labels: label="value"'
        raise fields["series"].refuse("a series with exact labels", fields["series"].word(), hint=hint)
    if ("per_second" in fields) == ("level" in fields):
        raise part.refuse(
            "either `per_second` or `level`",
            Words("both" if "level" in fields else "neither"),
            hint="a counter has the one, a gauge the other",
        )
    if "buckets" in fields and selector.metric.endswith(BUCKET):
        whole = selector.metric.removesuffix(BUCKET)
        raise fields["series"].refuse(
            f"a histogram's own name beside `buckets`, `{whole}`",
            selector.metric,
            hint=f"write {whole} here and in the modes; alerts look at {whole}{BUCKET} as in production",
        )
    buckets = fields["buckets"].fields() if "buckets" in fields else {}
    return DeclaredShape(
        series=fields["series"].word(),
        per_second=_number(fields["per_second"]) if "per_second" in fields else None,
        level=_number(fields["level"]) if "level" in fields else None,
        buckets={edge: each.fraction() for edge, each in buckets.items()},
        line=part.line,
    )


def _exposition(part: Part) -> Exposition:
    fields = part.fields(("file", "url", "command"))
    if len(fields) != 1:
        got = " and ".join(fields) if fields else "none of them"
        hint = "file: PATH of the commit, url: http://…/metrics, or command: [program, argument]"
        raise part.refuse("one of `file`, `url` and `command`", Words(got), hint=hint)
    if "command" in fields:
        words = tuple(each.word() for each in _at_most(fields["command"], MOST_RULES, "words"))
        if not words:
            raise part.refuse("a program at `command`", Words("none"), hint="command: [program, argument]")
        return Exposition(kind="command", words=words)
    if "file" in fields:
        return Exposition(kind="file", words=(fields["file"].word(),))
    address = fields["url"].word()
    if not address.startswith(("http://", "https://")):
        raise fields["url"].refuse("an address at `url`", address, hint="write http://127.0.0.1:8000/metrics")
    return Exposition(kind="url", words=(address,))


def _path(part: Part) -> str:
    text = part.word()
    if set(text) & set("*?[") or text.startswith(("/", "!")) or ".." in text.split("/"):
        hint = "write where it lies in the repository, such as monitoring/alertmanager.yml"
        raise part.refuse(f"the path of one file at `{part.name}`", text, hint=hint)
    return text


def _number(part: Part) -> float:
    value = part.value
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise part.refuse(f"a number of 0 or more at `{part.name}`", hint="write it without a unit")
    return float(value)


def _at_most(part: Part, most: int, what: str) -> list[Part]:
    parts = part.items()
    if len(parts) > most:
        raise part.refuse(f"at most {most} {what}", str(len(parts)), hint="leave some out")
    return parts


_READERS: Mapping[str, Callable[[Part], Any]] = {
    "service": Part.word,
    "rules": _rules,
    "tolerance": lambda part: part.seconds(least=1.0, most=DAY),
    "interval": lambda part: part.seconds(least=1.0, most=3_600.0),
    "step": lambda part: part.seconds(least=1.0, most=3_600.0),
    "healthy": lambda part: part.seconds(least=60.0, most=7 * DAY),
    "prometheus": Part.word,
    "shapes": _shapes,
    "exposition": _exposition,
    "alertmanager": _path,
    "modes": _modes,
}
