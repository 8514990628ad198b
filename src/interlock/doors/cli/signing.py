"""Signing a statement with an SSH key: in this process, by ``ssh-keygen``, or somewhere else.

Rules:
1. What is signed is shown before it is signed, and is exactly what the API prepared.
2. An unencrypted software key is used directly; whatever needs a passphrase, an agent or a touch goes through
   ``ssh-keygen -Y sign``, which asks for it.
3. ``--print`` writes the statement for signing elsewhere; ``--statement`` and ``--signature`` bring it back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from interlock.core.approval.model import NAMESPACE, Statement
from interlock.core.change.errors import InvalidInput
from interlock.doors.cli.files import read_text
from interlock.doors.cli.keyfile import MAX_FILE, fingerprint_of, sign

DEFAULT_KEYS = ("id_ed25519_sk", "id_ecdsa_sk", "id_ed25519", "id_ecdsa", "id_rsa")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pen:
    """Who signs with what: the flags as they were given."""

    approver: str | None
    key: str | None
    print_only: bool
    statement: str | None
    signature: str | None


def signing_flags(function: Callable[..., None]) -> Callable[..., None]:
    """``--as --key --print --statement --signature`` on a command, which gets them as one ``pen``."""

    @wraps(function)
    def gathered(**given: Any) -> None:  # noqa: ANN401  # whatever click read
        flags = {name: given.pop(name) for name in Pen.__dataclass_fields__}
        function(pen=Pen(**flags), **given)

    wrapped: Callable[..., None] = gathered
    for option in (
        click.option("--signature", metavar="FILE", help="The armoured signature made elsewhere."),
        click.option("--statement", metavar="FILE", help="The statement that --print wrote, with --signature."),
        click.option("--print", "print_only", is_flag=True, help="Print what to sign and stop."),
        click.option("--key", metavar="FILE", help="SSH key (private, or public with an agent); default ~/.ssh."),
        click.option(
            "--as", "approver", metavar="PERSON", help="Who you are in the catalog; default the key's owner."
        ),
    ):
        wrapped = option(wrapped)
    return wrapped


def hand_in(pen: Pen, prepare: Callable[[str], Statement], owners: dict[str, str]) -> tuple[Statement, str] | None:
    """The statement and its signature, or None when it was only to be printed.

    ``prepare`` makes the statement for a person; ``owners`` maps key fingerprints to people.
    """
    if pen.signature or pen.statement:
        return _made_elsewhere(pen)
    key = None if pen.print_only and pen.approver else find_key(pen.key)
    person = pen.approver or owner_of(key, owners)
    statement = prepare(person)
    if pen.print_only:
        click.echo(statement.to_bytes().decode(), nl=False)
        hint = f"ssh-keygen -Y sign -n {NAMESPACE} -f KEY statement.json"
        click.echo(
            f"\nsign it with: {hint}\nthen: --statement statement.json --signature statement.json.sig", err=True
        )
        return None
    if key is None:
        raise _no_key()
    return statement, sign(key, statement.to_bytes())


def find_key(given: str | None) -> Path:
    """The key file to sign with.

    Raises:
        InvalidInput: ``key-missing``.
    """
    places = [Path(given).expanduser()] if given else [Path.home() / ".ssh" / name for name in DEFAULT_KEYS]
    for place in places:
        if place.is_file():
            return place
    raise _no_key(given)


def owner_of(key: Path | None, owners: dict[str, str]) -> str:
    """Whose key it is, by the catalog in force.

    Raises:
        InvalidInput: ``key-nobody``.
    """
    fingerprint = fingerprint_of(key) if key else None
    if fingerprint not in owners:
        raise InvalidInput(
            f"expected a key of a person in the catalog, got `{fingerprint or 'none'}`",
            code="key-nobody",
            hint="name the key with --key and yourself with --as; keys are enrolled in the catalog",
        )
    return owners[fingerprint]


def _made_elsewhere(pen: Pen) -> tuple[Statement, str]:
    from interlock.core.change.parse import parse_foreign  # noqa: PLC0415  # only for a signature made elsewhere

    if not pen.statement or not pen.signature:
        raise InvalidInput(
            "expected --statement and --signature together, got one of them",
            code="signature-half",
            hint="give the file that --print wrote and the signature over it",
        )
    statement = parse_foreign(Statement, read_text(pen.statement, limit=MAX_FILE), what="the statement")
    return statement, read_text(pen.signature, limit=MAX_FILE)


def _no_key(given: str | None = None) -> InvalidInput:
    return InvalidInput(
        f"expected an SSH key, got {'nothing at `' + given + '`' if given else 'none in ~/.ssh'}",
        code="key-missing",
        hint="name one with --key, or sign elsewhere: --print --as PERSON",
    )
