"""``interlock rollout pause|resume|extend|abort``: what is asked of a rollout under way.

Rules:
1. What is asked is put on record, and the worker that has the rollout does it. Where none has it that is said,
   beside the answer, with what can be typed.
2. ``abort`` where there is neither a server nor a worker is the worker itself: it returns when all is back. Where
   a server is set and no worker takes it up nothing is back yet: 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click

from interlock.config import Config
from interlock.core.change.errors import InterlockError, InvalidInput
from interlock.doors.cli.desk import REFUSED, as_json, client, leave, settings, show_json
from interlock.doors.cli.rollback_asked import waiting
from interlock.doors.cli.rollout_back import left_alone, let_go, move_back, nobody, taken_up
from interlock.doors.cli.rollout_named import is_id, named_rollout
from interlock.doors.cli.screens.rollout_bars import span as span_told
from interlock.doors.cli.text import safe

Told = dict[str, Any]

_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(s|m|h|d)")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_SHUT = frozenset({401, 403, 503})
"""Statuses of an API that does not do what is asked, whoever is right."""

_why = click.option("--why", default="", help="Why, in one line; it goes into the ledger.")
_named = click.argument("named", metavar="ROLLOUT|SERVICE")


@click.command()
@_named
@_why
@as_json
def pause(*, named: str, why: str, as_json: bool) -> None:
    """Keep it from widening until somebody resumes it; it is judged on."""
    _ask(named, "pause", {"why": why}, as_json=as_json)


@click.command()
@_named
@as_json
def resume(*, named: str, as_json: bool) -> None:
    """Let it go on where it was held."""
    _ask(named, "resumption", None, as_json=as_json)


@click.command()
@_named
@click.option("--by", "span", required=True, metavar="SPAN", help="How much longer: 30m, 2h, 1d.")
@as_json
def extend(*, named: str, span: str, as_json: bool) -> None:
    """Give the present stage more time to pass."""
    _ask(named, "extension", {"seconds": seconds_of(span)}, as_json=as_json, tell=_limit)


@click.command()
@_named
@_why
@as_json
def abort(*, named: str, why: str, as_json: bool) -> None:
    """Bring traffic and artefact back; always allowed."""
    config = settings()
    try:
        record = _asked_back(config, named, why)
    except InterlockError as error:
        raise _way_out(error, named) from error
    try:
        leave(_back(config, record, as_json=as_json))
    except KeyboardInterrupt:
        raise let_go(record) from None


def _asked_back(config: Config, named: str, why: str) -> Told:
    """The record, once going back is on it."""
    with client(config) as api:
        record: Told = api.post(f"/v1/rollouts/{named_rollout(api, named)}/abort", {"why": why}).json
        return record


def _way_out(error: InterlockError, named: str) -> InterlockError:
    """Whoever may not ask, or gets no answer, can still go back; the traffic stays as it is until then."""
    if error.status not in _SHUT:
        return error
    service = "SERVICE" if is_id(named) else named
    known = InterlockError(
        error.message, code=error.code, hint=f"{error.hint}; without asking: interlock rollback {service}"
    )
    known.status = error.status
    return known


def seconds_of(span: str) -> float:
    """``90s``, ``30m``, ``2h``, ``1d``: a number alone could be meant in any of them.

    Raises:
        InvalidInput: ``span-shape``.
    """
    found = _SPAN.fullmatch(span.strip())
    if found is None:
        raise InvalidInput(
            f"expected a span of time with its unit, got `{span[:40]}`",
            code="span-shape",
            hint="write 90s, 30m, 2h or 1d",
        )
    return float(found[1]) * _SECONDS[found[2]]


def _limit(shown: Told) -> str:
    """How long the stage may take now, and how much of that is left."""
    record = shown["record"]
    limit = shown["stages"][record["stage"]]["limit"] + record["extended"]
    left = max(0.0, limit - record["spent"])
    return f"  stage {record['stage'] + 1} may take {span_told(limit)} in all, {span_told(left)} of it are left"


def _nothing(shown: Told) -> str:
    del shown
    return ""


def _ask(named: str, what: str, body: object, *, as_json: bool, tell: Callable[[Told], str] = _nothing) -> None:
    with client() as api:
        rollout = named_rollout(api, named)
        record: Told = api.post(f"/v1/rollouts/{rollout}/{what}", body).json
        shown: Told = api.get(f"/v1/rollouts/{rollout}").json
    _told(record, as_json=as_json)
    more = tell(shown)
    if more and not as_json:
        click.echo(more)
    _warn(shown)


def _back(config: Config, record: Told, *, as_json: bool) -> int:
    """Until it is over, or some worker has it for longer; from here where there is nobody else."""
    with waiting(quiet=as_json) as say:
        with client(config) as api:
            shown = taken_up(api, record["id"], say)
        alone = left_alone(shown)
        after: Told = shown["record"]
        if alone and config.server is None:
            after = move_back(config, record["id"], say) or after
    _told(after, as_json=as_json)
    if alone and config.server is not None:
        _warn(shown)
        return REFUSED
    if not after["ended_at"] and not as_json:
        click.echo(f"  still going back: interlock rollout watch {after['id']}")
    done = {"returned"} if alone else {"returned", "returning"}
    return 0 if after["state"] in done else REFUSED


def _warn(shown: Told) -> None:
    """Beside the answer, so that programs read that alone."""
    lines = nobody(shown)
    if lines:
        click.echo("\n".join(lines), err=True)


def _told(record: Told, *, as_json: bool) -> None:
    if as_json:
        show_json(record)
        return
    held = f", {record['hold']}" if record["hold"] else ""
    click.echo(f"{record['id']}  {safe(record['service'])}  {record['state']}{held}  {record['weight']:g} %")
