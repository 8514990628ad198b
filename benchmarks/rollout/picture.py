"""Every run as a dot: how long harm stayed at the proxy, and what it cost customers."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from benchmarks.judge.plots import BOUND, FAINT, INK, OTHER, OURS, headline, names, save
from benchmarks.rollout.cases import MOST_LOST, PLACES, Place, goal
from benchmarks.rollout.rows import Row
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_TICKS = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)


def seconds(rows: Sequence[Row], file: Path) -> None:
    """From the first request that met the fault to nobody served, a panel for each fault."""
    cases = list(dict.fromkeys(row["case"] for row in rows))
    took = [row["seconds"] for row in rows if row["seconds"] is not None] or [1.0]
    least, most = min(0.95, 0.9 * min(took)), max(100.0, 1.1 * max(took))
    ticks = [each for each in _TICKS if least <= each <= most]
    figure = Figure(figsize=(9.6, 0.36 * sum(len(at(rows, case)) + 3 for case in cases)))
    panels = figure.subplots(
        len(cases), 1, squeeze=False, height_ratios=[len(at(rows, case)) + 1 for case in cases]
    )
    for case, axes in zip(cases, panels[:, 0], strict=True):
        axes.set_xscale("log")
        axes.set_xlim(least, most)
        axes.set_xticks(ticks, [f"{each:g} s" for each in ticks])
        axes.minorticks_off()
        dots(axes, rows, case, "seconds", {place.name: goal(case, place) for place in PLACES})
        headline(axes, case)
    figure.subplots_adjust(hspace=1.0)
    save(figure, file)


def lost(rows: Sequence[Row], file: Path) -> None:
    """Orders that customers did not get, where orders are what is lost."""
    figure = Figure(figsize=(9.6, 5.2))
    goals = {place.name: MOST_LOST for place in PLACES if place.percent == 1 and place.meter == "scrape"}
    panels = figure.subplots(2, 1)
    for case, axes in zip(("orders lost", "crash"), panels, strict=True):
        dots(axes, rows, case, "lost", goals)
        axes.set_xlim(left=0)
        headline(axes, f"{case}: orders")
    figure.subplots_adjust(hspace=0.6)
    save(figure, file)


def at(rows: Sequence[Row], case: str) -> list[Place]:
    """Where this case was run."""
    return [place for place in PLACES if any((row["place"], row["case"]) == (place.name, case) for row in rows)]


def dots(axes: Axes, rows: Sequence[Row], case: str, figure: str, goals: dict[str, float]) -> None:
    """A line for each place: every run, their median, and the goal for it."""
    places = at(rows, case)
    for line, place in enumerate(places):
        found = [
            row[figure]
            for row in rows
            if (row["place"], row["case"]) == (place.name, case) and row[figure] is not None
        ]
        axes.axhline(line, color=FAINT, linewidth=0.8, zorder=0)
        if not found:
            continue
        middle = statistics.median(found)
        axes.scatter(found, [line] * len(found), s=22, color=OTHER, alpha=0.55, linewidths=0, zorder=2)
        axes.plot([middle, middle], [line - 0.3, line + 0.3], color=OURS, linewidth=2.4, zorder=3)
        axes.annotate(f"{middle:.3g}", (middle, line - 0.34), fontsize=8, color=OURS, ha="center")
        if place.name in goals:
            wanted = goals[place.name]
            axes.plot([wanted, wanted], [line - 0.42, line + 0.42], color=BOUND, linewidth=1.2, zorder=1)
    axes.set_ylim(len(places) - 0.4, -0.8)
    names(axes, [place.name for place in places], [INK] * len(places))
