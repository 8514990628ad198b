"""What the rows say: medians and maxima of every case, and how many good rollouts were stopped."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.rollout.cases import MOST_LOST, PLACES, Place, goal
from benchmarks.rollout.rows import Row


def harmful(found: Sequence[Row]) -> list[Row]:
    """Two figures of each case at each place at most."""
    figures: list[Row] = []
    for place in PLACES:
        for case in place.faults:
            mine = [row for row in found if (row["place"], row["case"]) == (place.name, case)]
            figures += of_case(place, case, mine) if mine else []
    return figures


def of_case(place: Place, case: str, mine: Sequence[Row]) -> list[Row]:
    """How long harm stayed, and what it cost where orders are what is lost."""
    stopped = [row for row in mine if row["cause"] == "harm" and row["weight"] == 0 and row["seconds"] is not None]
    note = f"{len(stopped)} of {len(mine)} stopped, load {statistics.median(row['load'] for row in mine):.1f}"
    if not stopped:
        return [{"figure": f"{case}, {place.name}", "value": 0, "unit": "stopped", "note": note}]
    seconds, lost = [row["seconds"] for row in stopped], [row["lost"] for row in stopped]
    figures = [
        {
            "figure": f"{case}, {place.name}: first request to 0 % served, median",
            "value": round(statistics.median(seconds), 2),
            "unit": "s",
            "target": f"≤ {goal(case, place):g}",
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


def harmless(found: Sequence[Row]) -> list[Row]:
    """How many of the good ones were stopped; nothing where none was run."""
    mine = [row for row in found if row["case"] == "good"]
    if not mine:
        return []
    stopped = [row for row in mine if row["cause"]]
    stalled = len([row for row in mine if row["stall"]])
    held = len([row for row in mine if row["hold"]])
    note = f"of {len(mine)}, {stalled} with something frozen; {held} were held when two minutes were over"
    return [{"figure": "good rollouts stopped", "value": len(stopped), "unit": "", "target": "0", "note": note}]
