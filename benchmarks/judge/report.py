"""The page docs/measurements/judge.md, the tables on the terminal and the rows of docs/measurements.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.judge import words
from benchmarks.judge.figures import Detection, Good, within
from benchmarks.judge.scale import Cost, Load
from benchmarks.judge.scenarios import Scenario

Row = dict[str, object]


@dataclass(slots=True, kw_only=True)
class Measured:
    """All that one run found."""

    few: str = ""
    """What was run instead of everything, as options; such figures are first impressions."""
    goods: dict[str, tuple[Scenario, list[Good], float]] = field(default_factory=dict)
    """By scenario: each contender's false stops, and the share of rollouts the judge ever distrusted."""
    faults: dict[str, tuple[Scenario, list[Detection], float]] = field(default_factory=dict)
    """By scenario: each contender's detection, and φ of the harmed metric at the judge's median delay."""
    chosen: dict[str, str] = field(default_factory=dict)
    """By scenario: which rule the oracle took."""
    passed: dict[str, tuple[float, float]] = field(default_factory=dict)
    """By scenario: the share of rollouts in which interlock passed the first stage's margin (90 %) before it
    stopped them, and the median time until then."""
    costs: list[Cost] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)


def good_table(kinds: Mapping[str, tuple[Scenario, list[Good], float]]) -> list[list[str]]:
    """False stops, a row for each kind of traffic and a column for each contender."""
    names = [one.contender for one in next(iter(kinds.values()))[1]]
    lines = [["traffic", "rollouts", *names, "upper 95 % limit of interlock", "distrusted"]]
    for scenario, found, distrusted in kinds.values():
        by_name = {one.contender: one for one in found}
        rates = [words.percent(by_name[name].rate) if name in by_name else "" for name in names]
        ours = found[0]
        lines.append(
            [scenario.title, f"{ours.of:,}", *rates, words.percent(ours.at_most), words.percent(distrusted)]
        )
    return lines


def fault_table(scenario: Scenario, found: Sequence[Detection]) -> list[list[str]]:
    """One fault: a row for each contender, and the bound."""
    lines = [["contender", "found", "delay, median", "p95", f"{scenario.unit}, median", "p95", "delay over bound"]]
    bound = scenario.bound
    lines.append(
        ["information bound", "", words.seconds(bound), "", words.amount(bound * scenario.harm_rate), "", ""]
    )
    for each in found:
        share = words.percent(each.found) + (
            f", {words.percent(each.early)} before it began" if each.early else ""
        )
        lines.append(
            [
                each.contender,
                share,
                words.seconds(each.delay),
                words.seconds(each.late),
                words.amount(each.harm),
                words.amount(each.worst),
                words.times(each.times_bound),
            ]
        )
    return lines


def markdown(lines: Sequence[Sequence[str]]) -> list[str]:
    """A table in Markdown, its first row the head."""
    head, *rest = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    return [head, "|" + " --- |" * len(lines[0]), *rest]


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """A table for a terminal."""
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def rows(measured: Measured) -> list[Row]:
    """The rows of docs/measurements.md: interlock's figures, with the peers' beside them."""
    return [
        *(row for scenario, found, _ in measured.goods.values() for row in _good_rows(scenario, found)),
        *(row for scenario, found, phi in measured.faults.values() for row in _fault_rows(scenario, found, phi)),
        *_cost_rows(measured),
    ]


def _good_rows(scenario: Scenario, found: Sequence[Good]) -> list[Row]:
    ours, *others = found
    peers = "; ".join(
        f"{one.contender} {words.percent(one.rate)}" for one in others if one.contender != "oracle threshold"
    )
    return [
        {
            "figure": f"{scenario.title}: stopped",
            "value": round(100 * ours.rate, 2),
            "unit": "%",
            "target": "≤ 1 %",
            "peer": peers,
            "note": f"{ours.stopped} of {ours.of:,}, upper 95 % limit {words.percent(ours.at_most)}",
        }
    ]


def _fault_rows(scenario: Scenario, found: Sequence[Detection], phi: float) -> list[Row]:
    ours, *others = found
    median, p95 = ("" if goal is None else f"≤ {goal:g}" for goal in scenario.goal)
    told = [f"bound {words.amount(scenario.bound_harm)}", f"found {words.percent(ours.found)}"]
    if scenario.setting.kind not in {"poisson", "real"}:
        told[0] += f", × φ of {phi:.2g} is {words.amount(scenario.bound_harm * phi)}"
    told += [f"{other.contender[11:]} {words.amount(other.harm)}" for other in others if _variant(other)]
    harm: Row = {
        "figure": f"{scenario.title}: {scenario.unit}, median",
        "value": _plain(ours.harm),
        "target": median,
        "peer": "; ".join(f"{each.contender} {words.amount(each.harm)}" for each in others if not _variant(each)),
        "note": "; ".join(told),
    }
    worst: Row = {"figure": f"{scenario.title}: {scenario.unit}, p95", "value": _plain(ours.worst), "target": p95}
    slow = f"≤ {scenario.delay_goal:g} s" if scenario.delay_goal else ""
    delay: Row = {
        "figure": f"{scenario.title}: delay, median",
        "value": _plain(ours.delay),
        "unit": "" if ours.delay == float("inf") else "s",
        "target": slow
        or (f"≤ {words.seconds(1.5 * scenario.bound)}" if scenario.setting.kind == "poisson" else ""),
        "note": f"{words.times(ours.times_bound)} the bound of {words.seconds(scenario.bound)}; "
        f"mean of those found {words.seconds(ours.mean)}; ticks of {scenario.setting.tick:g} s",
    }
    return [harm, *([worst] if p95 else []), delay]


def _variant(found: Detection) -> bool:
    """Whether it is interlock itself, told otherwise."""
    return found.contender.startswith("interlock, ")


def cost_table(measured: Measured) -> list[list[str]]:
    """Processor time and memory."""
    said = (dict(row, value=f"{row['value']} {row['unit']}") for row in _cost_rows(measured))
    columns = ("figure", "value", "target", "note")
    return [list(columns), *([str(row[name]) for name in columns] for row in said)]


def _cost_rows(measured: Measured) -> list[Row]:
    found: list[Row] = [
        {
            "figure": cost.figure,
            "value": round(cost.micros, 2),
            "unit": "µs",
            "target": cost.target,
            "note": cost.note,
        }
        for cost in measured.costs
    ]
    for load in measured.loads:
        limit = load.rollouts == 1000
        found += [
            {
                "figure": f"{load.rollouts:,} rollouts judged once: processor time",
                "value": round(load.seconds, 3),
                "unit": "s",
                "target": "< 1 s" if limit else "",
                "note": f"{load.seconds / load.rollouts * 1e6:.0f} µs each, three metrics, 15 minutes old",
            },
            {
                "figure": f"{load.rollouts:,} rollouts judged once: memory",
                "value": round(load.memory, 1),
                "unit": "MB",
                "target": "< 500 MB" if limit else "",
                "note": f"{load.each:.1f} kB each beyond an empty interpreter with the judge",
            },
        ]
    return found


def _plain(value: float) -> object:
    return "–" if value == float("inf") else round(value, 2)


def goals_of(scenario: Scenario, found: Sequence[Detection]) -> str:
    """Whether interlock met the goals, in words."""
    return within(scenario, found[0])
