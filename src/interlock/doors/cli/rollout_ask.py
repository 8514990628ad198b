"""``interlock rollout pause|resume|extend|abort``: what is asked of a rollout under way."""

from __future__ import annotations

import re
from typing import Any

import click

from interlock.core.change.errors import InvalidInput
from interlock.doors.cli.desk import as_json, client, show_json
from interlock.doors.cli.rollout_named import named_rollout
from interlock.doors.cli.text import safe

_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?)(s|m|h|d)?")
_SECONDS = {None: 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_why = click.option("--why", default="", help="Why, in one line; it goes into the ledger.")
_named = click.argument("named", metavar="ROLLOUT|SERVICE")


@click.command()
@_named
@_why
@as_json
def pause(*, named: str, why: str, as_json: bool) -> None:
    """Keep it from widening until somebody resumes it; it is judged on."""
    _tell(_post(named, "pause", {"why": why}), as_json=as_json)


@click.command()
@_named
@as_json
def resume(*, named: str, as_json: bool) -> None:
    """Let it go on where it was held."""
    _tell(_post(named, "resumption", None), as_json=as_json)


@click.command()
@_named
@click.option("--by", "span", required=True, metavar="SPAN", help="How much longer: 30m, 2h, 1d.")
@as_json
def extend(*, named: str, span: str, as_json: bool) -> None:
    """Give the present stage more time to pass."""
    _tell(_post(named, "extension", {"seconds": seconds_of(span)}), as_json=as_json)


@click.command()
@_named
@_why
@as_json
def abort(*, named: str, why: str, as_json: bool) -> None:
    """Bring traffic and artefact back; always allowed."""
    _tell(_post(named, "abort", {"why": why}), as_json=as_json)


def seconds_of(span: str) -> float:
    """``30m``, ``2h`` or a number of seconds.

    Raises:
        InvalidInput: ``span-shape``.
    """
    found = _SPAN.fullmatch(span.strip())
    if found is None:
        raise InvalidInput(
            f"expected a span of time, got `{span[:40]}`", code="span-shape", hint="write 90s, 30m, 2h or 1d"
        )
    return float(found[1]) * _SECONDS[found[2]]


def _post(named: str, what: str, body: object) -> dict[str, Any]:
    with client() as api:
        rollout = named_rollout(api, named)
        found: dict[str, Any] = api.post(f"/v1/rollouts/{rollout}/{what}", body).json
        return found


def _tell(record: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(record)
        return
    held = f", {record['hold']}" if record["hold"] else ""
    click.echo(f"{record['id']}  {safe(record['service'])}  {record['state']}{held}  {record['weight']:g} %")
