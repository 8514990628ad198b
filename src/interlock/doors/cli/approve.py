"""``interlock approve``: a person's yes, signed with an SSH key and bound to the digest the change has now."""

from __future__ import annotations

import json

import click

from interlock.core.change.errors import InvalidInput
from interlock.core.change.key_once import once
from interlock.doors.cli.desk import as_json, change_id, client
from interlock.doors.cli.one_way import warn
from interlock.doors.cli.signed import make
from interlock.doors.cli.signing import Pen, signing_flags


@click.command()
@click.argument("change", required=False)
@click.option("--environment", default="production", show_default=True, help="For which place.")
@click.option("--answers", metavar="JSON", help='For a high-risk change: {"breaks": "…", "alert": "…"}.')
@click.option("--for", "on_behalf_of", metavar="PERSON", help="In whose place, by a delegation on record.")
@click.option("--hours", type=float, help="How long it shall hold; default as the rules say.")
@signing_flags
@as_json
def approve(
    *,
    change: str | None,
    environment: str,
    answers: str | None,
    on_behalf_of: str | None,
    hours: float | None,
    pen: Pen,
    as_json: bool,
) -> None:
    """Approve CHANGE as it is now. A later push voids it.

    Exit 1 when it is on record and does not count, with the reason: an author's, for example.
    """
    subject = change_id(change)
    request = {
        "purpose": "approve",
        "subject": subject,
        "environment": environment,
        "answers": read_answers(answers),
        "on_behalf_of": on_behalf_of,
        "hours": hours,
    }
    with client() as api:
        warn(api, subject)
    make(request, pen, as_json=as_json)


def read_answers(text: str | None) -> dict[str, str]:
    """The answers as a map of strings.

    Raises:
        InvalidInput: ``answers-shape`` or ``json-key-twice``.
    """
    if text is None:
        return {}
    try:
        found = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise InvalidInput(
            f"expected a JSON object of strings as answers, got `{text[:60]}`",
            code="answers-shape",
            hint="""--answers '{"breaks": "what it would break", "alert": "which alert tells"}'""",
        )
    return found
