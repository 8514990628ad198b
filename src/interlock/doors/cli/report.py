"""``interlock report``: what the records amount to when one looks back."""

from __future__ import annotations

import click

from interlock.doors.cli.report_deployments import deployments
from interlock.doors.cli.report_provenance import provenance


@click.group()
def report() -> None:
    """Look back: what past deployments had, what scans found and in whose changes."""


report.add_command(deployments)
report.add_command(provenance)
