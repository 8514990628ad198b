"""``interlock evidence recover``: what an interrupted rehearsal left half-way is brought back, or named.

Rules:
1. It goes by the plan in the journal, whatever the rules say by now, and needs no server. The record is asked for
   what is half-way besides: nobody may take a lost journal for a place that is as it was.
2. An environment that this checkout's interlock.yaml has come to call production is left alone: a plan for staging
   has no business there.
3. What is still not as it was stays on the list until it is, or until somebody says that it is as it should be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from interlock.config import Config
from interlock.core.change.errors import InvalidInput
from interlock.doors.cli.aside import aside
from interlock.doors.cli.desk import REFUSED, UNDECIDED, as_json, client, leave, settings, show_json
from interlock.doors.cli.text import safe

if TYPE_CHECKING:
    from interlock.core.rehearsal.journal import Head

Told = dict[str, Any]


@click.command()
@click.argument("environment", required=False)
@click.option("--accept", is_flag=True, help="What is there is as it should be: touch nothing, close the journal.")
@as_json
def recover(*, environment: str | None, accept: bool, as_json: bool) -> None:
    """Bring back what an interrupted rehearsal left half-way in ENVIRONMENT; default wherever there is something.

    Exit 1 where something is still not as it was, 3 where the record could not be asked.
    """
    from interlock.doors.cli.interrupts import asked_to_end  # noqa: PLC0415  # --help touches nothing
    from interlock.doors.cli.screens.rehearsal import brought_back  # noqa: PLC0415  # likewise

    config = settings()
    with asked_to_end():
        found = _recovered(config, environment, accept=accept)
        recorded, doubt = _on_record(config, environment, found, accept=accept)
    found += recorded
    if environment and not found:
        _nothing_there(config, environment)
    if as_json:
        show_json({"items": found})
    elif found or not doubt:
        click.echo("\n".join(brought_back(found)))
    if doubt:
        aside("doubt", safe(doubt))
    dirty = any(one["ended"] in {"dirty", "lost", "unknown"} for one in found)
    leave(REFUSED if dirty else UNDECIDED if doubt else 0)


def _nothing_there(config: Config, environment: str) -> None:
    """Pass an environment with nothing half-way, where nothing is anywhere.

    Raises:
        InvalidInput: ``rehearsal-elsewhere``.
    """
    from interlock.plugins.world.rehearsal_files import RehearsalFiles  # noqa: PLC0415  # --help touches nothing

    half_way = RehearsalFiles(config.home).environments()
    if half_way:
        raise InvalidInput(
            f"expected something half-way in `{environment[:80]}`, got nothing there",
            code="rehearsal-elsewhere",
            hint=f"half-way: {', '.join(half_way)}",
        )


def _on_record(
    config: Config, environment: str | None, found: list[Told], *, accept: bool
) -> tuple[list[Told], str]:
    """What the record knows besides, and why it could not be asked."""
    from interlock.core.change.errors import InterlockError  # noqa: PLC0415  # --help touches nothing
    from interlock.doors.cli.recover_record import on_record, unasked  # noqa: PLC0415  # likewise

    try:
        with client(config) as api:
            return on_record(config, api, environment, [one["run"] for one in found], accept=accept), ""
    except InterlockError as error:
        return [], unasked(error)


def _recovered(config: Config, environment: str | None, *, accept: bool) -> list[Told]:
    """What was half-way, and what of it is still so, in ``environment`` or everywhere."""
    from interlock.doors.cli import rehearsing  # noqa: PLC0415  # --help touches nothing
    from interlock.plugins.world.rehearsal_files import RehearsalFiles  # noqa: PLC0415  # likewise

    files, found = RehearsalFiles(config.home), []
    half_way = files.environments()
    for place in half_way if environment is None else {environment}.intersection(half_way):
        with files.alone(place):
            if accept:
                for one in rehearsing.accept(files, place):
                    _say(config, one.head.run, ())
                    found.append(_half_way(one.head, "accepted", one.left))
                continue
            _check_place(config, place)
            for each in rehearsing.bring_back(config, files, place, rehearsing.hearing()):
                left = tuple(one.told for one in each.left)
                _say(config, each.journal.head.run, left)
                found.append(_half_way(each.journal.head, "dirty" if left else "recovered", left))
    return found


def _check_place(config: Config, environment: str) -> None:
    """Pass an environment that is not production by what lies here.

    Raises:
        Conflict: ``rehearsal-production``.
    """
    from interlock.core.change.errors import Conflict  # noqa: PLC0415  # --help touches nothing
    from interlock.core.change.settings import SETTINGS_FILE  # noqa: PLC0415  # likewise
    from interlock.core.policy.rules import settings_of  # noqa: PLC0415  # likewise
    from interlock.doors.cli.files import MIB, read_bytes  # noqa: PLC0415  # likewise

    place = config.root / SETTINGS_FILE
    if not place.exists():
        return
    known = settings_of({SETTINGS_FILE: read_bytes(place, limit=MIB)}).environments.get(environment)
    if known is not None and known.production:
        raise Conflict(
            f"expected an environment that is not production, got `{environment[:80]}`, which {SETTINGS_FILE} "
            "calls production by now",
            code="rehearsal-production",
            hint=f"bring it back by hand, then: interlock evidence recover {environment} --accept",
        )


def _say(config: Config, run: str, left: tuple[str, ...]) -> None:
    """What is on record of the run, where that can be reached: what is here does not wait for it."""
    from interlock.core.change.errors import InterlockError  # noqa: PLC0415  # --help touches nothing
    from interlock.doors.cli.run_record import over  # noqa: PLC0415  # likewise

    try:
        with client(config) as api:
            over(api, run, "dirty" if left else "cancelled", left)
    except InterlockError as error:
        aside("doubt", f"nothing of this is on record: {safe(error.message)}")


def _half_way(head: Head, how: str, left: tuple[str, ...]) -> Told:
    return {
        "run": head.run,
        "change": head.change,
        "service": head.service,
        "environment": head.environment,
        "began": head.began,
        "ended": how,
        "left": [*left],
    }
