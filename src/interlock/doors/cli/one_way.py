"""What nobody can take back, named before anybody decides: the members of rollback sets that are not reversible.

Rules:
1. They are those of the rehearsal plans in force for the services that the change touches, rehearsed or not.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import click

from interlock.core.change.errors import InterlockError
from interlock.doors.cli.aside import aside
from interlock.doors.cli.text import safe

if TYPE_CHECKING:
    from interlock.doors.cli.client import Client

Told = dict[str, Any]


def one_way(api: Client, services: list[str]) -> list[Told]:
    """Each such member: its service, environment, name, and why it cannot be taken back."""
    from interlock.core.rehearsal.plan_read import read_rehearsal_plan  # noqa: PLC0415  # --help reads nothing

    items = [
        item for item in api.get("/v1/plans", producer="rehearsal").json["items"] if item["service"] in services
    ]
    plans = [read_rehearsal_plan(item["path"], base64.b64decode(item["content"])) for item in items]
    return [
        {"service": plan.service, "environment": plan.environment, "member": one.name, "because": one.because}
        for plan in plans
        for one in plan.members
        if not one.reversible
    ]


def lines(found: list[Told]) -> list[str]:
    """For people."""
    from interlock.doors.cli.screens.columns import told  # noqa: PLC0415  # --json draws nothing

    return [
        line for number, one in enumerate(found) for line in told("ONE WAY" if number == 0 else "", _named(one))
    ]


def _named(one: Told) -> str:
    return f"nobody can take back {safe(one['member'])} of {safe(one['service'])}: {safe(one['because'])}"


def warn(api: Client, change: str) -> None:
    """Say it on the stream for what is not the answer; that it could not be looked up is said too."""
    try:
        found = one_way(api, api.get(f"/v1/changes/{change}").json["services"])
    except InterlockError as error:
        # Of a change that there is not, whoever asks for it next says so, and better.
        if error.code != "record-unknown":
            aside("doubt", f"what nobody can take back could not be looked up ({error.code})")
        return
    if found:
        click.echo("\n".join(lines(found)), err=True)
