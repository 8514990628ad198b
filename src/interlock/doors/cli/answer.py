"""``interlock change answer``: a person's answer to what a reviewer asked, signed like an approval."""

from __future__ import annotations

import click

from interlock.doors.cli.desk import as_json
from interlock.doors.cli.signed import make
from interlock.doors.cli.signing import Pen, signing_flags


@click.command()
@click.argument("change")
@click.argument("concern")
@click.option("--text", required=True, help="The answer, in plain words.")
@click.option("--environment", default="production", show_default=True, help="For which place.")
@click.option("--hours", type=float, help="How long it shall hold; default as the rules say.")
@signing_flags
@as_json
def answer(
    *, change: str, concern: str, text: str, environment: str, hours: float | None, pen: Pen, as_json: bool
) -> None:
    """Answer CONCERN about CHANGE as it is now. A later push voids it.

    Exit 1 when it is on record and does not count, with the reason: an author's, for example.
    """
    request = {
        "purpose": "answer",
        "subject": change,
        "environment": environment,
        "hours": hours,
        "details": {"concern": concern, "text": text},
    }
    make(request, pen, as_json=as_json)
