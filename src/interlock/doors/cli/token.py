"""``interlock token``: make, list and revoke API tokens."""

from __future__ import annotations

from dataclasses import replace

import click

from interlock.doors.cli.aside import complain
from interlock.doors.cli.desk import as_json, client, settings, show_json
from interlock.doors.cli.text import pad, safe

SCOPES = ["read", "open", "approve", "evidence", "gate", "record", "rules", "admin"]


@click.group()
def token() -> None:
    """Make, list and revoke API tokens."""


@token.command()
@click.argument("principal")
@click.option(
    "--kind", type=click.Choice(["person", "pipeline", "agent"]), required=True, help="Who will hold it."
)
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES), help="May be repeated."
)
@click.option("--days", type=int, default=90, show_default=True, help="Until it expires, at most 366.")
@click.option(
    "--database", metavar="URL", help="Make it beside this database, as the first one is; no server asked."
)
@as_json
def create(
    principal: str, kind: str, scopes: tuple[str, ...], days: int, database: str | None, *, as_json: bool
) -> None:
    """Make a token for PRINCIPAL. Its secret is shown this once."""
    from interlock.doors.cli.ledger_place import named  # noqa: PLC0415  # --help stays fast

    config = settings()
    if database:
        config = replace(config, database=database, server=None)
    with client(config) as api:
        body = {"principal": principal, "kind": kind, "scopes": list(scopes), "days": days}
        made = api.post("/v1/tokens", body).json
    if as_json:
        show_json(made)
        return
    shown = made["token"]
    click.echo(made["secret"])
    until = shown["expires_at"][:10]
    complain(
        "", f"{shown['id']} for {safe(principal)} ({kind}): {', '.join(shown['scopes'])}, until {until}", indent=2
    )
    complain("good for ", safe(config.server or named(config.database)), indent=2)
    complain("", "this is the only time the secret is shown; hand it over as INTERLOCK_TOKEN", indent=2)


@token.command(name="list")
@click.option("--after", help="The `next` of the page before.")
@as_json
def list_(after: str | None, *, as_json: bool) -> None:
    """List tokens, newest first, without their secrets."""
    with client() as api:
        page = api.get("/v1/tokens", after=after).json
    if as_json:
        show_json(page)
        return
    for item in page["items"]:
        state = "revoked" if item["revoked_at"] else f"until {item['expires_at'][:10]}"
        line = f"{item['id']}  {pad(safe(item['principal']), 24)} {pad(item['kind'], 9)} {pad(state, 17)}"
        click.echo(f"{line} {', '.join(item['scopes'])}")
    if page["next"]:
        click.echo(f"more: interlock token list --after {page['next']}")
    if not page["items"]:
        click.echo("no tokens; make one: interlock token create NAME --kind pipeline --scope gate")


@token.command()
@click.argument("token_id")
@as_json
def revoke(token_id: str, *, as_json: bool) -> None:
    """Revoke a token; it is refused from this moment."""
    with client() as api:
        done = api.post(f"/v1/tokens/{token_id}/revocation").json
    if as_json:
        show_json(done)
        return
    click.echo(f"revoked {done['id']} of {safe(done['principal'])}")
