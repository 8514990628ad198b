"""What every command has at hand: local settings, a client, and one way to print.

Rules:
1. Settings are read once, when a command first asks; flags override them.
2. ``--json`` prints exactly what the API answered, on one stream, indented.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from interlock.config import Config, from_environment
from interlock.core.change.canonical import plain
from interlock.core.change.errors import InvalidInput

REFUSED, UNDECIDED = 1, 3

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def settings() -> Config:
    """This process's local settings."""
    return from_environment(os.environ, here())


def here() -> Path:
    """The current folder.

    Raises:
        InvalidInput: ``folder-gone`` when it was removed, or may not be entered any more.
    """
    try:
        return Path.cwd()
    except OSError as error:
        raise InvalidInput(
            "expected to run inside a folder, got one that is gone",
            code="folder-gone",
            hint="change to a folder that exists: cd",
        ) from error


@contextmanager
def client(config: Config | None = None) -> Iterator[Any]:
    """A client for the configured server or for this machine, closed at the end."""
    from interlock.doors.cli.client import connect  # noqa: PLC0415  # so that --help of a command stays fast

    connected = connect(config or settings())
    try:
        yield connected
    finally:
        connected.close()


def show_json(value: object) -> None:
    """Print ``value`` as indented JSON, in which no pipeline's runner finds a command (``##[…]``) to follow."""
    click.echo(json.dumps(plain(value), indent=2, ensure_ascii=False).replace("##", "#\\u0023"))


def change_id(given: str | None) -> str:
    """The change a command is about: the argument, else ``INTERLOCK_CHANGE``.

    Raises:
        InvalidInput: ``change-unnamed``.
    """
    named = given or settings().change
    if not named:
        raise InvalidInput(
            "expected a change, got none",
            code="change-unnamed",
            hint="name one (interlock change list shows them), or set INTERLOCK_CHANGE",
        )
    return named


def leave(code: int) -> None:
    """End the command with this exit code."""
    raise click.exceptions.Exit(code)
