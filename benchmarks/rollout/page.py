"""docs/measurements/rollout.md: figures of real processes, with a dot for every run."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from benchmarks.judge.report import markdown
from benchmarks.rollout import figures, picture
from benchmarks.rollout.rows import Row

HEAD = """# Rollouts on real processes

By `python -m benchmarks.rollout`, between {first} and {last}.

A server (`interlock serve` on SQLite), Envoy or HAProxy, three instances of the running version, one canary and a
load of 300 orders a second are real processes on two cores; every rollout is opened, gated and started by the
commands that people type. Ticks are of 1 s.

The clock runs from the first request that met the fault to the moment at which the proxy itself was read back as
serving nobody; orders are counted at the customers. Every run on record is there. The machine did other
things as well: its load, the number of processes that wanted one of its two processors, was {low:.0f} to
{high:.0f}, in the median {middle:.0f}.
"""
HARM = """## Harm

A grey dot is a run, the green line their median, the red one the goal for it. Errors are the hardest: at 1 % the
canary has three requests a second, of which one in twenty fails. Until the third failure, which nobody can call
chance any more, 18 s pass in the median.

![seconds from the first faulty request to nobody served](rollout-seconds.svg)

![orders lost by customers](rollout-lost.svg)
"""
GOOD = """## Good rollouts

Two minutes each, four stacks at once sharing the load; in the middle of most of them one process was stopped
(SIGSTOP) and let go on. A rollout is held while nothing can be believed, which is what stalls are for; none may be
stopped.
"""


def write(rows: Sequence[Row], folder: Path) -> str:
    """Write page and pictures into ``folder``; the page's name."""
    harmful = [row for row in rows if row["case"] != "good"]
    loads = [row["load"] for row in rows]
    text = HEAD.format(
        first=_day(min(row["at"] for row in rows)),
        last=_day(max(row["at"] for row in rows)),
        low=min(loads),
        high=max(loads),
        middle=statistics.median(loads),
    )
    if harmful:
        picture.seconds(harmful, folder / "rollout-seconds.svg")
        picture.lost(harmful, folder / "rollout-lost.svg")
        text += f"\n{HARM}\n" + "\n".join(_table(figures.harmful(rows))) + "\n"
    good = figures.harmless(rows)
    if good:
        text += f"\n{GOOD}\n" + "\n".join([*_table(good), "", *_stalls(rows)]) + "\n"
    (folder / "rollout.md").write_text(text, encoding="utf-8")
    return "rollout.md"


def _day(moment: str) -> str:
    return f"{moment[:10]} {moment[11:16]} UTC"


def _table(found: Sequence[Row]) -> list[str]:
    return markdown(
        [
            ["figure", "value", "goal", "note"],
            *(
                [row["figure"], f"{row['value']:g} {row['unit']}".strip(), row.get("target", ""), row["note"]]
                for row in found
            ),
        ]
    )


def _stalls(rows: Sequence[Row]) -> list[str]:
    """What stood still, and what became of these rollouts."""
    good = [row for row in rows if row["case"] == "good"]
    lines = [["stood still", "rollouts", "stopped", "held at the end", "most evidence of harm"]]
    for stall in sorted({row["stall"] for row in good}):
        mine = [row for row in good if row["stall"] == stall]
        stopped, held = sum(bool(row["cause"]) for row in mine), sum(bool(row["hold"]) for row in mine)
        most = max(row["log_e"] for row in mine)
        lines.append([stall or "nothing", str(len(mine)), str(stopped), str(held), f"e^{most:.1f} : 1"])
    return markdown(lines)
