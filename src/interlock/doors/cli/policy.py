"""``interlock policy``: are the rules well written, do they do what they say, why did one fire."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from interlock.doors.cli.desk import REFUSED, as_json, client, leave, show_json
from interlock.doors.cli.failure import WRONG_INPUT

if TYPE_CHECKING:
    from interlock.core.policy.bundle import Bundle
    from interlock.testing.cases import Verdict

MAX_FACTS = 4 << 20


@click.group()
def policy() -> None:
    """Check, test and explain policies."""


@policy.command()
@as_json
def check(*, as_json: bool) -> None:
    """Load, validate and lint policies and plans of this working tree.

    Exit 1 on a doubt, 2 on a plan that is none and on settings that a validator cannot read.
    """
    from interlock.core.change.errors import InvalidInput  # noqa: PLC0415  # --help reads no rules
    from interlock.doors.cli.policies import working_plans  # noqa: PLC0415  # likewise
    from interlock.doors.cli.screens import planned as screen  # noqa: PLC0415  # likewise
    from interlock.doors.cli.screens.rulebook import checked, checked_json, linted  # noqa: PLC0415  # likewise

    found = working_plans()
    try:
        bundle = _bundle()
    except InvalidInput:
        if not as_json:
            click.echo("".join(f"{line}\n" for line in screen.doubted(found.doubts)), nl=False)
        raise
    if as_json:
        show_json(checked_json(bundle) | screen.planned_json(found.plans, found.doubts, found.producers))
    else:
        doubts = [*screen.doubted(found.doubts), *linted(bundle)]
        rules = checked(bundle, _now(), more=len(found.doubts))
        plans = [*screen.planned(found.plans, found.unfit), *screen.of_producers(found.producers, found.unfit)]
        closed = screen.closing(bundle, found.doubts)
        click.echo("\n".join([*doubts, *rules, *plans, *closed]))
    if found.faults:
        leave(WRONG_INPUT)
    if bundle.lints or found.unfit:
        leave(REFUSED)


@policy.command()
@click.option("--rule", "only", metavar="RULE", help="Only the cases of one rule.")
@as_json
def test(*, only: str | None, as_json: bool) -> None:
    """Run the cases of policies/tests, and the bundled ones for the rules that are here. Exit 1 when one fails.

    Modes play no part: every rule is judged as if enforced.
    """
    from interlock.doors.cli.screens.rulebook import tested, tested_json  # noqa: PLC0415  # --help stays fast

    bundle = _bundle()
    verdicts = list(_judged(bundle, only))
    if as_json:
        show_json(tested_json(bundle, verdicts))
    else:
        click.echo("\n".join(tested(bundle, verdicts, only)))
    if not verdicts or not all(verdict.held for verdict in verdicts):
        leave(REFUSED)


@policy.command()
@click.argument("subject")
@click.option("--environment", default="production", show_default=True, help="For a change: where it is to go.")
@as_json
def explain(*, subject: str, environment: str, as_json: bool) -> None:
    """Say which rules fire and which facts they read.

    SUBJECT is a rule's id, a change, or a JSON file of facts (- for standard input).
    """
    from interlock.doors.cli.screens import rulebook  # noqa: PLC0415  # --help stays fast

    if subject == "-" or subject.endswith(".json"):
        decision = _decided(subject)
        show_json(decision) if as_json else click.echo("\n".join(rulebook.decided(decision)))
        return
    if subject.startswith("chg-"):
        with client() as api:
            judgement = api.get(f"/v1/changes/{subject}/judgement", environment=environment).json
        decision = judgement["decision"]
        show_json(decision) if as_json else click.echo("\n".join(rulebook.decided(decision)))
        return
    from interlock.core.policy.explain import explain_rule  # noqa: PLC0415  # only here

    bundle = _bundle()
    found = explain_rule(subject, bundle)
    if as_json:
        show_json(rulebook.rule_json(found, bundle))
    else:
        click.echo("\n".join(rulebook.rule(found, bundle)))


@policy.command()
@as_json
def facts(*, as_json: bool) -> None:
    """Print a whole set of facts, as JSON, to start from: change some, then explain it.

    They are those of an ordinary Tier-2 change that nobody has approved yet.
    """
    from interlock.core.policy.explain import first_facts  # noqa: PLC0415  # --help stays fast

    del as_json  # what explain reads is JSON in any case
    show_json(first_facts())


def _bundle() -> Bundle:
    from interlock.doors.cli.policies import working_bundle  # noqa: PLC0415  # --help reads no rules

    return working_bundle()[0]


def _judged(bundle: Bundle, only: str | None) -> Iterator[Verdict]:
    from interlock.registry import bundled_policies  # noqa: PLC0415  # only for the tests
    from interlock.testing.cases import read_cases, run  # noqa: PLC0415  # likewise

    ours = {path: content for path, content in bundled_policies().items() if path.startswith("tests/")}
    cases, bases = read_cases({**ours, **bundle.tests})
    own, _ = read_cases({**{path: ours[path] for path in ours if "bases" in path}, **bundle.tests})
    names = {case.name for case in own} if bundle.tests else set()
    chosen = [
        case
        for case in cases
        if (case.name in names or case.rule in bundle.policies) and (only is None or case.rule == only)
    ]
    with click.progressbar(chosen, label="cases", file=sys.stderr, hidden=not sys.stderr.isatty()) as shown:
        for case in shown:
            yield run(case, bases, bundle)


def _decided(subject: str) -> dict[str, Any]:
    from interlock.core.change.canonical import plain  # noqa: PLC0415  # only here
    from interlock.core.change.errors import InvalidInput  # noqa: PLC0415  # only here
    from interlock.core.change.key_once import once  # noqa: PLC0415  # only here
    from interlock.core.policy.evaluate import Standing, decide_facts  # noqa: PLC0415  # only here
    from interlock.core.policy.explain import read_facts  # noqa: PLC0415  # only here
    from interlock.doors.cli.files import read_text  # noqa: PLC0415  # only here

    text = sys.stdin.read(MAX_FACTS) if subject == "-" else read_text(Path(subject), limit=MAX_FACTS)
    try:
        value = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            f"expected a JSON object of facts in `{subject}`, got something unreadable",
            code="facts-shape",
            hint='write {"tier": 1, "production": true, …}; docs/reference/policies.md lists every fact',
        ) from error
    decision = plain(decide_facts(read_facts(value), _bundle(), Standing(now=_now())))
    return decision if isinstance(decision, dict) else {}


def _now() -> datetime:
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
