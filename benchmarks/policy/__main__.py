"""How long one decision takes, with the whole bundled set and preparsed handles.

    python -m benchmarks.policy [--json FILE] [--rounds 4000]

A decision is everything ``decide`` does: facts from the records, Cedar, reasons with their remedies, obligations,
digests. The mix is every bundled case in turn; *bare* is a Tier-1 change with nothing shown (the most reasons),
*ready* one with everything shown; *own rules* adds rules of a user that cannot be folded away, so that Cedar is
asked every time. The peer is cedarpy asked plainly over the same facts and the bundled rules: twice, with the
whole record, because reasons and obligations are two questions. Processor time is beside each figure, for a
machine that is shared.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cedarpy

from interlock.core.approval.model import Tally
from interlock.core.policy.bundle import Bundle, load_bundle
from interlock.core.policy.engine import ask
from interlock.core.policy.evaluate import decide
from interlock.core.policy.facts import ACTION, NOTHING
from interlock.core.policy.question import DecisionInput
from interlock.core.policy.request import facts_of
from interlock.registry import bundled_policies
from interlock.testing.cases import build, enforced, question, read_cases

Row = dict[str, object]
OWN_RULES = b"""
@id("own-size") @outcome("needs") @reason("{lines} lines in {files} files") @remedy("split the change")
forbid(principal, action, resource) when { context.files * 100 + context.lines > 5000 };
@id("own-teams") @outcome("needs") @reason("payments with others") @remedy("split the change")
forbid(principal, action, resource)
when { context.services.contains("payments") && context.services != ["payments"] };
@id("own-places") @outcome("deny") @reason("not to {environment}") @remedy("name another environment")
forbid(principal, action, resource) when { context.environment like "legacy-*" };
"""


def timed(work: Sequence[Callable[[], object]], rounds: int) -> tuple[float, float, float]:
    """Median, 99th percentile and mean processor time in µs of ``rounds`` calls of ``work`` in turn, once warm."""
    for call in list(work) * 2:
        call()
    gc.collect()
    found = []
    worked = time.process_time_ns()
    for number in range(rounds):
        call = work[number % len(work)]
        start = time.perf_counter_ns()
        call()
        found.append(time.perf_counter_ns() - start)
    worked = time.process_time_ns() - worked
    found.sort()
    return found[len(found) // 2] / 1000, found[int(len(found) * 0.99)] / 1000, worked / rounds / 1000


def plainly(given: DecisionInput, bundle: Bundle) -> Callable[[], object]:
    forms = {name: {**policy.est, "effect": "forbid"} for name, policy in bundle.policies.items()}
    handle = cedarpy.PolicySet.from_json_str(
        json.dumps({"staticPolicies": forms, "templates": {}, "templateLinks": []})
    )
    entities = cedarpy.Entities.from_json_str("[]")
    facts = facts_of(given, ())
    questions = [
        {
            "principal": {"type": "Person", "id": ""},
            "action": {"type": "Action", "id": ACTION},
            "resource": {"type": "Change", "id": ""},
            "context": record,
        }
        for record in (facts, facts | NOTHING)
    ]
    return lambda: cedarpy.is_authorized_batch(questions, handle, entities)


def rows(rounds: int) -> list[Row]:
    files = bundled_policies()
    bundle = enforced(load_bundle(files))
    cases, bases = read_cases({path: text for path, text in files.items() if path.startswith("tests/")})
    mix = [question(build(case, bases)) for case in cases]
    ready = question(build(next(case for case in cases if case.base == "tier1-ready" and not case.differs), bases))
    bare = replace(ready, tally=Tally(authors=ready.tally.authors), evidence=())
    few = f"{len(decide(bare, bundle).reasons)} reasons"
    found: list[Row] = []

    def add(figure: str, work: Sequence[Callable[[], object]], peer: float | None = None, **more: object) -> float:
        middle, late, worked = timed(work, rounds)
        extra = {} if peer is None else {"peer": round(peer, 1)}
        notes = [f"{worked:.1f} µs of processor time", *([more.pop("note")] if "note" in more else [])]
        more["note"] = "; ".join(map(str, notes))
        found.append({"figure": f"{figure}, p50", "value": round(middle, 1), "unit": "µs", **extra, **more})
        found.append({"figure": f"{figure}, p99", "value": round(late, 1), "unit": "µs"})
        return middle

    plain_bare, *_ = timed([plainly(bare, bundle)], rounds)
    add(f"decision, all {len(mix)} bundled cases in turn", [_call(given, bundle) for given in mix], target="≤ 200")
    add("decision, Tier-1 with everything shown", [_call(ready, bundle)], target="≤ 200")
    add(f"decision, Tier-1 with nothing shown ({few})", [_call(bare, bundle)], target="≤ 200")
    own = enforced(load_bundle({**files, "base/own.cedar": OWN_RULES}))
    add("decision, all cases, with 3 own rules that Cedar answers", [_call(given, own) for given in mix])
    facts = facts_of(bare, ())
    note = "peer: cedarpy asked plainly, two questions, preparsed handles, no reasons made"
    add("of which the rules engine", [lambda: ask(facts, bundle.engine)], plain_bare, note=note)
    add("of which facts", [lambda: facts_of(bare, ())])
    load, *_ = timed([lambda: load_bundle(files)], max(20, rounds // 100))
    found.append(
        {
            "figure": f"load, validate and lint {len(bundle.policies)} policies",
            "value": round(load / 1000, 1),
            "unit": "ms",
        }
    )
    return found


def _call(given: DecisionInput, bundle: Bundle) -> Callable[[], object]:
    return lambda: decide(given, bundle)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rounds", type=int, default=4000)
    given = parser.parse_args()
    found = rows(given.rounds)
    for row in found:
        peer = f"   peer {row['peer']}" if "peer" in row else ""
        print(f"{row['figure']:<62} {row['value']:>8} {row['unit']}{peer}")
    if given.json:
        given.json.write_text(json.dumps({"title": "Policy: one decision", "rows": found}))


if __name__ == "__main__":
    main()
