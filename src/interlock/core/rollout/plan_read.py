"""``rollouts/<name>.yaml``: from the bytes of a file to a plan, every key looked at before any traffic moves.

Rules:
1. A plan is read from its bytes alone, so that a rollout under way goes on by the plan it began with.
2. Settings of routers, meters and notifiers are theirs to judge: here they are read and their lines kept. So is
   the judge's section, which the judge's own reader looks through.
3. Every metric is counted by exactly one meter and judged: what nobody counts can never pass, what nobody judges
   is counted for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

from interlock.core.change.canonical import Json, sha256
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest
from interlock.core.rollout.plan import MeterPlan, Plan, PluginPlan
from interlock.core.rollout.plan_lines import at_line, located
from interlock.core.rollout.plan_source import Part, read_source
from interlock.core.rollout.plan_stages import LONGEST, read_stages, read_steps
from interlock.core.rollout.setting import InvalidSetting

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


def read_plan(path: str, content: bytes) -> Plan:
    """The plan of one file; ``path`` names it in errors.

    Raises:
        InvalidInput: ``rollout-plan``, ``rollout-stages``, ``rollout-range``, ``rollout-step``,
            ``rollout-metric``, what the judge's reader says of its section, or what is wrong with the YAML.
    """
    part = read_source(path, content)
    _check_ours(part)
    fields = part.fields(KEYS, required=REQUIRED)
    plan = Plan(
        path=path,
        service=fields["service"].word(),
        environment=fields["environment"].word(),
        router=_plugin(fields["router"]),
        meters=_meters(fields["meters"]),
        judge=_judge(fields["judge"]),
        stages=read_stages(fields.get("stages")),
        tick=_seconds(fields, "tick", 1.0, least=0.05, most=60.0),
        untrusted=cast(
            "Literal['hold', 'return']",
            fields["untrusted"].choice(("hold", "return")) if "untrusted" in fields else "hold",
        ),
        apply=read_steps(fields.get("apply")),
        promote=read_steps(fields.get("promote")),
        rollback=read_steps(fields.get("rollback")),
        keep=_seconds(fields, "keep", 86_400.0, least=0.0, most=LONGEST_KEEP),
        baseline=_seconds(fields, "baseline", 600.0, least=0.0, most=LONGEST),
        in_flight=fields["in_flight"].seconds(least=0.0, most=3_600.0) if "in_flight" in fields else None,
        notify=_notifiers(fields.get("notify")),
        digest=sha256(content),
        lines=part.source.lines,
    )
    _check_judge(plan)
    _check_metrics(fields["meters"], fields["judge"])
    return plan


def _check_ours(part: Part) -> None:
    """Others keep files of their own in folders of this name: objects of Kubernetes, mostly."""
    if isinstance(part.value, Mapping) and {"apiVersion", "kind"} <= part.value.keys():
        raise part.refuse(
            "a rollout plan",
            f"an object of the kind {part.value['kind']}",
            hint="name another folder for plans in interlock.yaml: `rollouts: release/plans`",
        )


def _seconds(fields: Mapping[str, Part], key: str, default: float, *, least: float, most: float) -> float:
    return fields[key].seconds(least=least, most=most) if key in fields else default


def _plugin(part: Part, *others: str) -> PluginPlan:
    """A plug-in's name and its settings; ``others`` are keys that are not the plug-in's."""
    fields = part.fields(required=("kind",))
    settings = {key: each.value for key, each in fields.items() if key not in {"kind", *others}}
    return PluginPlan(kind=fields["kind"].word(), settings=settings, line=part.line)


def _meters(part: Part) -> tuple[MeterPlan, ...]:
    parts = part.items()
    if len(parts) > MOST_METERS:
        raise part.refuse(f"at most {MOST_METERS} meters", str(len(parts)), hint="let one count several metrics")
    return tuple(_meter(each) for each in parts)


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


def _notifiers(part: Part | None) -> tuple[PluginPlan, ...]:
    return () if part is None or part.value == [] else tuple(_plugin(each) for each in part.items())


def _judge(part: Part) -> dict[str, Json]:
    """The section as the judge's reader takes it: edges as the words they are, warm-ups in seconds."""
    fields = part.fields(required=("metrics",))
    metrics: dict[str, Json] = {name: _metric(each) for name, each in fields["metrics"].fields().items()}
    return {key: each.value for key, each in fields.items()} | {"metrics": metrics}


def _metric(part: Part) -> Json:
    fields = part.fields()
    found: dict[str, Json] = {key: each.value for key, each in fields.items()}
    if isinstance(found.get("edges"), list):
        found["edges"] = [each.text for each in fields["edges"].items()]
    if "warm_up" in fields:
        found["warm_up"] = fields["warm_up"].seconds(least=0.0, most=86_400.0)
    return found


def _check_judge(plan: Plan) -> None:
    from interlock.core.judge.read_settings import read_settings  # noqa: PLC0415  # numpy: only where there are plans

    try:
        read_settings(plan.judge, what="the judge's section")
    except InvalidSetting as error:
        raise located(error, plan, ("judge",)) from error
    except InvalidInput as error:
        raise at_line(error, plan, ("judge",)) from error


def _check_metrics(meters: Part, judge: Part) -> None:
    judged = judge.fields()["metrics"].fields()
    counted: dict[str, Part] = {}
    for meter in meters.items():
        for name, query in meter.fields()["metrics"].fields().items():
            if name not in judged:
                raise query.refuse(
                    f"a metric that the judge knows{closest(name, list(judged))}",
                    name,
                    code="rollout-metric",
                    hint=f"name it under judge.metrics, or correct it: {', '.join(judged)}",
                )
            if name in counted:
                raise query.refuse(
                    f"the metric counted once, as in line {counted[name].line}",
                    name,
                    code="rollout-metric",
                    hint="let one meter count it",
                )
            counted[name] = query
    for name, metric in judged.items():
        if name not in counted:
            raise metric.refuse(
                "a metric that some meter counts",
                name,
                code="rollout-metric",
                hint=f"name it under a meter's metrics, or remove it{closest(name, list(counted))}",
            )
