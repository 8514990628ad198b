"""``interlock gate``: may it go? 0 allowed, 1 refused, 3 undecidable (treat it like 1), 2 wrong input.

Rules:
1. The change is read again here, by its own recipes, so that what is judged is what ships; ``--digest`` stands
   in only where nothing can be read.
2. What ships is the checkout: a range that begins after what was shipped before is refused, and so are edits that
   are in no commit.
3. The ticket is written whole to ``--ticket-file`` or not at all, and never for a refusal.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from interlock.config import Config
from interlock.core.change.errors import InterlockError
from interlock.doors.cli.client import Client
from interlock.doors.cli.desk import REFUSED, as_json, change_id, client, leave, settings
from interlock.doors.cli.files import write_whole
from interlock.doors.cli.text import safe


@click.command()
@click.argument("change", required=False)
@click.option("--environment", default="production", show_default=True, help="Where it is to go.")
@click.option("--digest", metavar="SHA256", help="The digest about to ship, where the change cannot be read here.")
@click.option("--artefact", metavar="SHA256", help="The artefact about to ship; it must be one the change names.")
@click.option("--ticket-file", metavar="FILE", help="Write the ticket there.")
@click.option("--report-file", metavar="FILE", help="With gitlab: the JUnit report; default interlock-gate.xml.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "github", "gitlab"]), default="text", show_default=True
)
@click.option("--all", "everything", is_flag=True, help="Also what is met and what is only watched.")
@as_json
def gate(
    *,
    change: str | None,
    environment: str,
    digest: str | None,
    artefact: str | None,
    ticket_file: str | None,
    report_file: str | None,
    form: str,
    everything: bool,
    as_json: bool,
) -> None:
    """Ask whether CHANGE may go to an environment now, and get its ticket."""
    from interlock.doors.cli.screens import permit  # noqa: PLC0415  # --help draws nothing

    config = settings()
    name = change_id(change)
    with _told_to("json" if as_json else form), client(config) as api:
        offer, moved, notes = _offer(api, name, digest, environment, config)
        wanted = {"environment": environment, "artefact": artefact, **offer}
        result = api.post(f"/v1/changes/{name}/gate", wanted).json
    if ticket_file and result["ticket"]:
        write_whole(ticket_file, result["ticket"].encode())
    permit.show(
        result,
        form="json" if as_json else form,
        everything=everything,
        ticket_file=ticket_file,
        moved=moved,
        notes=notes,
        report_file=report_file or "interlock-gate.xml",
    )
    if result["outcome"] != "allow":
        leave(REFUSED)


@contextmanager
def _told_to(form: str) -> Iterator[None]:
    """Let the pipeline's page say why there was no answer; the error goes on as it was."""
    try:
        yield
    except InterlockError as error:
        if form == "github":
            text = safe(f"{error.message} → {error.hint}").replace("%", "%25")
            click.echo(f"::error title=interlock, undecided::{text}")
        raise


def _offer(
    api: Client, name: str, digest: str | None, environment: str, config: Config
) -> tuple[dict[str, Any], str, list[str]]:
    """What is offered, in one line what moved since it was recorded, and what is to be said of the checkout."""
    if digest:
        return {"digest": digest}, "", []
    from interlock.doors.cli.at_hand import at_hand  # noqa: PLC0415  # --help reads nothing
    from interlock.doors.cli.checkout import checkout, unseen  # noqa: PLC0415  # likewise
    from interlock.doors.cli.checkout import told as told_of  # noqa: PLC0415  # likewise

    here = at_hand(api, name, config)
    found = checkout(api, config.root, here.submission, environment)
    notes = [*told_of(found, here.bases), *unseen(config.root)]
    if here.moved:
        # Approvals are of what is on record: nothing can be approved anew, or seen to have moved, before that.
        notes.append(f"what is here is not on record: first interlock change push {name}, then have it approved")
    return {"submission": here.submission, "checkout": found}, here.moved, notes
