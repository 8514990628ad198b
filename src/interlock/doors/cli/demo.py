"""``interlock demo``: the day on which 6.3 million orders were not placed, again, with interlock in its way."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from interlock.core.change.errors import InvalidInput
from interlock.doors.cli.interrupts import asked_to_end
from interlock.doors.cli.text import width, wrap

SCENARIO = "amazon-2026-03-05"
WHAT_IS_REAL = (
    "Real: git, SQLite, Cedar, Envoy, the services and their code, every order, every signature. Simulated: the "
    f"people's security keys, in software. Sources: interlock replay {SCENARIO}"
)


@click.command()
@click.option("--keep", metavar="FOLDER", help="Make the shop there and leave it, to go on by hand.")
def demo(*, keep: str | None) -> None:
    """Make a sample shop, take one change through it and out to customers, with every command shown."""
    started = time.monotonic()
    with folder_for(keep) as folder:
        _told(folder, started)
    if keep is not None:
        click.echo(f"left in {folder}; go on there: cd {folder / 'shop'} && interlock change list")


@contextmanager
def folder_for(keep: str | None) -> Iterator[Path]:
    """A new folder, thrown away afterwards unless it is to be kept; being asked to end is being interrupted.

    Raises:
        InvalidInput: ``demo-folder`` for one with something in it.
    """
    with asked_to_end():
        if keep is None:
            with tempfile.TemporaryDirectory(prefix="interlock-demo-") as made:
                yield Path(made)
        else:
            yield _new(keep)


def _new(keep: str) -> Path:
    folder = Path(keep).resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput(
            f"expected an empty folder, got `{keep}` with something in it",
            code="demo-folder",
            hint="name a new folder",
        )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _told(folder: Path, started: float) -> None:
    from interlock.core.policy.modes import default_modes  # noqa: PLC0415  # only when it is run
    from interlock.doors.cli.screens.then_and_now import then_and_now  # noqa: PLC0415  # likewise
    from interlock.plugins.alerts.promtool import Promtool  # noqa: PLC0415  # likewise
    from interlock.registry import bundled_policies  # noqa: PLC0415  # likewise
    from interlock.testing.replay.scenario import load  # noqa: PLC0415  # likewise
    from interlock.testing.replay.scene import Scene  # noqa: PLC0415  # likewise
    from interlock.testing.replay.table import measured, rows, shown_before  # noqa: PLC0415  # likewise
    from interlock.testing.shop.story import ENFORCED, Story  # noqa: PLC0415  # likewise

    scenario = load(SCENARIO)
    proves_alerts = not Promtool().missing()
    enforced = [name for name in ENFORCED if proves_alerts or name != "alert-proven"]
    policies = {**bundled_policies(), "modes.yaml": default_modes(enforced).encode()}
    with Scene(folder, proxy="envoy", meter="scrape", rate=scenario.traffic.orders_per_second) as scene:
        story = Story(scene=scene, policies=policies, say=click.echo, proves_alerts=proves_alerts, wide=width())
        seen = story.tell()
        now = {
            "approval": f"refused to one operator ({seen.refused}); then two people signed, each with a key",
            "validation": seen.reasons[0] if seen.reasons else seen.refused,
            **shown_before(measured(seen.ran, scene.stack), seen.shown),
        }
    click.echo("\n" + "\n".join(wrap(f"── {scenario.title}", width())))
    click.echo("\n".join(then_and_now(rows(scenario, now))))
    took = f"{time.monotonic() - started:.0f} s on embedded defaults"
    click.echo("\n" + "\n".join(wrap(f"{took}. {WHAT_IS_REAL}", width())))
