"""``interlock report``: look back."""

from __future__ import annotations

import click

from interlock.doors.cli.report_deployments import deployments


@click.group()
def report() -> None:
    """Look back: what past deployments had."""


report.add_command(deployments)
