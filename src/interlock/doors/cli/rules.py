"""``interlock rules``: what is in force, how it started, and what replaces it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from interlock.core.approval.model import Statement
from interlock.doors.cli.aside import aside
from interlock.doors.cli.desk import REFUSED, as_json, client, leave, settings, show_json
from interlock.doors.cli.screens.standing import in_force
from interlock.doors.cli.signing import Pen, hand_in, signing_flags
from interlock.doors.cli.text import safe, short

GENESIS_HOURS = 24
MAX_KEY = 16 * 1024


@click.group()
def rules() -> None:
    """Show the rules in force, enrol the first people, activate others."""


@rules.command()
@as_json
def show(*, as_json: bool) -> None:
    """Show which rules are in force and who stands for them."""
    with client() as api:
        found = api.get("/v1/rules").json
    if as_json:
        show_json(found)
        return
    click.echo("\n".join(in_force(found)))


@rules.command()
@click.option("--show", "only_show", is_flag=True, help="Print the digest and stop.")
@signing_flags
@as_json
def genesis(*, only_show: bool, pen: Pen, as_json: bool) -> None:
    """Sign the first rules, those of this working tree. Two people do; then they are in force.

    Exit 1 while a signature is still missing.
    """
    from interlock.bootstrap import rule_source  # noqa: PLC0415  # --help reads no rules
    from interlock.core.change.catalog_check import check_catalog  # noqa: PLC0415  # likewise
    from interlock.core.change.settings import SETTINGS_FILE  # noqa: PLC0415  # likewise
    from interlock.core.policy.rules import load_rules  # noqa: PLC0415  # likewise
    from interlock.registry import validators  # noqa: PLC0415  # likewise
    from interlock.road.validator_settings import check_settings  # noqa: PLC0415  # likewise

    config = settings()
    files = rule_source(config).files()
    loaded = load_rules(files)
    check_settings(files[SETTINGS_FILE], loaded.settings, validators())
    if only_show:
        click.echo(loaded.digest)
        return
    for doubt in loaded.bundle.lints:
        aside("doubt", f"{doubt.path}: {safe(doubt.message)}; {safe(doubt.remedy)}")
    for finding in check_catalog(loaded.catalog):
        if finding.level == "error":
            aside("doubt", f"{safe(finding.path)}:{finding.line}: {safe(finding.message)}")
    owners = {key.fingerprint: person.name for person in loaded.catalog.people.values() for key in person.keys}
    done = hand_in(pen, lambda person: _statement(person, loaded.digest), owners)
    if done is None:
        return
    body = {"files": _encoded(files, loaded.files), "statement": done[0], "signature": done[1]}
    with client(config) as api:
        state = api.post("/v1/rules/genesis", body).json
    if as_json:
        show_json(state)
    else:
        click.echo(_told(state))
    if state["activation"] is None:
        leave(REFUSED)


@rules.command()
@click.argument("ticket")
@click.option("--ref", help="Take the rule files from this revision instead of the working tree.")
@as_json
def activate(*, ticket: str, ref: str | None, as_json: bool) -> None:
    """Bring new rules into force with TICKET (its id), issued under the rules in force for exactly these."""
    from interlock.bootstrap import rule_source  # noqa: PLC0415  # --help reads no rules
    from interlock.core.policy.rules import load_rules  # noqa: PLC0415  # likewise

    config = settings()
    files = rule_source(config, ref).files()
    body = {"files": _encoded(files, load_rules(files).files), "ticket": ticket}
    with client(config) as api:
        activation = api.post("/v1/rules/activation", body).json
    if as_json:
        show_json(activation)
        return
    click.echo(f"in force {short(activation['digest'])}, before it {short(activation['previous'] or 'none')}")


@rules.command()
@click.argument("person")
@click.argument("public_key", metavar="KEY.pub")
@signing_flags
@as_json
def enrol(*, person: str, public_key: str, pen: Pen, as_json: bool) -> None:
    """Vouch for a new key of PERSON: with an old key of theirs, or as one of two others.

    The key itself comes into force with the catalog that lists it.
    """
    from interlock.core.approval.enrolment import enrolment_digest  # noqa: PLC0415  # --help reads no keys
    from interlock.doors.cli.files import read_text  # noqa: PLC0415  # likewise
    from interlock.doors.cli.signed import make  # noqa: PLC0415  # likewise

    line = read_text(public_key, limit=MAX_KEY).strip()
    request = {"purpose": "key-enrolment", "subject": person, "environment": "*", "digest": enrolment_digest(line)}
    make(request, pen, as_json=as_json)


def _encoded(files: Mapping[str, bytes], used: Mapping[str, str]) -> dict[str, str]:
    return {path: base64.b64encode(content).decode() for path, content in files.items() if path in used}


def _statement(person: str, digest: str) -> Statement:
    # A server without rules cannot prepare the statement that gives it some, so it is written here.
    import secrets  # noqa: PLC0415  # only for the genesis

    now = datetime.now(UTC)
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    return Statement(
        purpose="genesis",
        subject="genesis",
        digest=digest,
        environment="*",
        approver=person,
        nonce=f"nonce-{secrets.token_hex(8)}",
        issued_at=now,
        expires_at=now + timedelta(hours=GENESIS_HOURS),
    )


def _told(state: dict[str, Any]) -> str:
    signed = ", ".join(safe(name) for name in state["signed_by"])
    if state["activation"] is not None:
        return f"in force {short(state['digest'])}, signed by {signed}"
    missing = state["needed"] - len(state["signed_by"])
    return f"signed by {signed}; {missing} more person is needed: interlock rules genesis"
