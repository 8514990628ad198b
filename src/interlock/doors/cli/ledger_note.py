"""``interlock ledger note``: write down what was done, signed into the log under the caller's own name.

Rules:
1. It goes through the API like every write: under a token's principal with a server, as ``local:<who>`` without.
2. What is printed names the entry and the checkpoint that covers it already.
"""

from __future__ import annotations

import click

from interlock.core.change.errors import InvalidInput
from interlock.core.rollout.phrases import amount
from interlock.doors.cli.desk import as_json, change_id, client, show_json
from interlock.doors.cli.text import cut, mark, safe, width

MAX_FILE = 65_536


@click.command(name="note")
@click.argument("name")
@click.argument("subject", required=False)
@click.option("--say", "pairs", metavar="KEY=VALUE", multiple=True, help="A detail; may be repeated.")
@click.option("--said", metavar="FILE", help="All details, as a JSON object.")
@as_json
def note(*, name: str, subject: str | None, pairs: tuple[str, ...], said: str | None, as_json: bool) -> None:
    """Note event NAME about SUBJECT: a change's id (default INTERLOCK_CHANGE) or any short text."""
    details = {**_from_file(said), **dict(_pair(each) for each in pairs)}
    about = change_id(subject)
    event = {"name": name, "subject": about, "said": details}
    with client() as api:
        done = api.post("/v1/events", {"events": [event]}).json
    if as_json:
        show_json(done)
        return
    size = int(done["checkpoint"].split("\n")[1])
    told = f"#{done['indices'][0]} event.{safe(name)} about {safe(about)}"
    click.echo(cut(f"{mark(met=True)} {told}  ·  signed, {amount(size, 'entries')}", width()))


def _pair(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise InvalidInput(
            f"expected KEY=VALUE after --say, got `{text[:60]!a}`",
            code="say-malformed",
            hint="for example --say ticket=tkt-1; use --said FILE for more than text",
        )
    return key, value


def _from_file(named: str | None) -> dict[str, object]:
    if named is None:
        return {}
    from interlock.core.change.canonical import Json  # noqa: PLC0415  # --help needs no pydantic
    from interlock.core.change.parse import parse_json  # noqa: PLC0415  # likewise
    from interlock.doors.cli.files import read_bytes  # noqa: PLC0415  # likewise

    return dict(parse_json(dict[str, Json], read_bytes(named, limit=MAX_FILE), what=f"`{named}`"))
