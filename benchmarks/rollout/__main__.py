"""Rollouts on real processes: how soon harm ends at the proxy, what it cost customers, and no good one stopped.

    python -m benchmarks.rollout [--runs 20] [--good 30] [--beside 1] [--only PLACE …] [--quick]
                                [--afresh] [--rows FILE] [--json FILE]

A server (``interlock serve`` on SQLite), Envoy or HAProxy, three instances of the running version, a canary and a
load of 300 orders a second are real processes; each rollout is opened, gated and started by the commands that
users type. ``cases`` lists what is run and the goals, ``play`` how it is measured.

A whole run takes about three hours on two cores. Every rollout is a line in ``rows.jsonl``, and a run goes on
where one was stopped; ``--afresh`` begins anew. ``--quick`` runs two of each at one place and four
good ones of half a minute, two of them with something frozen, and keeps no rows. ``--beside 4`` runs good ones on
four stacks at once, which share the 300 orders: thirty of them in twenty minutes. Figures are of all rows in the
file, with the machine's load beside them.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.rollout.cases import MOST_LOST, PLACES, SECONDS, Place
from benchmarks.rollout.play import faulty, good
from benchmarks.rollout.rows import Row, Rows

ROWS = Path(__file__).with_name("rows.jsonl")
GOOD = Place(proxy="envoy", percent=5.0), Place(proxy="haproxy", percent=5.0)


def main() -> None:
    given = arguments()
    # Whoever ends it ends its servers and proxies as well: a signal alone runs no `finally`.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if given.quick:
        with tempfile.TemporaryDirectory() as folder:
            rows = Rows(Path(folder) / "rows.jsonl")
            if "good" not in given.only:
                faulty(PLACES[0], rows, 2)
            good(GOOD[0], rows, 4, beside=given.beside, seconds=30.0)
            finish(rows.read(), given.json)
        return
    rows = Rows(given.rows)
    if given.afresh:
        rows.forget()
    for place in PLACES:
        if not given.only or place.name in given.only:
            faulty(place, rows, given.runs)
    for place in GOOD:
        if not given.only or "good" in given.only:
            good(place, rows, given.good // len(GOOD), beside=given.beside)
    finish(rows.read(), given.json)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20, help="of each case")
    parser.add_argument("--good", type=int, default=30, help="good rollouts of two minutes")
    parser.add_argument("--beside", type=int, default=1, help="stacks of good rollouts at once")
    names = [*(place.name for place in PLACES), "good"]
    parser.add_argument("--only", nargs="+", default=[], choices=names, metavar="PLACE", help=", ".join(names))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--afresh", action="store_true")
    parser.add_argument("--rows", type=Path, default=ROWS)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def finish(found: list[Row], to: Path | None) -> None:
    figures = [*harmful(found), *harmless(found)]
    for figure in figures:
        goal = f"  (goal {figure['target']})" if "target" in figure else ""
        print(f"{figure['figure']:<58} {figure['value']:>8} {figure['unit']}{goal}  {figure['note']}")
    if to is not None:
        to.write_text(json.dumps({"title": "Rollouts on real processes", "rows": figures}, indent=1))


def harmful(found: list[Row]) -> list[Row]:
    figures: list[Row] = []
    for place in PLACES:
        for case in place.faults:
            mine = [row for row in found if (row["place"], row["case"]) == (place.name, case)]
            figures += of_case(place, case, mine) if mine else []
    return figures


def of_case(place: Place, case: str, mine: list[Row]) -> list[Row]:
    stopped = [row for row in mine if row["cause"] == "harm" and row["weight"] == 0 and row["seconds"] is not None]
    note = f"{len(stopped)} of {len(mine)} stopped, load {statistics.median(row['load'] for row in mine):.1f}"
    if not stopped:
        return [{"figure": f"{case}, {place.name}", "value": 0, "unit": "stopped", "note": note}]
    seconds, lost = [row["seconds"] for row in stopped], [row["lost"] for row in stopped]
    goal = SECONDS[case][place.percent > 1] + (1.0 if place.meter == "prometheus" else 0.0)
    figures = [
        {
            "figure": f"{case}, {place.name}: first request to 0 % served, median",
            "value": round(statistics.median(seconds), 2),
            "unit": "s",
            "target": f"≤ {goal:g}",
            "note": f"max {max(seconds):.2f}, {note}",
        }
    ]
    if case in {"orders lost", "crash"}:
        figure: Row = {
            "figure": f"{case}, {place.name}: orders lost, median",
            "value": statistics.median(lost),
            "unit": "orders",
            "note": f"max {max(lost)}",
        }
        if place.percent == 1 and place.meter == "scrape":
            figure["target"] = f"≤ {MOST_LOST:g}"
        figures.append(figure)
    return figures


def harmless(found: list[Row]) -> list[Row]:
    mine = [row for row in found if row["case"] == "good"]
    if not mine:
        return []
    stopped = [row for row in mine if row["cause"]]
    stalled = len([row for row in mine if row["stall"]])
    held = len([row for row in mine if row["hold"]])
    note = f"of {len(mine)}, {stalled} with something frozen; {held} were held when two minutes were over"
    return [{"figure": "good rollouts stopped", "value": len(stopped), "unit": "", "target": "0", "note": note}]


if __name__ == "__main__":
    main()
