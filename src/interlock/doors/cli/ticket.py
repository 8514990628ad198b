"""``interlock ticket``: verify and show tickets offline, write what a deployer pins.

Rules:
1. ``verify`` and ``show`` ask no server and open no database: a file, the pins and a clock are all they use.
2. 0 valid, 1 refused with every reason, 2 unreadable. What was not compared is said in the answer.
3. ``show`` verifies nothing and says so first.
"""

from __future__ import annotations

from datetime import UTC, datetime

import click

from interlock.doors.cli.desk import REFUSED, as_json, client, leave, show_json
from interlock.doors.cli.files import read_bytes, write_whole
from interlock.doors.cli.ticket_key import new_key

PINS_FILE = "interlock-pins.json"


@click.group()
def ticket() -> None:
    """Verify a ticket offline, write what deployers pin, replace the key."""


ticket.add_command(new_key)


@ticket.command()
@click.argument("file", type=click.Path())
@click.option(
    "--pins", "pins_file", metavar="FILE", default=PINS_FILE, show_default=True, help="What is pinned here."
)
@click.option("--change", metavar="ID", help="The change it must be for.")
@click.option("--digest", metavar="SHA256", help="The digest about to ship.")
@click.option("--environment", metavar="NAME", help="Where it is about to go.")
@click.option("--artefact", metavar="SHA256", help="The artefact about to run; IMAGE@sha256:… is read too.")
@click.option("--service", metavar="NAME", help="The service about to change.")
@click.option("--weight", type=float, metavar="PERCENT", help="The share of traffic about to be sent to it.")
@click.option("--at", metavar="TIME", help="Judge as of this time (RFC 3339) instead of now.")
@as_json
def verify(
    *,
    file: str,
    pins_file: str,
    change: str | None,
    digest: str | None,
    environment: str | None,
    artefact: str | None,
    service: str | None,
    weight: float | None,
    at: str | None,
    as_json: bool,
) -> None:
    """Verify the ticket in FILE against pinned keys: exit 0 valid, 1 refused, 2 unreadable."""
    from interlock.core.ticket.model import MAX_TICKET  # noqa: PLC0415  # --help needs no cryptography
    from interlock.core.ticket.pins import MAX_PINS, read_pins  # noqa: PLC0415  # likewise
    from interlock.core.ticket.verify import Expected, Verified  # noqa: PLC0415  # likewise
    from interlock.core.ticket.verify import verify as verify_ticket  # noqa: PLC0415  # likewise
    from interlock.doors.cli.screens import ticket as screen  # noqa: PLC0415  # likewise

    expected = Expected(
        change=change,
        digest=_digest(digest, "--digest"),
        environment=environment,
        artefact=_digest(artefact, "--artefact"),
        service=service,
        weight=weight,
    )
    pins = read_pins(read_bytes(pins_file, limit=MAX_PINS))
    now = _moment(at)
    found = verify_ticket(read_bytes(file, limit=MAX_TICKET), pins=pins, now=now, expected=expected)
    if as_json:
        show_json(screen.verdict(found))
    else:
        click.echo("\n".join(screen.lines(found, now=now)))
    if not isinstance(found, Verified):
        leave(REFUSED)


@ticket.command()
@click.argument("file", type=click.Path())
@as_json
def show(*, file: str, as_json: bool) -> None:
    """Show what the ticket in FILE claims, without verifying it."""
    from interlock.core.ticket.model import MAX_TICKET  # noqa: PLC0415  # --help needs no cryptography
    from interlock.core.ticket.read import read_ticket  # noqa: PLC0415  # likewise
    from interlock.doors.cli.screens import ticket as screen  # noqa: PLC0415  # likewise

    found = read_ticket(read_bytes(file, limit=MAX_TICKET)).ticket
    if as_json:
        show_json(found)
        return
    click.echo("\n".join(screen.claim(found)))


@ticket.command()
@click.option("--out", metavar="FILE", help=f"Write there instead of printing; verify reads {PINS_FILE}.")
@click.option(
    "--break-glass/--no-break-glass",
    "glass",
    default=True,
    show_default=True,
    help="Whether the deployer lets through what people broke the glass for, in production.",
)
def pins(*, out: str | None, glass: bool) -> None:
    """Write what a deployer pins, from the rules in force. Look at it before you keep it.

    Broken glass is let through unless you say otherwise: an emergency is no time to find out that it is not.
    """
    from interlock.core.ticket.pins import read_pins  # noqa: PLC0415  # --help needs no cryptography
    from interlock.doors.cli.screens import ticket as screen  # noqa: PLC0415  # likewise

    with client() as api:
        answered = api.get("/v1/pins").json
    found = read_pins(screen.indented(answered))
    if not glass:
        found = found.without_glass()
    if out is None:
        click.echo(screen.indented(found).decode(), nl=False)
        click.echo("\n".join(screen.glass_pinned(found)), err=True)
        return
    write_whole(out, screen.indented(found))
    click.echo("\n".join(screen.pinned(found, out)))


def _moment(at: str | None) -> datetime:
    if at is None:
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)
    from interlock.core.evidence.statement import read_time  # noqa: PLC0415  # only for --at

    return read_time(at)


def _digest(given: str | None, option: str) -> str | None:
    from interlock.core.change.canonical import is_digest  # noqa: PLC0415  # --help needs no hashing
    from interlock.core.change.errors import InvalidInput  # noqa: PLC0415  # likewise

    found = given.rpartition("@")[2] if given else None
    if found is not None and not is_digest(found):
        raise InvalidInput(
            f"expected {option} as sha256: and 64 hex digits, got `{found[:80]}`",
            code="digest-malformed",
            hint="interlock change show prints the digest; sha256sum FILE gives a file's",
        )
    return found
