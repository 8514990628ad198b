"""``interlock statement``: list, show and take back what people signed.

Rules:
1. Giving takes a key; taking back takes the token of whoever gave, because it only ever tightens.
2. A statement is named by its id, or as *mine about this change*: mine is ``--as``, else the owner of the key that
   would sign.
"""

from __future__ import annotations

from collections.abc import Callable

import click

from interlock.core.change.errors import InvalidInput
from interlock.doors.cli.client import Client
from interlock.doors.cli.desk import as_json, change_id, client, show_json

PURPOSES = ["approve", "answer", "exception", "break-glass", "delegation", "absence", "key-enrolment"]
STANDINGS = ["in-force", "used", "expired", "taken-back"]
MOST = 200
_ID = "sig-"


@click.group()
def statement() -> None:
    """List, show and take back what people signed."""


@statement.command(name="list")
@click.option("--about", metavar="SUBJECT", help="Only about this change, rollout or person.")
@click.option("--by", "approver", metavar="PERSON", help="Only signed by this person.")
@click.option("--purpose", type=click.Choice([*PURPOSES, "widen", "genesis"]), help="Only of this kind.")
@click.option("--standing", type=click.Choice(STANDINGS), help="Only what stands like this now.")
@click.option("--limit", type=click.IntRange(1, MOST), default=20, show_default=True)
@click.option("--after", help="The `next` of the page before.")
@as_json
def list_(
    *,
    about: str | None,
    approver: str | None,
    purpose: str | None,
    standing: str | None,
    limit: int,
    after: str | None,
    as_json: bool,
) -> None:
    """List approvals, exceptions, broken glass, widenings, delegations and absences, newest first."""
    wanted = {"subject": about, "approver": approver, "purpose": purpose, "standing": standing}
    with client() as api:
        page = api.get("/v1/statements", **wanted, limit=limit, after=after).json
    if as_json:
        show_json(page)
        return
    from interlock.doors.cli.screens.statements import listed  # noqa: PLC0415  # --json draws nothing

    click.echo("\n".join(listed(page["items"], page["next"])))


@statement.command()
@click.argument("name", metavar="STATEMENT")
@as_json
def show(name: str, *, as_json: bool) -> None:
    """Show one statement and how it stands now."""
    with client() as api:
        found = api.get(f"/v1/statements/{name}").json
    if as_json:
        show_json(found)
        return
    from interlock.doors.cli.screens.statements import one_statement  # noqa: PLC0415  # --json draws nothing

    click.echo("\n".join(one_statement(found)))


@statement.command(name="take-back")
@click.argument("what", required=False, metavar="[STATEMENT|CHANGE|PERSON]")
@click.option("--purpose", type=click.Choice(PURPOSES), help="Only what was signed for this.")
@click.option("--reason", default="", help="Why, in a few words; an administrator must say.")
@click.option("--as", "approver", metavar="PERSON", help="Who you are in the catalog; default the key's owner.")
@click.option("--key", metavar="FILE", help="SSH key that says who you are; default ~/.ssh.")
@as_json
def take_back(
    *,
    what: str | None,
    purpose: str | None,
    reason: str,
    approver: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """Take back a statement, or all of yours about a change or a person. Tickets that rest on it are voided."""
    from interlock.doors.cli.screens.statements import taken_back  # noqa: PLC0415  # --help draws nothing

    kept = []
    with client() as api:
        for name in _named(api, what, purpose, lambda: _whose(api, approver, key)):
            done = api.post(f"/v1/statements/{name}/revocation", {"why": reason}).json
            kept.append(done)
            if not as_json:
                click.echo("\n".join(taken_back(done)))
    if as_json:
        show_json({"items": kept})


def _named(api: Client, what: str | None, purpose: str | None, whose: Callable[[], str]) -> list[str]:
    """The ids to take back: the one that was named, else everything of mine in force that was meant.

    Raises:
        InvalidInput: ``statement-none``.
    """
    if what is not None and what.startswith(_ID):
        return [what]
    about = what if what or purpose in {"absence", "delegation"} else change_id(None)
    person = whose()
    wanted = {"subject": about, "purpose": purpose, "approver": person, "standing": "in-force"}
    found = api.get("/v1/statements", **wanted, limit=MOST).json["items"]
    if not found:
        told = f" about `{about[:60]}`" if about else ""
        raise InvalidInput(
            f"expected a statement by `{person[:60]}` in force{told}, got none",
            code="statement-none",
            hint=f"interlock statement list --by {person[:60]} shows what is on record",
        )
    return [one["id"] for one in found]


def _whose(api: Client, approver: str | None, key: str | None) -> str:
    """Who asks: as was said, else the owner of the key that would sign.

    Raises:
        InvalidInput: ``statement-whose`` without a name and a key, ``key-missing`` or ``key-nobody``.
    """
    from interlock.doors.cli.signing import find_key, owner_of  # noqa: PLC0415  # only when no id was named

    if approver:
        return approver
    try:
        found = find_key(key)
    except InvalidInput as error:
        if key is not None:
            raise
        raise InvalidInput(
            "expected to know who you are, got neither --as nor a key in ~/.ssh",
            code="statement-whose",
            hint="name the statement (interlock statement list), or yourself: --as PERSON",
        ) from error
    return owner_of(found, api.get("/v1/rules").json["keys"])
