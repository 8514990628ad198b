"""``interlock rollout watch``: the rollout as it goes, until it ends. 0 completed, 1 it went back, 3 lost contact.

Rules:
1. It only looks: Ctrl-C ends the picture and leaves the rollout alone.
2. A server that does not answer is asked again for ``--patience`` seconds. Meanwhile the picture says since when
   it is old; afterwards the command ends with 3, because nobody knows here what became of the rollout. That it
   goes on is not said then: where no server is left, nobody judges what is out.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any

import click

from interlock.core.change.errors import InterlockError, InvalidInput, NotFound
from interlock.doors.cli.aside import complain
from interlock.doors.cli.desk import REFUSED, UNDECIDED, as_json, leave, settings
from interlock.doors.cli.text import safe

Told = dict[str, Any]
LEAST_SECONDS, MOST_SECONDS = 0.25, 2.0
"""Between two looks; a tick of the rollout, within these."""

ANSWER_SECONDS = 5.0
PAGE, MOST_NAMES = 50, 200
INTERRUPTED = 130
_SERVER_FAULT = 500
_ID = re.compile(r"[a-z]{3}-[a-z0-9]{8,}")


@click.command()
@click.argument("named", metavar="[ROLLOUT|SERVICE]", required=False)
@click.option("--environment", help="Only rollouts there, where a service is named.")
@click.option(
    "--patience",
    type=click.FloatRange(0, 3_600),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to ask a server that does not answer.",
)
@as_json
def watch(*, named: str | None, environment: str | None, patience: float, as_json: bool) -> None:
    """Watch a rollout until it ends: the one that is under way, of a SERVICE, or by its id."""
    from interlock.doors.cli.client import connect  # noqa: PLC0415  # --help asks nobody
    from interlock.doors.cli.rollout_views import view  # noqa: PLC0415  # --help draws nothing

    client = connect(settings(), patience=ANSWER_SECONDS)
    name = ""
    try:
        name = _find(client, named, environment)
        with view(as_json=as_json) as shown_in:
            last = _follow(client, name, shown_in, patience)
    except KeyboardInterrupt:
        _left(client, name, as_json=as_json)
    finally:
        client.close()
    leave(0 if last["record"]["state"] == "completed" else REFUSED)


def _follow(client: Any, name: str, view: Any, patience: float) -> Told:  # noqa: ANN401  # a Client and a View
    """Show it again and again; what was shown last, when it has ended."""
    answered, seen, record = time.monotonic(), datetime.now(UTC), Told()
    while True:
        begun = time.monotonic()
        try:
            shown: Told = client.get(f"/v1/rollouts/{name}").json
        except InterlockError as error:
            if error.status < _SERVER_FAULT:
                raise
            silent = time.monotonic() - answered
            if silent >= patience:
                raise _lost(record, seen, silent) from error
            view.contact(f"no answer for {silent:.0f} s: this is how it was at {seen:%H:%M:%S} UTC")
            time.sleep(MOST_SECONDS / 2)
            continue
        answered, seen, record = time.monotonic(), datetime.now(UTC), shown["record"]
        view.show(shown, answered)
        if shown["record"]["ended_at"]:
            return shown
        pause = min(max(shown["tick"] or 0.0, LEAST_SECONDS), MOST_SECONDS)
        time.sleep(max(begun + pause - time.monotonic(), 0.0))


def _find(client: Any, named: str | None, environment: str | None) -> str:  # noqa: ANN401  # a Client
    """The id of the rollout that is meant: under way before ended, newest first.

    Raises:
        NotFound: ``rollout-missing``.
        InvalidInput: ``watch-environment`` beside an id.
    """
    if named and _ID.fullmatch(named):
        try:
            found: Told = client.get(f"/v1/rollouts/{named}").json
        except InterlockError as error:
            if error.status != NotFound.status:
                raise
        else:
            if environment not in {None, found["record"]["environment"]}:
                raise InvalidInput(
                    f"expected `{named}` in `{environment}`, got it in `{found['record']['environment']}`",
                    code="watch-environment",
                    hint="leave --environment out: an id names one rollout",
                )
            return named
    items = client.get("/v1/rollouts", service=named, environment=environment, limit=PAGE).json["items"]
    for one in items:
        if not one["ended_at"]:
            return str(one["id"])
    if not items:
        raise _none(named, environment, meant(client, named))
    _over(items[0], named)
    return str(items[0]["id"])


def _over(last: Told, named: str | None) -> None:
    """Nothing is under way, which must be said before an old picture is shown; beside it, where programs read."""
    of = f" of {safe(named)}" if named else ""
    since = f"{safe(last['state'])} since {last['ended_at'][:19].replace('T', ' ')} UTC"
    complain("", f"no rollout{of} is under way: this is the last one, {since}", indent=2)
    complain(
        "  begin one: ",
        "interlock rollout start CHANGE --ticket FILE · what there was: interlock rollout list",
        indent=4,
    )


def meant(client: Any, named: str | None) -> str:  # noqa: ANN401  # a Client
    """`` (did you mean `harbour`?)``: the service nearest to what was typed, of those that were ever sent out."""
    if not named:
        return ""
    from interlock.core.change.parse import closest  # noqa: PLC0415  # only where nothing is found

    known = client.get("/v1/rollouts", limit=MOST_NAMES).json["items"]
    return closest(named, sorted({str(one["service"]) for one in known} - {named}))


def _none(named: str | None, environment: str | None, near: str) -> NotFound:
    of = f" of `{named}`" if named else ""
    where = f" in `{environment}`" if environment else ""
    return NotFound(
        f"expected a rollout{of}{where}, got none{near}",
        code="rollout-missing",
        hint="interlock rollout list shows all; one begins with interlock rollout start",
    )


def _lost(record: Told, seen: datetime, silent: float) -> InterlockError:
    service, environment = record.get("service", "SERVICE"), record.get("environment", "production")
    where = "" if environment == "production" else f" --environment {environment}"
    lost = InterlockError(
        f"expected an answer, got none for {silent:.0f} s: last at {seen:%H:%M:%S} UTC",
        code="contact-lost",
        hint=f"if no server is left nobody judges: interlock rollback {service}{where}",
    )
    assert lost.status >= _SERVER_FAULT, f"expected exit {UNDECIDED} for what nobody knows"  # noqa: S101  # of ours
    return lost


def _unjudged(client: Any, name: str) -> str:  # noqa: ANN401  # a Client
    """That nobody judges what is left, and how to go on; empty where somebody does, or where nobody can say."""
    from interlock.doors.cli.screens.rollout_blind import unjudged, ways_on  # noqa: PLC0415  # --help draws nothing

    try:
        shown: Told = client.get(f"/v1/rollouts/{name}").json
    except InterlockError:
        return ""
    if not unjudged(shown):
        return ""
    lines = [f"left as it is: {safe(name)}: {unjudged(shown)}"]
    return "\n".join([*lines, *(f"  {why}: {command}" for command, why in ways_on(shown))])


def _left(client: Any, name: str, *, as_json: bool) -> None:  # noqa: ANN401  # a Client
    if name and not as_json:
        goes_on = f"left alone: {safe(name)} goes on without this picture · interlock rollout watch {safe(name)}"
        click.echo(_unjudged(client, name) or goes_on)
    leave(INTERRUPTED)
