"""docs/measurements/judge.md: every table and picture of the run."""

from __future__ import annotations

from datetime import UTC, datetime

from benchmarks.judge import report, words
from benchmarks.judge.report import Measured

HEAD = """# The judge against its peers

By `python -m benchmarks.judge{few}` on {day}. Every contender sees the same seeded streams; interlock takes φ from
one generated hour of history before each twenty rollouts, as it would from a real one. The line *information
bound* is log(3/α)/KL: what nobody can beat who stops at most one good rollout in a hundred over three metrics.
Harm is told at the usual rate, from the fault's first moment to the stop.

- **interlock, φ of a day** took it from 24 hours instead, and **interlock, φ = 1** was told that events are
  independent, which Poisson traffic is: the differences are what the uncertainty of an hour's φ costs. Other
  noise must be compared with the bound × φ.
- **oracle threshold** is the best fixed threshold, window and metric for that very fault, chosen with hindsight
  at interlock's own rate of false stops: what thresholds could do at most.
- **Kayenta** is its Mann-Whitney judge with defaults (tolerance 0.25, 98 %, marginal score 75) on points of a
  minute; **Argo, documented** and **Flagger** have their documentation's thresholds, **Argo, tuned** those of an
  operator who knows this service. All are written from their published rules; the modules cite them.
- A contender that also stops good rollouts finds faults for no merit of its own: read both tables together.
"""

THIN = """\
The real shop's days are thin: ten days with 47–96 orders each, compressed into an hour and split at random. They
say how often a split of these days misleads, and nothing about days that are not among them; φ there is from one
other day, which is too little to be sure of anything slow."""
FEW = """\
This was a run of few rollouts, a first impression: the confidence limits are wide, and the oracle is flattered,
because so few good rollouts forbid it little. A whole run takes a quarter of an hour on two idle cores."""
TICKS = """\
A stop comes at the end of a tick: with ticks of 5 s a bound of 6.2 s is 10 s for everybody. Late onsets pay for
every moment at which harm might have begun."""


def written(measured: Measured, pictures: dict[str, str]) -> str:
    """The page; ``pictures`` are file names by scenario."""
    lines = [
        HEAD.format(day=f"{datetime.now(UTC):%Y-%m-%d}", few=measured.few and f" {measured.few}"),
        "## False stops",
        "",
    ]
    lines += [FEW, ""] if measured.few else []
    lines += report.markdown(report.good_table(measured.goods))
    lines += ["", THIN, "", *passes(measured)]
    lines += [*_picture("goods", "good rollouts stopped, by traffic and contender", pictures)]
    lines += [
        "## Distance from the bound",
        "",
        TICKS,
        "",
        *_picture("bounds", "median delay over the bound", pictures),
    ]
    lines += ["## Faults", ""]
    for name, (scenario, found, phi) in measured.faults.items():
        lines += [f"### {scenario.title[0].upper()}{scenario.title[1:]}", ""]
        lines += report.markdown(report.fault_table(scenario, found))
        remarks = [
            f"oracle: {measured.chosen[name]}" if name in measured.chosen else "",
            f"φ is {phi:.2g} at that horizon, bound × φ {words.amount(scenario.bound_harm * phi)} {scenario.unit}"
            if phi > 1.05
            else "",
            f"goals: {report.goals_of(scenario, found)}" if report.goals_of(scenario, found) else "",
        ]
        said = "; ".join(remark for remark in remarks if remark)
        lines += ["", *([said[0].upper() + said[1:] + ".", ""] if said else [])]
        lines += _picture(name, scenario.title, pictures)
    lines += ["## Cost", ""]
    lines += report.markdown(report.cost_table(measured))
    lines += ["", *_picture("growth", "processor time and memory by number of rollouts", pictures)]
    return "\n".join(lines).rstrip() + "\n"


def passes(measured: Measured) -> list[str]:
    """When good rollouts passed, and that catastrophes did not."""
    if not measured.passed:
        return []
    good = [
        f"{scenario.title.removeprefix('good rollouts, ')} {words.seconds(measured.passed[name][1])}"
        for name, (scenario, _, _) in measured.goods.items()
    ]
    worst = [
        measured.passed[name][0]
        for name, (scenario, _, _) in measured.faults.items()
        if scenario.fault.orders < 0.1 and not scenario.fault.onset
    ]
    said = f"A first stage's PASS (a loss of 90 % ruled out) came after a median of: {', '.join(good)}."
    if worst:
        said += (
            f" Of canaries that lost 99 % of the orders from the beginning, {words.percent(max(worst))} passed."
        )
    return [said, ""]


def _picture(name: str, title: str, pictures: dict[str, str]) -> list[str]:
    return [f"![{title}]({pictures[name]})", ""] if name in pictures else []
