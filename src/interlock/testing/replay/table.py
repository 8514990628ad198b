"""What happened then beside what happened now, as one table.

Rules:
1. The left side is what was reported, marked where it is disputed. The right side is what this run measured, and
   nothing else.
2. A row without a measurement is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from interlock.core.change.canonical import Json
from interlock.core.rollout.phrases import amount, percent
from interlock.testing.replay.outcome import Outcome
from interlock.testing.replay.scenario import Scenario
from interlock.testing.stack.stack import Stack

Row = tuple[str, str, str]


def rows(scenario: Scenario, now: Mapping[str, str]) -> Sequence[Row]:
    """What, then and now, in the order of the scenario."""
    found: list[Row] = []
    for fact in scenario.reported:
        if fact.what in now:
            disputed = f" (disputed: {fact.disputed})" if fact.disputed else ""
            found.append((fact.what, f"{fact.was}{disputed}", now[fact.what]))
    told = {fact.what for fact in scenario.reported}
    return found + [(what, "–", measured) for what, measured in now.items() if what not in told]


def measured(ran: Outcome, stack: Stack) -> Mapping[str, str]:
    """What a rollout that was stopped measured, by the words of the scenario."""
    lasted = "never" if ran.seconds is None else f"{ran.seconds:.1f} s"
    share = ran.met / ran.requests if ran.requests else 0.0
    undone = "not yet" if ran.undone is None else f"{ran.undone:.1f} s later"
    state = "verified" if ran.verified else "not verified"
    return {
        "exposure": f"{ran.met:,} of {amount(ran.requests, 'customers')} met it ({percent(share, 1)})",
        "alerts": f"orders, errors, times each second: STOP on {ran.metric or 'nothing'}",
        "diagnosis": f"with the stop: {ran.why}",
        "rollback": f"by itself: 0 % read back at {stack.proxy.name}, the artefact down {undone} and {state}",
        "duration": f"{lasted} at the customers: from the first who met it to 0 % read at the proxy",
        "orders lost": _lost(ran, stack.rate),
        "woken": _woken(ran),
    }


def shown_before(now: Mapping[str, str], shown: Mapping[str, Mapping[str, Json]]) -> dict[str, str]:
    """The measurements with what a runner had shown before anything went out, by producer."""
    found = dict(now)
    if rehearsed := shown.get("rehearsal"):
        took, limit = float(str(rehearsed["seconds"])), float(str(rehearsed["objective_seconds"]))
        found["rollback"] = f"rehearsed before ({took:.1f} s of at most {limit:g} s); then {now['rollback']}"
    if proof := shown.get("alerts"):
        told = proof["proven"]
        count = len(told) if isinstance(told, list) else 0
        found["alerts"] = f"proven before for {amount(count, 'failures')}; then {now['alerts']}"
    return found


def _lost(ran: Outcome, rate: float) -> str:
    """Two measurements of one loss, each called what it is."""
    counted = f"{amount(ran.lost, 'orders')} of {rate:g} a second, counted at the customers"
    if ran.estimated is None:
        return counted
    return f"{counted}; the judge's own estimate, from metrics: about {round(ran.estimated):,}"


def _woken(ran: Outcome) -> str:
    if not ran.notices and not ran.people:
        return "nobody: no notice sent, nobody acted by the ledger"
    who = f", and {', '.join(ran.people)} did something" if ran.people else ""
    return f"{amount(ran.notices, 'notices')} {'was' if ran.notices == 1 else 'were'} sent{who}"
