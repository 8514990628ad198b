"""The rollout plan for a stack: which proxy is moved, where orders are counted, how a version is put up.

Rules:
1. A plan is a file like any user's: it is written, read and refused as every plan is.
2. What a test or a demonstration wants otherwise (shorter bakes, wider margins) is written into it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from interlock.core.change.canonical import Json
from interlock.testing.stack.stack import CANARY, CONTROL, Stack

EDGES = ("0.015", "0.025", "0.04")
"""Edges near the median, the 90th and the 99th percent of a healthy version's times."""

ORDERS: Mapping[str, Json] = {"series": "shop_orders_total"}
ERRORS: Mapping[str, Json] = {"series": "shop_requests_total", "match": {"code": "500"}}
LATENCY: Mapping[str, Json] = {"histogram": "shop_request_seconds"}
METRICS: Mapping[str, Mapping[str, Json]] = {"orders": ORDERS, "errors": ERRORS, "latency": LATENCY}
SELECTORS = {
    "orders": "shop_orders_total",
    "errors": 'shop_requests_total{code="500"}',
    "latency": "shop_request_seconds_bucket",
}
"""The same in Prometheus, which labels each target with its arm."""

JUDGED: Mapping[str, Mapping[str, Json]] = {
    "orders": {"kind": "good"},
    "errors": {"kind": "bad"},
    "latency": {"kind": "bad", "edges": list(EDGES)},
}

INDEPENDENT: Mapping[str, Json] = {
    "phi": {
        name: {"windows": [5, 600], "values": [1, 1], "source": "declared: arrivals are Poisson"}
        for name in JUDGED
    }
}
"""For the judge of a stack whose load is Poisson by construction: nothing has to be measured first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a plan says beside what the stack is. ``stages`` are as written, None for the default ones.

    ``prometheus`` is the address of a Prometheus that scrapes the stack; without one the meter scrapes itself.
    ``artefact`` is what the deployer in ``place`` puts up, None for a canary that is up already. ``router`` and
    ``targets`` stand in for the stack's own where something lies in between.
    """

    stages: Sequence[Mapping[str, Json]] | None = None
    judge: Mapping[str, Json] = field(default_factory=dict)
    baseline: float = 20.0
    tick: float = 1.0
    untrusted: str = "hold"
    prometheus: str = ""
    place: Path | None = None
    artefact: Path | None = None
    router: Mapping[str, object] = field(default_factory=dict)
    targets: Mapping[str, Sequence[str]] = field(default_factory=dict)


def plan(
    stack: Stack, wanted: Wanted, *, service: str = "order-service", environment: str = "production"
) -> bytes:
    """``rollouts/<service>.yaml`` for this stack."""
    written: dict[str, object] = {
        "service": service,
        "environment": environment,
        "router": dict(wanted.router) or {"kind": stack.proxy.router, **stack.proxy.settings},
        "meters": [_meter(stack, wanted)],
        "judge": {"metrics": {name: dict(one) for name, one in JUDGED.items()}, **wanted.judge},
        "stages": [dict(one) for one in wanted.stages] if wanted.stages is not None else "default",
        "tick": wanted.tick,
        "baseline": wanted.baseline,
        "untrusted": wanted.untrusted,
    }
    if wanted.place is not None and wanted.artefact is not None:
        up, down = _deploying(wanted.place, wanted.artefact)
        written |= {"apply": [up], "rollback": [down]}
    return yaml.safe_dump(written, sort_keys=False, allow_unicode=True, width=110).encode()


def _meter(stack: Stack, wanted: Wanted) -> dict[str, object]:
    if not wanted.prometheus:
        metrics = {name: dict(query) for name, query in METRICS.items()}
        targets = {arm: list(addresses) for arm, addresses in (wanted.targets or stack.targets).items()}
        return {"kind": "scrape", **targets, "metrics": metrics}
    arms = {arm: {"arm": arm} for arm in (CANARY, CONTROL)}
    queries = {name: {"query": query} for name, query in SELECTORS.items()}
    return {"kind": "prometheus", "url": wanted.prometheus, "interval": 1, **arms, "metrics": queries}


def _deploying(place: Path, artefact: Path) -> tuple[dict[str, object], dict[str, object]]:
    deploy = [sys.executable, "-m", "interlock.testing.stack.deploy", str(place)]
    up = {
        "name": "canary",
        "kind": "artefact",
        "run": [*deploy, "up", str(artefact)],
        "verify": [*deploy, "serves", str(artefact)],
        "timeout": 30,
    }
    down = {**up, "run": [*deploy, "down"], "verify": [*deploy, "serves", "nothing"]}
    return up, down
