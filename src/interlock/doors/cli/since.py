"""What a reviewer comes back for: what moved since the last approval."""

from __future__ import annotations

import click

from interlock.doors.cli.client import Client
from interlock.doors.cli.desk import show_json
from interlock.doors.cli.screens.drift import drift, moved
from interlock.doors.cli.text import safe, short


def since(api: Client, name: str, *, as_json: bool) -> None:
    """Print what differs between the digest approved last and the one on record."""
    history = api.get(f"/v1/changes/{name}/history").json["items"]
    now = api.get(f"/v1/changes/{name}").json["digest"]
    approvals = [entry for entry in history if entry["kind"] == "statement.approve"]
    if not approvals:
        _tell(
            {"change": name, "approved": None, "recorded": now, "moved": []}, "nobody has approved it yet", as_json
        )
        return
    last = approvals[-1]["body"]
    before = api.get(f"/v1/changes/{name}/revisions/{last['digest']}").json
    after = api.get(f"/v1/changes/{name}/submission").json
    told = {"change": name, "approved": last["digest"], "recorded": now, "moved": moved(before, after)}
    by = f"since {safe(str(last['approver']))} approved {short(last['digest'])}"
    line = drift(before, last["digest"], after, now)
    _tell(told, f"{by}: {line}" if line else f"nothing moved {by}", as_json)
    if line and not as_json:
        click.echo("\n".join(f"  {safe(path)}" for path in moved(before, after)))


def _tell(told: dict[str, object], text: str, as_json: bool) -> None:  # noqa: FBT001  # the command's own flag
    if as_json:
        show_json(told)
    else:
        click.echo(text)
