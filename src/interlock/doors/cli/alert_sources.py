"""What an alert proof is made of: the rule files of HEAD, healthy series, and what the new version exposes.

Rules:
1. Rule files are those that HEAD has, to the byte. One that is in no commit is named and not read: it is no part
   of the change. Alertmanager's file is one of HEAD too.
2. An exposition is a file of HEAD, an address, or what a program prints that is run in the checkout.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from interlock.core.alerts.declared import declared
from interlock.core.alerts.exposition import Exposed
from interlock.core.alerts.plan import AlertPlan
from interlock.core.alerts.scope import Looked, looked
from interlock.core.alerts.shaken import SEED
from interlock.core.alerts.shape import Shape
from interlock.core.change.errors import InvalidInput, Unavailable
from interlock.doors.cli.aside import aside
from interlock.doors.cli.text import safe
from interlock.plugins.alerts.amtool import Amtool
from interlock.plugins.alerts.prometheus import PrometheusCapture
from interlock.plugins.alerts.scrape import exposed, scraped
from interlock.plugins.readers.committed import committed
from interlock.plugins.world.programs import SystemPrograms
from interlock.ports.alerts import RunsRules
from interlock.road.prove_alerts import Loadable, Proof, phases_of
from interlock.road.route_alerts import Routes, otherwise, routes_by
from interlock.road.witness_alerts import unfired

Told = dict[str, Any]
COMMAND_SECONDS = 120.0
_NAMED = 3


def rule_files(root: Path, plan: AlertPlan) -> dict[str, bytes]:
    """The rule files of the plan by path, as HEAD has them.

    Raises:
        InvalidInput: ``alert-rules-none``, ``alert-rules-outside``, ``file-too-large``, ``pattern-invalid``.
    """
    found = committed(root, plan.rules, outside="alert-rules-outside")
    besides = ", ".join(f"`{safe(path)}`" for path in found.besides[:_NAMED])
    more = f" and {len(found.besides) - _NAMED} more" if len(found.besides) > _NAMED else ""
    if not found.files:
        got = f"only {besides}{more}, in no commit" if besides else "none"
        raise InvalidInput(
            f"expected rule files in HEAD at {', '.join(plan.rules)} of `{plan.path}`, got {got}",
            code="alert-rules-none",
            hint="commit them: git add, git commit, interlock change push"
            if besides
            else "correct `rules:` in the plan, or write the alert rules",
        )
    if besides:
        aside("doubt", f"{besides}{more}: in no commit, so not read")
    return dict(found.files)


def steps_of(plan: AlertPlan, alerts: Sequence[Looked]) -> int:
    """How many steps of healthy series are declared."""
    return round(phases_of(plan, alerts).healthy / plan.step)


def healthy(plan: AlertPlan, files: Loadable) -> Sequence[Shape]:
    """Declared, or captured.

    Raises:
        InvalidInput: ``alert-plan``, ``alert-capture``, ``alert-rules``.
        Unavailable: ``alert-capture``.
        BadReply: ``alert-capture``.
    """
    alerts = looked(files.groups, interval=plan.interval)
    if plan.shapes or not plan.prometheus:
        return declared(plan.shapes, steps=steps_of(plan, alerts), step=plan.step, seed=SEED)
    wanted = [each for alert in alerts for each in alert.selectors]
    wanted += [each for mode in plan.modes for each in mode.selectors]
    return PrometheusCapture(plan.prometheus).capture(wanted, seconds=plan.healthy, step=plan.step)


def exposition(root: Path, plan: AlertPlan) -> Exposed | None:
    """What the new version exposes; None where the plan does not say how to know.

    Raises:
        InvalidInput: ``alert-exposition``.
        Unavailable: ``alert-exposition`` where nobody answers or the program fails.
    """
    if plan.exposition is None:
        return None
    words = plan.exposition.words
    if plan.exposition.kind == "url":
        return exposed(scraped(words[0]), origin=words[0])
    if plan.exposition.kind == "command":
        return exposed(_printed(root, words), origin=f"`{' '.join(words)[:120]}`")
    content = committed(root, words, outside="alert-exposition").files.get(words[0])
    if content is None:
        raise InvalidInput(
            f"expected the exposition of the new version in HEAD, got no `{words[0][:120]}` there",
            code="alert-exposition",
            hint=f"commit it, or correct `exposition:` in {plan.path}",
        )
    return exposed(content.decode("utf-8", "replace"), origin=f"`{words[0][:120]}`")


def routes(root: Path, plan: AlertPlan, *, year: int) -> Routes | None:
    """Who hears of what in ``year``; None where the plan names no file of Alertmanager.

    Raises:
        InvalidInput: ``alertmanager-file``, or what is wrong with the YAML.
        Unavailable: ``amtool-missing``, ``amtool-failed``.
    """
    if not plan.alertmanager:
        return None
    if missing := Amtool().missing():
        raise Unavailable(
            f"expected {missing.partition(',')[0]}, got none", code="amtool-missing", hint=missing, plugin="amtool"
        )
    content = committed(root, [plan.alertmanager], outside="alertmanager-file").files.get(plan.alertmanager)
    if content is None:
        raise InvalidInput(
            f"expected the file of Alertmanager in HEAD, got no `{plan.alertmanager[:120]}` there",
            code="alertmanager-file",
            hint=f"commit it, or correct `alertmanager:` in {plan.path}",
        )
    return routes_by(plan.alertmanager, content, Amtool(), year=year)


def changed_routes(root: Path, now: Routes | None, proof: Proof, bases: Sequence[str], *, year: int) -> list[str]:
    """What is told of Alertmanager's file where the change moves it; ``proof`` is not yet routed.

    Raises:
        InvalidInput: ``alertmanager-file`` for an answer that cannot be read.
        Unavailable: ``amtool-failed``.
    """
    if now is None:
        return []
    path = now.routing.path
    content = committed(root, [path], outside="alertmanager-file").files[path]
    for base in bases:
        try:
            before = committed(root, [path], outside="alertmanager-file", commit=base)
            if not before.found or before.files.get(path) == content:
                continue
            if path not in before.files:
                return [f"{path} is new with this change"]
            return [otherwise(proof, now, routes_by(path, before.files[path], Amtool(), year=year))]
        except InvalidInput:
            return [f"{path} is changed by this change: Alertmanager would not load what it was before"]
    return []


def able_to_fire(proof: Proof, files: Loadable, runner: RunsRules, *, told: Callable[[str], None]) -> list[Told]:
    """Of each alert that fires in none of the failures, whether it can fire at all."""
    silent = [alert.rule for alert in proof.alerts if proof.matrix.alerts[alert.key].silent]
    rules = [rule for group in files.groups for rule in group.rules]
    found = unfired(rules, silent, runner, told=told) if silent else ()
    return [
        {
            "alert": one.rule.name,
            "place": f"{one.rule.place.path}:{one.rule.place.line}",
            "fires": one.fires,
            "silent": one.silent,
            "unsatisfiable": one.unsatisfiable,
            "reason": one.reason,
        }
        for one in found
    ]


def _printed(root: Path, words: tuple[str, ...]) -> str:
    done = SystemPrograms(str(root)).output(words, timeout=COMMAND_SECONDS, environment={})
    if not done.ran.good or done.cut:
        why = "more than can be kept" if done.cut else done.ran.told
        raise Unavailable(
            f"expected `{' '.join(words)[:120]}` to print the metrics of the new version, got: {why}",
            code="alert-exposition",
            hint="run it here, and correct `exposition:` in the alert plan",
            plugin="prometheus",
        )
    return done.out.decode("utf-8", "replace")
