"""``interlock change checklist``: DEPLOY_CHECKLIST.md of a change, or the change.md that comes before it.

Rules:
1. Of a change it is the record's: what is ticked, by what, and what is missing. Where nobody wrote change.md in
   full, the form to fill in is part of it; without a change there is the form alone.
2. A file that somebody else wrote, or ticked boxes in, is not replaced unless that is said.
"""

from __future__ import annotations

from pathlib import Path

import click

from interlock.core.change.errors import Conflict
from interlock.doors.cli.desk import as_json, client, settings, show_json
from interlock.doors.cli.text import logged


@click.command()
@click.argument("change", required=False)
@click.option("--environment", default="production", show_default=True, help="Where it goes.")
@click.option("--form", is_flag=True, help="Only the change.md to fill in.")
@click.option("--out", metavar="FILE", help="Write it there, such as DEPLOY_CHECKLIST.md, instead of printing it.")
@click.option("--replace", is_flag=True, help="Even if FILE is there and is another.")
@as_json
def checklist(
    *, change: str | None, environment: str, form: bool, out: str | None, replace: bool, as_json: bool
) -> None:
    """Render DEPLOY_CHECKLIST.md of CHANGE from the record; without a change, a change.md to fill in."""
    named = change or settings().change
    if named is None:
        from interlock.core.audit.checklist_form import form_of  # noqa: PLC0415  # --help needs none

        found = {"text": form_of(), "form": form_of()}
    else:
        with client() as api:
            found = api.get(f"/v1/changes/{named}/checklist", environment=environment).json
    text = found["form" if form else "text"]
    if out is not None:
        _write(Path(out), text, replace=replace)
    if as_json:
        show_json(found)
    elif out is None:
        click.echo(logged(text), nl=False)
    else:
        click.echo(f"{out} written" if named is None else f"{out} written, of {named}", err=True)


def _write(path: Path, text: str, *, replace: bool) -> None:
    from interlock.doors.cli.files import read_bytes, write_whole  # noqa: PLC0415  # only where a file is asked for

    content = text.encode()
    if not replace and path.exists() and read_bytes(path, limit=2**24) != content:
        raise Conflict(
            f"expected no file at `{path.name[:80]}`, or the same, got another",
            code="checklist-exists",
            hint="somebody may have ticked boxes in it: look, then say --replace",
        )
    write_whole(path, content)
