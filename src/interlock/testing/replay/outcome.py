"""What a rollout did, measured: at the client where customers are concerned, at the proxy where traffic is.

Rules:
1. Orders lost and the time they took are counted from the customers' own log, not from anybody's metrics.
2. Traffic is what the proxy says itself afterwards, not what was asked of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.plugins.routers.envoy import EnvoyRouter
from interlock.plugins.routers.haproxy import HAProxyRouter
from interlock.ports.router import Router
from interlock.road.roll.written import ENGINE
from interlock.testing.stack.server import Told
from interlock.testing.stack.stack import Stack

BEGUN = "rollout.started"
ROUTERS: Mapping[str, Callable[[Mapping[str, object]], Router]] = {"envoy": EnvoyRouter, "haproxy": HAProxyRouter}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``seconds``: from the first customer who met the canary until the proxy was read back at 0 %, None if never.

    ``met`` customers came to the canary, ``lost`` of them left without an order; ``requests`` are all customers
    in these seconds. ``undone`` is how long artefact and configuration took to be back and verified after that.
    ``notices`` were sent to somebody, and ``people`` are those other than interlock who did something between its
    start and its end, by the ledger. ``estimated`` is what the judge put the loss at, from metrics alone, None
    where it saw none: another measurement of the same, not the same one.
    """

    rollout: str
    state: str
    cause: str
    metric: str
    at_least: float
    why: str
    seconds: float | None
    met: int
    lost: int
    requests: int
    weight: float
    undone: float | None
    verified: bool | None
    effects: int
    notices: int = 0
    people: tuple[str, ...] = ()
    estimated: float | None = None

    @property
    def stopped(self) -> bool:
        """Whether the judge stopped it and everything is back."""
        return self.cause == "harm" and self.state == "returned" and self.weight == 0


def outcome(stack: Stack, shown: Told, *, since: float, entries: Sequence[Told] = ()) -> Outcome:
    """Measure; ``shown`` is the rollout as the API tells it at its end, ``entries`` the ledger about it."""
    zero = _ended(shown, "weight", "0")
    record, harm = shown["record"], stack.harm(since, until=zero)
    told = record["harm"] or {}
    back = _moment(record["ended_at"])
    return Outcome(
        rollout=record["id"],
        state=record["state"],
        cause=record["cause"] or "",
        metric=told.get("metric", ""),
        at_least=float(told.get("at_least", 0.0)),
        why=record["why"],
        seconds=None if zero is None or harm.first is None else zero - harm.first,
        met=harm.met,
        lost=harm.lost,
        requests=harm.requests,
        weight=weight_of(stack),
        undone=None if zero is None or back is None else back - zero,
        verified=shown["verified"],
        effects=len(shown["effects"]),
        notices=len(shown["notices"]),
        estimated=float(told["lost"]) if told.get("metric") == "orders" else None,
        people=tuple(sorted({each["actor"] for each in entries if each["kind"] != BEGUN} - {ENGINE.principal})),
    )


def weight_of(stack: Stack) -> float:
    """Percent that the proxy sends to the canary now, by its own word."""
    router = ROUTERS[stack.proxy.router](dict(stack.proxy.settings))
    try:
        return router.weight()
    finally:
        router.close()


def _ended(shown: Told, kind: str, target: str) -> float | None:
    """When the first effect of that kind was done."""
    for effect in shown["effects"]:
        if effect["kind"] == kind and effect["target"] == target and effect["state"] == "done":
            return _moment(effect["ended_at"])
    return None


def _moment(text: str | None) -> float | None:
    return None if text is None else datetime.fromisoformat(text).timestamp()
