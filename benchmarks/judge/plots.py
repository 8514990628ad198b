"""Pictures: one idea each, every point labelled where it stands, the same bytes for the same figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl
from benchmarks.judge import words
from benchmarks.judge.figures import Detection, Good
from benchmarks.judge.scenarios import Scenario
from matplotlib.axes import Axes
from matplotlib.figure import Figure

OURS, OURS_TOLD, STRONG, OTHER = "#0b6e4f", "#5aa88d", "#7a6a00", "#7d838c"
INK, FAINT, BOUND = "#22262b", "#e6e8eb", "#b3261e"
COLOURS = {
    "interlock": OURS,
    "interlock, φ of a day": OURS_TOLD,
    "interlock, φ = 1": OURS_TOLD,
    "oracle threshold": STRONG,
}
PLAIN = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
NOTHING = 0.0002
"""Where a rate of 0 is drawn on a logarithmic scale."""
mpl.use("Agg")
mpl.rcParams.update(
    {
        "svg.hashsalt": "interlock",
        "svg.fonttype": "none",
        "font.family": ["sans-serif"],
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.edgecolor": OTHER,
        "axes.titlelocation": "left",
        "text.color": INK,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
    }
)


def colour(contender: str) -> str:
    """Ours green, the strongest peer ochre, the others grey."""
    return COLOURS.get(contender, OTHER)


def save(figure: Figure, file: Path) -> None:
    """As SVG without a date, or as PNG to look at."""
    file.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"Date": None, "Creator": None} if file.suffix == ".svg" else None
    figure.savefig(file, bbox_inches="tight", dpi=110, metadata=metadata)


def headline(axes: Axes, text: str) -> None:
    """The title, at the left edge of the axes."""
    axes.set_title(text, fontsize=12, fontweight="bold", pad=12, color=INK)


def names(axes: Axes, labels: Sequence[str], colours: Sequence[str]) -> None:
    """A name at each row, in its colour; ours stands out."""
    axes.set_yticks(range(len(labels)), labels)
    axes.tick_params(axis="y", length=0)
    for label, tone in zip(axes.get_yticklabels(), colours, strict=True):
        label.set_color(tone)
        label.set_fontweight("bold" if tone == OURS else "normal")


def fault(scenario: Scenario, found: Sequence[Detection], crying: dict[str, float], file: Path) -> None:
    """Delay and harm of every contender against the bound. ``crying``: each one's rate of false stops."""
    figure = Figure(figsize=(9.6, 0.44 * len(found) + 1.2))
    left, right = figure.subplots(1, 2, sharey=True)
    bound = scenario.bound
    spans(left, found, [(each.delay, each.late) for each in found], bound, words.seconds)
    spans(right, found, [(each.harm, each.worst) for each in found], bound * scenario.harm_rate, words.amount)
    headline(left, scenario.title)
    left.set_xlabel("seconds until the stop (dot: median, line: to p95)")
    right.set_xlabel(f"{scenario.unit} (dot: median, line: to p95)")
    labels = [named(each, crying.get(each.contender, 0.0)) for each in found]
    names(left, labels, [colour(each.contender) for each in found])
    right.tick_params(axis="y", length=0)
    figure.subplots_adjust(wspace=0.08)
    save(figure, file)


def named(found: Detection, crying: float) -> str:
    """The contender, with what its figures hide."""
    remarks = [f"finds {words.percent(found.found)}"] if found.found < 0.995 else []
    if crying > 0.05:
        remarks.append(f"stops {words.percent(crying)} of good ones")
    return found.contender + (f"\n{', '.join(remarks)}" if remarks else "")


def spans(
    axes: Axes,
    found: Sequence[Detection],
    values: Sequence[tuple[float, float]],
    bound: float,
    say: Callable[[float], str],
) -> None:
    """Median and 95th percentile of each contender on a logarithmic scale, and the bound as a line through all."""
    finite = [value for span in values for value in span if math.isfinite(value)] + [bound]
    low, high = min(finite) / 1.6, max(finite) * 3.2
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(len(values) - 0.4, -1.05)
    axes.axvline(bound, color=BOUND, linewidth=1.2, zorder=1)
    axes.text(bound, -0.78, f" bound {say(bound)}", color=BOUND, fontsize=8, va="center")
    for row, ((middle, late), each) in enumerate(zip(values, found, strict=True)):
        axes.axhline(row, color=FAINT, linewidth=0.8, zorder=0)
        if math.isinf(middle):
            said = "misses more than half"
            axes.text(high, row, said, va="center", ha="right", fontsize=8, color=OTHER, bbox=PLAIN)
            continue
        tone = colour(each.contender)
        axes.plot([middle, min(late, high)], [row, row], color=tone, linewidth=2.4, solid_capstyle="butt")
        axes.plot(middle, row, "o", color=tone, markersize=6.5)
        axes.text(middle, row - 0.33, say(middle), ha="center", va="center", fontsize=8, color=INK)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    axes.xaxis.set_minor_formatter(lambda _value, _: "")


def goods(kinds: Sequence[tuple[str, Sequence[Good]]], file: Path) -> None:
    """False stops: a column for each contender, a row for each kind of traffic, the budget as a line."""
    contenders = [each.contender for each in kinds[0][1]]
    figure = Figure(figsize=(1.75 * len(contenders) + 0.5, 0.42 * len(kinds) + 1.4))
    panels = figure.subplots(1, len(contenders), sharey=True, squeeze=False)[0]
    for axes, contender in zip(panels, contenders, strict=True):
        mine = [{one.contender: one for one in each}.get(contender) for _, each in kinds]
        column(axes, contender, mine)
    labels = [title.removeprefix("good rollouts, ") for title, _ in kinds]
    names(panels[0], labels, [INK] * len(labels))
    panels[0].text(0, 1.1, "good rollouts stopped within an hour", transform=panels[0].transAxes, fontsize=12,
                   fontweight="bold")  # fmt: skip
    panels[len(contenders) // 2].set_xlabel(
        "share of good rollouts stopped, line to the upper 95 % confidence limit"
    )
    figure.subplots_adjust(wspace=0.1)
    save(figure, file)


def column(axes: Axes, contender: str, rates: Sequence[Good | None]) -> None:
    """One contender's false stops by kind of traffic."""
    tone = colour(contender)
    axes.set_xscale("log")
    axes.set_xlim(NOTHING / 1.5, 4)
    axes.set_ylim(len(rates) - 0.5, -0.7)
    axes.set_title(contender, fontsize=9, color=tone, fontweight="bold" if tone == OURS else "normal")
    axes.axvline(0.01, color=BOUND, linewidth=1.2)
    axes.tick_params(axis="y", length=0)
    axes.set_xticks([NOTHING, 0.01, 1], ["0", "1 %", "100 %"])
    axes.minorticks_off()
    for row, rate in enumerate(rates):
        axes.axhline(row, color=FAINT, linewidth=0.8, zorder=0)
        if rate is None:
            continue
        place = max(rate.rate, NOTHING)
        axes.plot([place, max(place, rate.at_most)], [row, row], color=tone, linewidth=2.4, solid_capstyle="butt")
        axes.plot(place, row, "o", color=tone, markersize=5)
        side = "right" if place > 0.3 else "left"
        axes.text(place, row - 0.3, words.percent(rate.rate), fontsize=7.5, ha=side, va="center")


def bounds(rows: Sequence[tuple[str, float]], file: Path) -> None:
    """How far interlock is from the information bound, fault by fault."""
    figure = Figure(figsize=(8.6, 0.3 * len(rows) + 1.2))
    axes = figure.subplots()
    headline(axes, "interlock's median delay over the information bound")
    axes.set_ylim(len(rows) - 0.5, -1.1)
    axes.set_xlim(0, max([2.2, *(value * 1.15 for _, value in rows)]))
    for at, text in ((1.0, "the bound"), (1.5, "1.5 ×, the goal")):
        axes.axvline(at, color=BOUND, linewidth=1.2, linestyle="-" if at == 1.0 else (0, (4, 3)), zorder=1)
        axes.text(at, -0.8, f" {text}", color=BOUND, fontsize=8)
    for row, (_, value) in enumerate(rows):
        axes.plot([0, value], [row, row], color=FAINT, linewidth=1.2, zorder=0)
        axes.plot(value, row, "o", color=OURS, markersize=6)
        axes.text(value + 0.04, row, f"{value:.2f} ×", va="center", fontsize=8, bbox=PLAIN)
    names(axes, [name for name, _ in rows], [INK] * len(rows))
    axes.set_xlabel("times the bound")
    save(figure, file)


def growth(rows: Sequence[tuple[int, float, float]], file: Path) -> None:
    """Processor time and memory over the number of rollouts; a straight line is linear growth."""
    figure = Figure(figsize=(9.2, 2.9))
    left, right = figure.subplots(1, 2)
    counts = [count for count, _, _ in rows]
    curve(left, counts, [seconds for _, seconds, _ in rows], "processor time to judge each once, seconds", 1.0)
    curve(right, counts, [memory for _, _, memory in rows], "resident memory, MB", 500.0)
    save(figure, file)


def curve(axes: Axes, counts: Sequence[int], values: Sequence[float], title: str, limit: float) -> None:
    """One quantity over the number of rollouts, and its goal at a thousand."""
    axes.plot(counts, values, "o-", color=OURS, markersize=5, linewidth=1.4)
    for count, value in zip(counts, values, strict=True):
        said = f"{value:.2g}  " if value < 10 else f"{value:.0f}  "
        axes.text(count, value, said, ha="right", va="bottom", fontsize=8)
    axes.plot([0, 1000], [limit, limit], color=BOUND, linewidth=1.2)
    axes.text(0, limit, f" goal for 1,000: at most {limit:g}", color=BOUND, fontsize=8, va="bottom")
    axes.set_xlabel("concurrent rollouts")
    axes.set_title(title, fontsize=10, fontweight="bold")
    axes.set_ylim(0, max([*values, limit]) * 1.2)
    axes.set_xlim(0, max(counts) * 1.05)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
