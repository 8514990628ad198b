"""``interlock evidence verify``: a signed statement and its journal, looked at again by whoever doubts them.

Rules:
1. A statement is judged as it would be if it were handed in now: whose signature, about which digest, until when.
   Nothing is handed in.
2. A rehearsal's statement names its journal. One that differs is refused, with the lines; one that is not here
   leaves it undecided.
3. 0 when everything holds, 1 when something does not, 2 unreadable, 3 when something could not be decided.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from interlock.core.change.errors import InvalidInput, NotFound
from interlock.doors.cli.desk import REFUSED, UNDECIDED, as_json, change_id, client, leave, settings, show_json
from interlock.doors.cli.files import MIB, read_bytes
from interlock.doors.cli.text import safe, short

if TYPE_CHECKING:
    from interlock.config import Config
    from interlock.core.evidence.model import Evidence
    from interlock.doors.cli.client import Client

Told = dict[str, Any]
MAX_FILE = 16 * MIB
MAX_JOURNAL_FILE = 32 * MIB


@click.command()
@click.argument("named", nargs=-1, required=True, metavar="[CHANGE] FILE-OR-EVIDENCE")
@click.option(
    "--journal", metavar="FILE", help="The rehearsal's journal; default that of its run on this machine."
)
@as_json
def verify(*, named: tuple[str, ...], journal: str | None, as_json: bool) -> None:
    """Verify a signed statement about CHANGE, and that the journal of its run is the one that was signed.

    Names a file, or evidence that was handed in from this machine. Hands in nothing.
    """
    *changes, wanted = named
    if len(changes) > 1:
        raise click.UsageError(f"expected a change and one statement, got {len(named)} arguments")
    config = settings()
    with client(config) as api:
        found = _verified(api, config, change_id(changes[0] if changes else None), wanted, journal)
    if as_json:
        show_json(found)
    else:
        click.echo("\n".join(_lines(found)))
    leave(REFUSED if found["refused"] else UNDECIDED if found["undecided"] else 0)


def _verified(api: Client, config: Config, name: str, wanted: str, journal: str | None) -> Told:
    from interlock.core.evidence.word import word  # noqa: PLC0415  # --help reads nothing

    change, rules = api.get(f"/v1/changes/{name}").json, api.get("/v1/rules").json
    file, content = _content(api, config, name, wanted)
    try:
        one = _judged(content, change, rules)
    except InvalidInput as error:
        if error.code not in {"signature-wrong", "evidence-future"}:
            raise
        return {"file": file, "change": name, "refused": [error.message], "undecided": ""}
    refused = [] if one.standing == "trusted" else [f"{one.standing}: {one.why}"]
    told: Told = {
        "file": file,
        "change": name,
        "runner": one.runner,
        "predicate_type": one.predicate_type,
        "subject": one.subject,
        "issued_at": one.issued_at,
        "expires_at": one.expires_at,
        "verdict": one.summary.get("verdict"),
        "word": word(one.summary),
        "standing": one.standing,
        "undecided": "",
    }
    return told | _journal(config, one, journal, refused)


def _content(api: Client, config: Config, name: str, wanted: str) -> tuple[str, bytes]:
    """The statement's file: as it is named, or that of evidence on record, which must be the very bytes."""
    from interlock.core.change.canonical import sha256  # noqa: PLC0415  # --help reads nothing
    from interlock.doors.cli.runner import FOLDER  # noqa: PLC0415  # likewise

    if Path(wanted).is_file() or not wanted.startswith("evd-"):
        return wanted, read_bytes(wanted, limit=MAX_FILE)
    items = api.get(f"/v1/changes/{name}/evidence").json["items"]
    one = next((item for item in items if item["id"] == wanted), None)
    if one is None:
        raise NotFound(
            f"expected evidence on record for `{name}`, got `{wanted[:40]}`",
            code="evidence-unknown",
            hint="interlock evidence list shows them",
        )
    place = config.home / FOLDER / f"{Path(str(one['summary'].get('run', ''))).name}.dsse"
    if not place.is_file():
        raise NotFound(
            f"expected the file of `{wanted}` on this machine, got none at `{place}`",
            code="evidence-file-absent",
            hint="name the file where it was signed: interlock evidence verify CHANGE FILE",
        )
    content = read_bytes(place, limit=MAX_FILE)
    if sha256(content) != one["blob"]:
        raise InvalidInput(
            f"expected the bytes that were handed in as `{wanted}`, got others in `{place}`",
            code="evidence-file-edited",
            hint="what is on record counts; this file was changed afterwards",
        )
    return str(place), content


def _judged(content: bytes, change: Told, rules: Told) -> Evidence:
    from interlock.core.change.change import ChangeHeader  # noqa: PLC0415  # --help reads nothing
    from interlock.core.change.parse import parse  # noqa: PLC0415  # likewise
    from interlock.core.change.settings import Settings  # noqa: PLC0415  # likewise
    from interlock.core.evidence.accept import accept  # noqa: PLC0415  # likewise
    from interlock.plugins.world.system import SystemClock  # noqa: PLC0415  # likewise

    known = parse(Settings, rules["settings"], what="the settings of the rules")
    names = {one.name for one in fields(ChangeHeader)}
    header = parse(ChangeHeader, {key: change[key] for key in change if key in names}, what="a change")
    return accept(
        content,
        format="dsse",
        change=header,
        services=header.services,
        runners=known.trust.runners,
        settings=known,
        now=SystemClock().now(),
        received_from="verify",
        id="evd-verify",
    )[0]


def _journal(config: Config, one: Evidence, named: str | None, refused: list[str]) -> Told:
    """What the journal says to its seal; only a rehearsal's statement has one."""
    from interlock.core.rehearsal.sealed import held, is_sealed  # noqa: PLC0415  # --help reads nothing
    from interlock.plugins.world.rehearsal_files import RehearsalFiles  # noqa: PLC0415  # likewise

    if not is_sealed(one.summary):
        if named is not None:
            refused = [*refused, "the statement names no journal, so this one is nobody's word"]
        return {"refused": refused}
    place = Path(named) if named else RehearsalFiles(config.home).go_on(str(one.summary.get("run"))).place
    if named is None and not place.is_file():
        why = f"the journal is not here: {place}; name it: --journal FILE"
        return {"refused": refused, "undecided": why}
    found = held(one.summary, read_bytes(place, limit=MAX_JOURNAL_FILE))
    broken = [f"journal {place.name}: {each}" for each in found.broken]
    return {"refused": [*refused, *broken], "journal": str(place), "journal_later": found.later}


def _lines(found: Told) -> list[str]:
    from interlock.doors.cli.screens.columns import told  # noqa: PLC0415  # --help reads nothing

    if found["refused"]:
        lines: list[str] = []
        for number, why in enumerate(found["refused"]):
            lines += told("REFUSED" if number == 0 else "", safe(why))
        return lines
    until = f"until {found['expires_at']:%Y-%m-%d %H:%M} UTC"
    says, about = safe(found["word"] or "no verdict"), short(found["subject"])
    signed = f"{says} · signed by {safe(found['runner'])} · about {about} · {until}"
    lines = told("HOLDS", signed)
    if found["undecided"]:
        return told("UNKNOWN", safe(found["undecided"])) + lines
    if "journal" in found:
        later = (
            f"; {found['journal_later']} lines were written later, by recovery" if found["journal_later"] else ""
        )
        lines += told("journal", f"{safe(found['journal'])} is the one that was signed{later}")
    return lines
