"""``interlock replay``: a known incident against real components, and which gate stops it here.

Rules:
1. 0 when everything happened that the scenario says must, 1 when something did not, 3 when a component is missing.
2. What is printed of then is what was reported, with its sources; what is printed of now was measured in this run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from interlock.doors.cli.demo import folder_for
from interlock.doors.cli.desk import REFUSED, as_json, leave, show_json
from interlock.doors.cli.text import mark, plural, width, wrap

if TYPE_CHECKING:
    from interlock.testing.replay.run import Replayed
    from interlock.testing.replay.scenario import Scenario
    from interlock.testing.replay.scene import Scene

HEAD = 9


@click.command()
@click.argument("name", required=False)
@click.option("--router", type=click.Choice(["envoy", "haproxy"]), default="envoy", show_default=True)
@click.option("--meter", type=click.Choice(["scrape", "prometheus"]), default="scrape", show_default=True)
@click.option("--keep", metavar="FOLDER", help="Make everything there and leave it.")
@as_json
def replay(
    *,
    name: str | None,
    router: Literal["envoy", "haproxy"],
    meter: Literal["scrape", "prometheus"],
    keep: str | None,
    as_json: bool,
) -> None:
    """Replay the incident NAME against real components; without a NAME, list what there is."""
    from interlock.testing.replay.scenario import load, names  # noqa: PLC0415  # --help reads no scenario

    if name is None:
        _list([load(each) for each in names()], as_json=as_json)
        return
    scenario = load(name)
    from interlock.testing.replay.run import replay as run  # noqa: PLC0415  # only when it is run
    from interlock.testing.replay.scene import Scene  # noqa: PLC0415  # likewise

    said: list[str] = []
    say: Callable[[str], None] = said.append if as_json else click.echo
    with folder_for(keep) as folder, _scene(Scene, folder, router, meter, scenario) as scene:
        if not as_json:
            click.echo("\n".join(_introduced(scenario)))
        found = run(scenario, scene, say)
        if as_json:
            show_json(_told(scenario, found, router, meter))
        else:
            click.echo("\n".join(_closed(scenario, found, scene)))
    leave(0 if found.good else REFUSED)


def _scene(
    made: type[Scene],
    folder: Path,
    router: Literal["envoy", "haproxy"],
    meter: Literal["scrape", "prometheus"],
    scenario: Scenario,
) -> Scene:
    return made(folder, proxy=router, meter=meter, rate=scenario.traffic.orders_per_second)


def _list(scenarios: list[Scenario], *, as_json: bool) -> None:
    if as_json:
        show_json({"items": [{"name": each.name, "title": each.title, "date": each.date} for each in scenarios]})
        return
    for each in scenarios:
        click.echo(f"{each.name}  {each.date} · {each.title}")
    click.echo(f"\nto run one: interlock replay {scenarios[0].name}   on real components here, up to 2 min")


def _introduced(scenario: Scenario) -> list[str]:
    lines = [f"{scenario.name}  {scenario.title}", ""]
    lines += _paragraph("fault", scenario.fault)
    lines += _paragraph("unknown", scenario.unknown)
    return [*lines, ""]


def _closed(scenario: Scenario, found: Replayed, scene: Scene) -> list[str]:
    from interlock.doors.cli.screens.then_and_now import then_and_now  # noqa: PLC0415  # only when something ran
    from interlock.testing.replay.table import measured, rows  # noqa: PLC0415  # likewise

    road = found.road
    now = {
        "approval": f"{road.gate} by the gate in {road.seconds:.1f} s for {plural(len(road.reasons), 'reason')}",
        "validation": "; ".join(road.findings) or "nothing found",
        **measured(found.ran, scene.stack),
    }
    lines = ["", *then_and_now(rows(scenario, now)), ""]
    lines += _listed("disputed", scenario.disputed)
    lines += _listed("sources", [f"{source.title}: {source.url}" for source in scenario.sources])
    lines.append("")
    for number, check in enumerate(found.checks):
        got = "" if check.met else f", got {check.got}"
        first, *rest = wrap(f"{check.what}{got}", width() - HEAD - 2)
        lines.append(f"{'must' if not number else '':<{HEAD}}{mark(check.met)} {first}")
        lines += [" " * (HEAD + 2) + line for line in rest]
    return lines


def _listed(head: str, texts: Sequence[str]) -> list[str]:
    """Each in lines of its own, the head beside the first."""
    return [line for number, text in enumerate(texts) for line in _paragraph("" if number else head, text)]


def _paragraph(head: str, text: str) -> list[str]:
    lines = wrap(text, width() - HEAD)
    return [f"{head if not number else '':<{HEAD}}{line}" for number, line in enumerate(lines)]


def _told(scenario: Scenario, found: Replayed, router: str, meter: str) -> dict[str, object]:
    return {
        "name": scenario.name,
        "router": router,
        "meter": meter,
        "reported": scenario.reported,
        "disputed": scenario.disputed,
        "sources": scenario.sources,
        "road": found.road,
        "rollout": found.ran,
        "checks": found.checks,
        "good": found.good,
    }
