"""Of real alert rules that many copy: how many the real promtool saw both fire and be silent, by solved series.

The rules are awesome-prometheus-alerts @ a853318 (CC-BY-4.0), 954 of them, from a folder that ``INTERLOCK_RULES``
names (its ``dist/rules``); without it, the sample of them that the tests have. Each that was not shown is printed
with its reason. The search runs in two processes, and so does promtool.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from interlock.core.alerts.rule_files import Rule, read_rules
from interlock.core.alerts.witness import Recorded, Sought, sought
from interlock.plugins.alerts.programs import PROCESSES
from interlock.plugins.alerts.promtool import Promtool
from interlock.road.witness_alerts import witnessed

SAMPLE = Path(__file__).parents[2] / "tests" / "data" / "awesome-prometheus-alerts"
TARGET = "at least 88 %, goal 95 %"


def rows() -> list[dict[str, object]]:
    """How many were shown, proven never to fire, and neither; and what it took."""
    folder = Path(os.environ.get("INTERLOCK_RULES", SAMPLE))
    rules = [rule for file in sorted(folder.rglob("*.yml")) for rule in _read(folder, file)]
    began = time.monotonic()
    found = witnessed(rules, Promtool(), told=lambda text: print(f"  {text}", flush=True), search=_search)
    took = time.monotonic() - began
    for one in found:
        if not one.satisfiable:
            kind = "can never fire" if one.unsatisfiable else "not shown"
            print(f"  {kind}: {one.rule.name} ({one.rule.place.path}:{one.rule.place.line}): {one.reason}")
    counts = Counter("shown" if one.satisfiable else "never" if one.unsatisfiable else "open" for one in found)
    what = f"of {len(found):,} real alert rules"
    share = 100.0 * counts["shown"] / len(found)
    reasons = sum(1 for one in found if not one.satisfiable and one.reason)
    return [
        {
            "figure": f"{what}: seen firing and silent by promtool",
            "value": counts["shown"],
            "unit": f"({share:.1f} %)",
            "target": TARGET,
        },
        {
            "figure": f"{what}: proven never to fire, whatever the series",
            "value": counts["never"],
            "note": "contradicting bounds, or labels that never match",
        },
        {
            "figure": f"{what}: neither, each with its reason",
            "value": counts["open"],
            "note": f"{reasons} of {counts['never'] + counts['open']} that were not shown have one",
        },
        {"figure": f"{what}: solved and proven, two processes", "value": took, "unit": "s"},
    ]


def _read(folder: Path, file: Path) -> list[Rule]:
    groups = read_rules(file.relative_to(folder).as_posix(), file.read_bytes())
    return [rule for group in groups for rule in group.rules]


def _search(rules: Sequence[Rule], recorded: Recorded) -> list[Sought]:
    del recorded  # none of these rules records
    with ProcessPoolExecutor(max_workers=PROCESSES) as processes:
        return [*processes.map(partial(sought, recorded={}), rules, chunksize=8)]
