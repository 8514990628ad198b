"""The judge against its peers: false stops, delay, harm, distance from the information bound, and cost.

    python -m benchmarks.judge [--json FILE] [--quick | --part FRACTION] [--only NAME …] [--pictures FOLDER]

A whole run takes about a quarter of an hour on two cores and writes docs/measurements/judge.md with its
pictures; a quick or partial one writes pictures only where it is told to. What each part does stands on top of
its module: streams, scenarios, ours, kayenta, thresholds, oracle, real_orders, bounds, scale.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

from benchmarks.judge import gallery, page, report, scale
from benchmarks.judge.report import Measured
from benchmarks.judge.run import Plan, faults, goods
from benchmarks.judge.scenarios import ALL_FAULTS, ALL_GOODS

HERE = Path(__file__).resolve().parent.parent.parent
PAGE = HERE / "docs" / "measurements" / "judge.md"


def main() -> None:
    given = arguments()
    whole = not (given.quick or given.only or given.part < 1)
    began = time.monotonic()
    measured = Measured(few="" if whole else "--quick" if given.quick else f"--part {given.part:g}")
    plan = Plan(quick=given.quick, part=given.part, only=tuple(given.only))
    with ProcessPoolExecutor(max_workers=given.workers) as pool:
        goods(pool, plan, measured)
        faults(pool, plan, measured)
    if not given.only or "cost" in given.only:
        costs(measured, quick=given.quick)
    print(f"\n{time.monotonic() - began:.0f} s in all")
    if given.json:
        given.json.write_text(json.dumps(answer(measured), indent=1))
    if whole or given.pictures:
        folder = given.pictures or PAGE.parent
        pictures = gallery.draw(measured, folder)
        (folder / PAGE.name).write_text(page.written(measured, pictures))
        print(f"wrote {folder / PAGE.name} and {len(pictures)} pictures")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="a fraction of the rollouts: a minute or two")
    parser.add_argument("--part", type=float, default=1.0, help="this fraction of the rollouts")
    names = [scenario.name for scenario in (*ALL_GOODS, *ALL_FAULTS)]
    parser.add_argument("--only", nargs="+", default=[], choices=[*names, "cost"], metavar="NAME")
    parser.add_argument("--pictures", type=Path, help="write page and pictures there, whatever was run")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    return parser.parse_args()


def costs(measured: Measured, *, quick: bool) -> None:
    """What the judge costs, when all other work of this run is done."""
    print("cost", flush=True)
    measured.costs = scale.costs()
    for cost in measured.costs:
        print(f"  {cost.figure}: {cost.micros:.2f} µs {cost.note}", flush=True)
    for load in scale.loads((100, 300) if quick else (100, 300, 1000, 3000)):
        measured.loads.append(load)
        print(
            f"  {load.rollouts:>5,} rollouts: {load.seconds:.3f} s to judge each once, {load.memory:.0f} MB",
            flush=True,
        )


def answer(measured: Measured) -> dict[str, object]:
    """What scripts/measurements.py reads, and everything else that was measured."""
    return {
        "title": "Judge",
        "rows": report.rows(measured),
        "page": "measurements/judge.md",
        "goods": {
            name: {
                "distrusted": distrusted,
                "contenders": [asdict(one) | {"rate": one.rate, "at_most": one.at_most} for one in found],
            }
            for name, (_, found, distrusted) in measured.goods.items()
        },
        "faults": {
            name: {
                "title": scenario.title,
                "bound": scenario.bound,
                "bound_harm": scenario.bound * scenario.harm_rate,
                "phi": phi,
                "oracle": measured.chosen.get(name, ""),
                "passed": measured.passed[name][0],
                "contenders": [one.as_json() for one in found],
            }
            for name, (scenario, found, phi) in measured.faults.items()
        },
        "loads": [asdict(load) for load in measured.loads],
    }


if __name__ == "__main__":
    main()
