"""``rollouts/<name>.yaml``: from the bytes of a file to a plan, every key looked at before any traffic moves.

Rules:
1. A plan is read from its bytes alone, so that a rollout under way goes on by the plan it began with.
2. Settings of routers, meters and notifiers are theirs to judge: here they are read and their lines kept. So is
   the judge's section, which the judge's own reader looks through.
3. Every metric is counted by exactly one meter and judged: what nobody counts can never pass, what nobody judges
   is counted for nothing.
4. All that is wrong is told at once, as far as it can be read without the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from interlock.core.change.canonical import Json, sha256
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest
from interlock.core.rollout.plan import Keys, MeterPlan, Plan, PluginPlan
from interlock.core.rollout.plan_faults import Gathering, faults_of, together
from interlock.core.rollout.plan_lines import at_line, located
from interlock.core.rollout.plan_source import Part, read_source
from interlock.core.rollout.plan_stages import LONGEST, default_stages, read_stages, read_steps

if TYPE_CHECKING:
    from interlock.core.judge.settings import JudgeSettings

T = TypeVar("T")
KEYS = (
    "service",
    "environment",
    "router",
    "meters",
    "judge",
    "stages",
    "tick",
    "baseline",
    "in_flight",
    "untrusted",
    "apply",
    "promote",
    "rollback",
    "keep",
    "notify",
)
REQUIRED = ("service", "environment", "router", "meters", "judge")
MOST_METERS = 20
LONGEST_KEEP = 31 * 86_400.0
_SHOWN = "docs/how-to/judge.md shows them"
_EMPTY = Plan(
    path="",
    service="",
    environment="",
    router=PluginPlan(kind="", settings={}),
    meters=(),
    judge={},
    stages=default_stages(),
)
"""What is left of a plan of which nothing can be read."""


def read_plan(path: str, content: bytes) -> Plan:
    """The plan of one file; ``path`` names it in errors.

    Raises:
        InvalidInput: ``rollout-plan``, ``rollout-stages``, ``rollout-range``, ``rollout-step``,
            ``rollout-metric``, what the judge's reader says of its section, or what is wrong with the YAML;
            ``PlanFaults`` where it is several.
    """
    plan, faults = survey_plan(path, content)
    if faults:
        raise together(faults)
    return plan


def survey_plan(path: str, content: bytes) -> tuple[Plan, tuple[InvalidInput, ...]]:
    """The plan as far as it can be read, and all that is wrong with it; a section that cannot be read is empty.

    Raises:
        InvalidInput: what is wrong with the YAML, or a file that is no plan.
    """
    part = read_source(path, content)
    _check_ours(part)
    found = Gathering()
    fields, faults = part.survey(KEYS, required=REQUIRED)
    found.note(faults)
    read = {key: found.read(partial(_READERS[key], each), None) for key, each in fields.items()}
    if read.get("judge") is not None:
        found.note(_judge_faults(replace(_EMPTY, path=path, judge=read["judge"], lines=part.source.lines)))
        if read.get("meters") is not None:
            found.read(partial(_check_metrics, fields["meters"], fields["judge"]), None)
    known = {key: each for key, each in read.items() if each is not None}
    plan = replace(_EMPTY, **known, path=path, digest=sha256(content), lines=part.source.lines)
    return plan, found.faults


def _check_ours(part: Part) -> None:
    """Others keep files of their own in folders of this name: objects of Kubernetes, mostly."""
    if isinstance(part.value, Mapping) and {"apiVersion", "kind"} <= part.value.keys():
        raise part.refuse(
            "a rollout plan",
            f"an object of the kind {part.value['kind']}",
            hint="name another folder for plans in interlock.yaml: `rollouts: release/plans`",
        )


def _plugin(part: Part, *others: str) -> PluginPlan:
    """A plug-in's name and its settings; ``others`` are keys that are not the plug-in's."""
    fields = part.fields(required=("kind",))
    settings = {key: each.value for key, each in fields.items() if key not in {"kind", *others}}
    return PluginPlan(kind=fields["kind"].word(), settings=settings, line=part.line)


def _meters(part: Part) -> tuple[MeterPlan, ...]:
    parts = part.items()
    if len(parts) > MOST_METERS:
        raise part.refuse(f"at most {MOST_METERS} meters", str(len(parts)), hint="let one count several metrics")
    return _each(parts, _meter)


def _each(parts: Sequence[Part], read: Callable[[Part], T]) -> tuple[T, ...]:
    """All of a list, or all that is wrong with them."""
    found = Gathering()
    values = [found.read(partial(read, each), None) for each in parts]
    found.finish()
    return tuple(value for value in values if value is not None)


def _meter(part: Part) -> MeterPlan:
    metrics = part.fields(required=("metrics",))["metrics"]
    queries = metrics.fields()
    if not queries:
        raise metrics.refuse("at least one metric", "none", hint="name what it counts, or remove the meter")
    return MeterPlan(
        plugin=_plugin(part, "metrics"),
        metrics={
            name: {key: each.value for key, each in query.fields().items()} for name, query in queries.items()
        },
    )


def _notifiers(part: Part) -> tuple[PluginPlan, ...]:
    return () if part.value == [] else _each(part.items(), _plugin)


def _judge(part: Part) -> dict[str, Json]:
    """The section as the judge's reader takes it: edges as the words they are, warm-ups in seconds."""
    fields = part.fields(required=("metrics",))
    written = fields["metrics"].fields()
    metrics: dict[str, Json] = dict(zip(written, _each([*written.values()], _metric), strict=True))
    return {key: each.value for key, each in fields.items()} | {"metrics": metrics}


def _metric(part: Part) -> dict[str, Json]:
    fields = part.fields()
    found: dict[str, Json] = {key: each.value for key, each in fields.items()}
    if isinstance(found.get("edges"), list):
        found["edges"] = [each.text for each in fields["edges"].items()]
    if "warm_up" in fields:
        found["warm_up"] = fields["warm_up"].seconds(least=0.0, most=86_400.0)
    return found


def read_judge(path: str, content: bytes) -> JudgeSettings:
    """The judge's settings of a file of their own, written as the section of a plan is; or of a whole plan.

    Raises:
        InvalidInput: as ``read_plan`` of that section; ``input-shape`` for what is no such section at all.
    """
    where: Keys = ()
    try:
        part = read_source(path, content)
        if isinstance(part.value, Mapping) and isinstance(part.value.get("judge"), Mapping):
            where, part = ("judge",), part.below("judge", part.value["judge"])
        judge = _judge(part)
    except InvalidInput as error:
        raise together(_of_no_plan(one) for one in faults_of(error)) from error
    plan = replace(_EMPTY, path=path, judge=judge, lines=part.source.lines)
    settings, faults = _settings(plan, where, what=path)
    if settings is None or faults:
        raise together(faults)
    return settings


def _of_no_plan(error: InvalidInput) -> InvalidInput:
    """The same in words, and under a code, that do not speak of a plan."""
    code = "input-shape" if error.code == "rollout-plan" else error.code
    message = error.message.replace("one plan in a file", "the judge's settings once")
    return InvalidInput(message, code=code, hint=error.hint.replace("one file for each service", _SHOWN))


def _judge_faults(plan: Plan) -> tuple[InvalidInput, ...]:
    return _settings(plan, ("judge",), what="the judge's section")[1]


def _settings(plan: Plan, where: Keys, *, what: str) -> tuple[JudgeSettings | None, tuple[InvalidInput, ...]]:
    """The settings, if they have their shape at all, and all that is wrong with them, each with its line."""
    from interlock.core.judge.read_settings import shaped, wrong  # noqa: PLC0415  # numpy: only where there are plans

    try:
        settings = shaped(plan.judge, what=what)
    except InvalidInput as error:
        return None, (at_line(error, plan, where),)
    return settings, tuple(located(each, plan, where) for each in wrong(settings))


def _check_metrics(meters: Part, judge: Part) -> None:
    judged, found = judge.fields()["metrics"].fields(), Gathering()
    counted: dict[str, Part] = {}
    meant = ""
    for meter in meters.items():
        for name, query in meter.fields()["metrics"].fields().items():
            if name not in judged:
                near = closest(name, list(judged))
                meant += near
                found.note([_unjudged(query, name, near, judged)])
            elif name in counted:
                found.note([_counted_twice(query, name, counted[name].line)])
            else:
                counted[name] = query
    # A metric that is misspelt at its meter is counted by none, and need not be told twice.
    found.note(
        _uncounted(metric, name, closest(name, list(counted)))
        for name, metric in judged.items()
        if name not in counted and f"`{name}`" not in meant
    )
    found.finish()


def _unjudged(query: Part, name: str, near: str, judged: Mapping[str, Part]) -> InvalidInput:
    return query.refuse(
        f"a metric that the judge knows{near}",
        name,
        code="rollout-metric",
        hint=f"name it under judge.metrics, or correct it: {', '.join(judged)}",
    )


def _counted_twice(query: Part, name: str, line: int) -> InvalidInput:
    return query.refuse(
        f"the metric counted once, as in line {line}", name, code="rollout-metric", hint="let one meter count it"
    )


def _uncounted(metric: Part, name: str, near: str) -> InvalidInput:
    return metric.refuse(
        "a metric that some meter counts",
        name,
        code="rollout-metric",
        hint=f"name it under a meter's metrics, or remove it{near}",
    )


_READERS: Mapping[str, Callable[[Part], Any]] = {
    "service": Part.word,
    "environment": Part.word,
    "router": _plugin,
    "meters": _meters,
    "judge": _judge,
    "stages": read_stages,
    "tick": lambda part: part.seconds(least=0.05, most=60.0),
    "baseline": lambda part: part.seconds(least=0.0, most=LONGEST),
    "in_flight": lambda part: part.seconds(least=0.0, most=3_600.0),
    "untrusted": lambda part: part.choice(("hold", "return")),
    "apply": read_steps,
    "promote": read_steps,
    "rollback": read_steps,
    "keep": lambda part: part.seconds(least=0.0, most=LONGEST_KEEP),
    "notify": _notifiers,
}
