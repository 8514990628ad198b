"""Pictures: one idea each, every point labelled where it stands, the same bytes for the same figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.judge import words
from benchmarks.judge.figures import Detection, Good
from benchmarks.judge.scenarios import Scenario

OURS, STRONG, OTHER, INK, FAINT, BOUND = "#0b6e4f", "#7a6a00", "#8a8f98", "#22262b", "#e6e8eb", "#b3261e"
mpl.use("Agg")
mpl.rcParams.update(
    {
        "svg.hashsalt": "interlock",
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.edgecolor": OTHER,
        "text.color": INK,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
    }
)


def colour(contender: str) -> str:
    return {"interlock": OURS, "oracle threshold": STRONG}.get(contender, OTHER)


def save(figure: Figure, file: Path) -> None:
    """As SVG without a date, or as PNG to look at."""
    file.parent.mkdir(parents=True, exist_ok=True)
    extra = {"metadata": {"Date": None}} if file.suffix == ".svg" else {"dpi": 110}
    figure.savefig(file, bbox_inches="tight", **extra)  # type: ignore[arg-type]  # two kinds of keyword


def fault(scenario: Scenario, found: Sequence[Detection], crying: dict[str, float], file: Path) -> None:
    """Delay and harm of every contender against the bound. ``crying``: each one's rate of false stops."""
    figure = Figure(figsize=(9.2, 0.42 * len(found) + 1.5))
    left, right = figure.subplots(1, 2, sharey=True)
    figure.suptitle(scenario.title, x=0.01, y=1.0, ha="left", fontsize=12, fontweight="bold")
    rate, bound = scenario.harm_rate, scenario.bound
    dots(left, [(d.delay, d.late) for d in found], found, bound, words.seconds)
    dots(right, [(d.harm, d.worst) for d in found], found, bound * rate, words.amount)
    left.set_xlabel("delay until the stop, seconds: median, line to the 95th percentile")
    right.set_xlabel(f"{scenario.unit}: median, line to the 95th percentile")
    left.set_yticks(range(len(found)), [named(d, crying.get(d.contender, 0.0)) for d in found])
    for label, d in zip(left.get_yticklabels(), found, strict=True):
        label.set_color(colour(d.contender) if d.contender != "interlock" else OURS)
        label.set_fontweight("bold" if d.contender == "interlock" else "normal")
    figure.subplots_adjust(wspace=0.06)
    save(figure, file)


def named(found: Detection, crying: float) -> str:
    """The contender, with what its figures hide."""
    remarks = []
    if found.found < 0.995:
        remarks.append(f"finds {words.percent(found.found)}")
    if crying > 0.05:
        remarks.append(f"stops {words.percent(crying)} of good ones")
    return found.contender + (f"\n{', '.join(remarks)}" if remarks else "")


def dots(
    axes: Axes, spans: list[tuple[float, float]], found: Sequence[Detection], bound: float, say: object
) -> None:
    """Median and 95th percentile of each contender on a logarithmic scale, and the bound as a line through all."""
    assert callable(say)
    finite = [value for span in spans for value in span if math.isfinite(value)] + [bound]
    low, high = min(finite) / 1.6, max(finite) * 3.2
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(len(spans) - 0.4, -0.9)
    axes.axvline(bound, color=BOUND, linewidth=1.2, zorder=1)
    axes.text(bound, -0.62, f" bound {say(bound)}", color=BOUND, fontsize=8, va="center")
    for row, ((middle, late), each) in enumerate(zip(spans, found, strict=True)):
        axes.axhline(row, color=FAINT, linewidth=0.8, zorder=0)
        if math.isinf(middle):
            axes.text(low * 1.1, row, "not in half of the rollouts", va="center", fontsize=8, color=OTHER,
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})  # fmt: skip
            continue
        end = min(late, high)
        axes.plot([middle, end], [row, row], color=colour(each.contender), linewidth=2.4, solid_capstyle="butt")
        axes.plot(middle, row, "o", color=colour(each.contender), markersize=6.5)
        axes.text(middle, row - 0.3, say(middle), ha="center", va="center", fontsize=8, color=INK)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    axes.xaxis.set_minor_formatter(lambda _value, _: "")


def goods(kinds: Sequence[tuple[str, Sequence[Good]]], file: Path) -> None:
    """False stops by kind of traffic: every contender a dot, ours with its upper confidence limit, 1 % as the line."""
    names = [each.contender for each in kinds[0][1]]
    figure = Figure(figsize=(9.2, 0.62 * len(kinds) + 1.7))
    axes = figure.subplots()
    figure.suptitle(
        "good rollouts stopped within an hour", x=0.01, y=1.0, ha="left", fontsize=12, fontweight="bold"
    )
    axes.set_xscale("log")
    axes.set_xlim(0.00007, 1.4)
    axes.set_ylim(len(kinds) - 0.5, -1.0)
    axes.axvline(0.01, color=BOUND, linewidth=1.2)
    axes.text(0.01, -0.75, " 1 %, the budget", color=BOUND, fontsize=8)
    for row, (_, each) in enumerate(kinds):
        axes.axhline(row, color=FAINT, linewidth=0.8, zorder=0)
        for one in each:
            dot(axes, one, row, offset=names.index(one.contender))
    axes.set_yticks(range(len(kinds)), [name for name, _ in kinds])
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value * 100:.10g} %")
    axes.set_xlabel(
        "share of good rollouts stopped; interlock with its upper 95 % confidence limit (0 stands at the left)"
    )
    save(figure, file)


def dot(axes: Axes, one: Good, row: int, offset: int) -> None:
    """One contender's rate in a row; interlock sits on the line, the others a little under it so that none hides."""
    place = max(one.rate, 0.0001)
    level = row if one.contender == "interlock" else row + 0.1 + 0.06 * (offset % 4)
    if one.contender == "interlock":
        axes.plot([place, one.at_most], [row, row], color=OURS, linewidth=2.4, solid_capstyle="butt")
        axes.text(place, row - 0.26, f"interlock {words.percent(one.rate)}, at most {words.percent(one.at_most)}",
                  color=OURS, fontsize=8, ha="left", va="center", fontweight="bold")  # fmt: skip
    axes.plot(place, level, "o", color=colour(one.contender), markersize=6)
    if one.contender != "interlock":
        axes.text(place * 1.12, level, one.contender, fontsize=6.5, va="center", color=INK)


def bounds(rows: Sequence[tuple[str, float]], file: Path) -> None:
    """How far interlock is from the information bound, fault by fault."""
    figure = Figure(figsize=(9.2, 0.3 * len(rows) + 1.3))
    axes = figure.subplots()
    figure.suptitle("interlock's median delay over the information bound", x=0.01, y=1.0, ha="left", fontsize=12,
                    fontweight="bold")  # fmt: skip
    axes.set_ylim(len(rows) - 0.5, -1.0)
    axes.set_xlim(0, max([2.2, *(value * 1.15 for _, value in rows)]))
    for at, text in ((1.0, "the bound"), (1.5, "1.5 ×, the goal")):
        axes.axvline(at, color=BOUND, linewidth=1.2, linestyle="-" if at == 1.0 else (0, (4, 3)))
        axes.text(at, -0.75, f" {text}", color=BOUND, fontsize=8)
    for row, (_, value) in enumerate(rows):
        axes.plot([0, value], [row, row], color=FAINT, linewidth=1.2, zorder=0)
        axes.plot(value, row, "o", color=OURS, markersize=6)
        axes.text(value, row, f"   {value:.2f} ×", va="center", fontsize=8)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("times the bound")
    save(figure, file)


def growth(rows: Sequence[tuple[int, float, float]], file: Path) -> None:
    """Processor time and memory of a second over many rollouts; a straight line through nothing is linear growth."""
    figure = Figure(figsize=(9.2, 2.9))
    left, right = figure.subplots(1, 2)
    figure.suptitle("all rollouts judged once a second on one core", x=0.01, y=1.02, ha="left", fontsize=12,
                    fontweight="bold")  # fmt: skip
    counts = [count for count, _, _ in rows]
    for axes, values, unit, limit in (
        (left, [seconds for _, seconds, _ in rows], "seconds of processor time each second", 1.0),
        (right, [memory for _, _, memory in rows], "resident memory, MB", 500.0),
    ):
        axes.plot(counts, values, "o-", color=OURS, markersize=5, linewidth=1.4)
        for count, value in zip(counts, values, strict=True):
            axes.text(count, value, f"{value:.3g}  ", ha="right", va="bottom", fontsize=8)
        axes.plot([0, 1000], [limit, limit], color=BOUND, linewidth=1.2)
        axes.text(0, limit, f"at most {limit:g} for 1,000", color=BOUND, fontsize=8, va="bottom")
        axes.set_xlabel("concurrent rollouts")
        axes.set_title(unit, fontsize=9, loc="left")
        axes.set_ylim(0, max([*values, limit]) * 1.2)
        axes.set_xlim(0, max(counts) * 1.05)
    save(figure, file)
