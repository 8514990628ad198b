"""A rollout's record and plan as the pure functions take them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from interlock.core.rollout.plan import Plan, PluginPlan, StagePlan, StepPlan
from interlock.core.rollout.record import RolloutRecord, RolloutState

NOW = datetime(2026, 3, 5, 9, tzinfo=UTC)
STEP = StepPlan(name="up", kind="artefact", run=("up",), verify=("verify", "up"))


def plan_of(**more: Any) -> Plan:
    given: dict[str, Any] = {
        "path": "rollouts/a.yaml",
        "service": "order-service",
        "environment": "production",
        "router": PluginPlan(kind="fake", settings={}),
        "meters": (),
        "judge": {},
        "stages": (
            StagePlan(percent=1, bake=60, margin=0.9, limit=600),
            StagePlan(percent=50, bake=60, margin=0.1, limit=600),
            StagePlan(percent=100, bake=60, margin=1.0, limit=600),
        ),
        "apply": (STEP,),
        "rollback": (STEP,),
    }
    return Plan(**{**given, **more})


def record_of(**more: Any) -> RolloutRecord:
    given: dict[str, Any] = {
        "id": "rol-1",
        "service": "order-service",
        "environment": "production",
        "change": "chg-1",
        "digest": f"sha256:{'a' * 64}",
        "ticket": "tkt-1",
        "plan": f"sha256:{'b' * 64}",
        "rules": f"sha256:{'c' * 64}",
        "started_by": "pipeline:ci",
        "started_at": NOW,
        "state": RolloutState.RUNNING,
        "phase": "watch",
        "granted": 1.0,
        "wanted": 1.0,
        "served": 1.0,
        "weight": 1.0,
        "baked": 100.0,
        "spent": 100.0,
    }
    return RolloutRecord(**{**given, **more})


@pytest.fixture
def plan() -> Plan:
    return plan_of()


@pytest.fixture(scope="session")
def planned() -> Any:
    return plan_of


@pytest.fixture(scope="session")
def recorded() -> Any:
    return record_of


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW
