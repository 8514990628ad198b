"""``interlock evidence``: hand in attestations, scans and test reports; list what is on record."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import click

from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.statement import OURS
from interlock.doors.cli.desk import as_json, change_id, client, show_json
from interlock.doors.cli.evidence_run import run
from interlock.doors.cli.evidence_verify import verify
from interlock.doors.cli.files import MIB, read_bytes
from interlock.doors.cli.recover import recover
from interlock.doors.cli.text import cut, pad, safe, short, width

MAX_FILE = 16 * MIB
_SUFFIXES = {".sarif": "sarif", ".xml": "junit", ".jsonl": "dsse", ".dsse": "dsse", ".intoto": "dsse"}


@click.group()
def evidence() -> None:
    """Run what shows that a change is safe; add attestations, scans and test reports; list them."""


evidence.add_command(run)
evidence.add_command(recover)
evidence.add_command(verify)


@evidence.command()
@click.argument("named", nargs=-1, required=True, metavar="[CHANGE] FILE")
@click.option(
    "--format", "form", type=click.Choice(["dsse", "sarif", "junit"]), help="Default by the file's name."
)
@click.option("--subject", metavar="DIGEST", help="What an unsigned report is about; default the change as it is.")
@as_json
def add(*, named: tuple[str, ...], form: str | None, subject: str | None, as_json: bool) -> None:
    """Add FILE as evidence for CHANGE. Signed by a trusted runner it counts; else it is self-attested.

    The same file twice is one piece of evidence, under its first id.
    """
    *changes, file = named
    if len(changes) > 1:
        raise click.UsageError(f"expected a change and one file, got {len(named)} arguments")
    change = change_id(changes[0] if changes else None)
    kind = form or _form(file)
    content = base64.b64encode(read_bytes(file, limit=MAX_FILE)).decode()
    with client() as api:
        about = subject or (None if kind == "dsse" else api.get(f"/v1/changes/{change}").json["digest"])
        body = {"format": kind, "content": content, "subject": about}
        kept = api.post(f"/v1/changes/{change}/evidence", body).json
    if as_json:
        show_json(kept)
        return
    runner = f"signed by {safe(kept['runner'])}" if kept["runner"] else "signed by nobody trusted"
    click.echo(f"{kept['id']} {kept['standing']} · {runner} · about {short(kept['subject'])}")


@evidence.command(name="list")
@click.argument("change", required=False)
@as_json
def list_(*, change: str | None, as_json: bool) -> None:
    """List all evidence on record for CHANGE, oldest first."""
    with client() as api:
        page = api.get(f"/v1/changes/{change_id(change)}/evidence").json
    if as_json:
        show_json(page)
        return
    for item in page["items"]:
        click.echo(_listed(item))
    if not page["items"]:
        click.echo("no evidence; add some: interlock evidence add CHANGE FILE")


def _listed(item: dict[str, Any]) -> str:
    """One piece: whether it counts, what it says, about what, until when, and of what kind."""
    from interlock.core.evidence.word import NO_BITE, word  # noqa: PLC0415  # --help lists nothing

    verdict = pad(safe(word(item["summary"]) or "–"), len(NO_BITE))
    about, until = short(item["subject"]), item["expires_at"][:10]
    kind = safe(item["predicate_type"].removeprefix(OURS))
    return cut(f"{item['id']} {pad(item['standing'], 13)} {verdict} {about} until {until} {kind}", width())


def _form(file: str) -> str:
    suffixes = [_SUFFIXES[suffix] for suffix in Path(file).suffixes if suffix in _SUFFIXES]
    if not suffixes:
        raise InvalidInput(
            f"expected a known kind of file, got `{file[:80]}`",
            code="evidence-format",
            hint="say which: --format dsse, sarif or junit",
        )
    return suffixes[0]
