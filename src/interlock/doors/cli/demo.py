"""``interlock demo``: a change that must not ship, what it takes until it may, and who would notice a lie."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import click

from interlock.core.change.errors import InvalidInput
from interlock.doors.cli.text import width, wrap

TRIED = 43
"""Columns for what was tried."""


@click.command()
@click.option("--keep", metavar="FOLDER", help="Make the shop there and leave it, to go on by hand.")
def demo(*, keep: str | None) -> None:
    """Make a sample shop and take one change through it, with every command shown."""
    started = time.monotonic()
    if keep is not None:
        folder = Path(keep).resolve()
        if folder.exists() and any(folder.iterdir()):
            raise InvalidInput(
                f"expected an empty folder, got `{keep}` with something in it",
                code="demo-folder",
                hint="name a new folder",
            )
        _told(folder, started)
        click.echo(f"left in {folder}; go on there: cd {folder / 'shop'} && interlock change list")
        return
    with tempfile.TemporaryDirectory(prefix="interlock-demo-") as made:
        _told(Path(made), started)


def _told(folder: Path, started: float) -> None:
    from interlock.core.policy.modes import default_modes  # noqa: PLC0415  # only when it is run
    from interlock.registry import bundled_policies  # noqa: PLC0415  # likewise
    from interlock.testing.shop.story import ENFORCED, Story  # noqa: PLC0415  # likewise

    policies = {**bundled_policies(), "modes.yaml": default_modes(ENFORCED).encode()}
    seen = Story(root=folder, policies=policies, say=click.echo).tell()
    click.echo("\n── What was tried, and what was said\n")
    for tried, said in seen:
        first, *rest = wrap(said, width() - TRIED)
        click.echo("\n".join([f"{tried:<{TRIED}}{first}", *(f"{'':<{TRIED}}{line}" for line in rest)]))
    took = f"{time.monotonic() - started:.0f} s on embedded defaults"
    click.echo(f"\n{took}. Real: git, SQLite, Cedar, every signature and every proof.")
    click.echo("Simulated: the people's security keys, in software. Rollback rehearsal, alert proof and canary")
    click.echo("come later and are only watched here.")
