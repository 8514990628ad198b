"""The policies of this working tree, for the commands that look at them without a server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from interlock.bootstrap import rule_source
from interlock.core.change.errors import InvalidInput
from interlock.core.change.settings import SETTINGS_FILE
from interlock.core.policy.bundle import Bundle, load_bundle
from interlock.core.policy.rules import load_foundation, look_through_plans, settings_of
from interlock.core.rollout.plan import Plan
from interlock.core.rollout.plan_check import Plans
from interlock.core.rollout.plan_faults import Gathering
from interlock.doors.cli.desk import settings
from interlock.doors.cli.producer_plans import ProducerLine, producer_plans
from interlock.registry import meters, notifiers, routers, validators


def working_bundle(more: Mapping[str, bytes] | None = None) -> tuple[Bundle, str]:
    """The policies with ``more`` files among them, and the folder they lie in, with its slash.

    Raises:
        InvalidInput: what ``load_bundle`` raises, and ``rules-missing`` without an ``interlock.yaml``.
    """
    files = rule_source(settings()).files()
    folder = f"{settings_of(files).policies.rstrip('/')}/"
    here = {path.removeprefix(folder): files[path] for path in files if path.startswith(folder)}
    return load_bundle({**here, **(more or {})}), folder


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingPlans:
    """``faults`` are of files that are no plan, ``unfit`` is what the plug-ins of the others do not take.

    What validators cannot read of the settings is among the former, what is doubtful about the runners among the
    latter.
    """

    plans: Plans
    producers: tuple[ProducerLine, ...] = ()
    faults: tuple[InvalidInput, ...] = ()
    unfit: tuple[InvalidInput, ...] = ()

    @property
    def doubts(self) -> tuple[InvalidInput, ...]:
        """Everything, by file and line."""
        found = Gathering()
        found.note((*self.faults, *self.unfit))
        return found.faults


def working_plans() -> WorkingPlans:
    """The plans of this working tree, and all that is wrong with them; nothing outside is touched.

    Raises:
        InvalidInput: settings or a catalog that cannot be used.
    """
    files = rule_source(settings()).files()
    found, others = look_through_plans(files), producer_plans(files, settings().root)
    wrong: tuple[InvalidInput, ...] = ()
    if found.plans or found.unread:
        from interlock.road.roll.unfit import Installed, unfit  # noqa: PLC0415  # only where there are plans

        installed = Installed(routers=routers(), meters=meters(), notifiers=notifiers())
        every = [*found.plans.values(), *found.unread]
        wrong = tuple(error for plan in every for error in (*unfit(plan, installed), *_moving(plan)))
    return WorkingPlans(
        plans=found.plans,
        producers=others.lines,
        faults=(*found.faults, *others.faults, *_validators(files)),
        unfit=(*wrong, *others.unfit, *_runners(files)),
    )


def _moving(plan: Plan) -> Iterator[InvalidInput]:
    from interlock.core.rollout.step_doubts import step_doubts  # noqa: PLC0415  # only where there are plans

    return step_doubts(plan.rollback, ("rollback",), plan.path, plan.line_of)


def _validators(files: Mapping[str, bytes]) -> Iterator[InvalidInput]:
    """What validators cannot read of their settings: such rules are never brought into force."""
    from interlock.road.validator_settings import unread  # noqa: PLC0415  # --help needs none

    return unread(files[SETTINGS_FILE], settings_of(files), validators())


def _runners(files: Mapping[str, bytes]) -> Iterator[InvalidInput]:
    """What is doubtful about the runners that are trusted."""
    runners = settings_of(files).trust.runners
    if not runners:
        return
    from interlock.core.evidence.runner_doubts import doubts  # noqa: PLC0415  # only where there are some
    from interlock.core.policy.shown import OF_PRODUCERS  # noqa: PLC0415  # likewise
    from interlock.core.review.concern import REVIEW  # noqa: PLC0415  # likewise
    from interlock.doors.cli.running import LOCAL  # noqa: PLC0415  # likewise

    services = load_foundation(files).catalog.services
    yield from doubts(runners, services=services, predicates={*OF_PRODUCERS, REVIEW, LOCAL}, now=datetime.now(UTC))
