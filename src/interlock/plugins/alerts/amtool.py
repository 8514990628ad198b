"""The real amtool over Alertmanager's own file: which receivers an alert's labels lead to.

Rules:
1. The file is copied into a folder of its own; nothing is left there, and no Alertmanager is asked.
2. amtool takes one set of labels at a time; each set is asked about once.
3. What it does not understand is an error: nobody is then said to be told.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from interlock.core.alerts.routing import CODE, named, refuse_unread
from interlock.core.change.errors import InvalidInput, Unavailable
from interlock.plugins.alerts.programs import Children, place, ran, shared
from interlock.ports.alerts import Labels

PROGRAM = "amtool"
SECONDS = 20.0
_FILE = "alertmanager.yaml"


class Amtool:
    """See the rules above; the contract is in ``ports.alerts``."""

    def missing(self) -> str:
        """See ``ports.alerts``."""
        if place(PROGRAM):
            return ""
        return "amtool, which comes with Alertmanager: apt-get install prometheus-alertmanager"

    def check(self, path: str, content: bytes) -> None:
        """See ``ports.alerts``.

        Raises:
            InvalidInput: ``alertmanager-file``.
            Unavailable: ``amtool-failed``.
        """
        with tempfile.TemporaryDirectory(prefix="interlock-routes-") as folder:
            (Path(folder) / _FILE).write_bytes(content)
            code, said, wrong = _ran(["check-config", _FILE], folder, [])
        if code is None:
            raise _failed(said)
        if code:
            told = f"{said} {wrong}".partition("FAILED:")[2].partition("amtool: error")[0]
            raise InvalidInput(
                f"expected a file that Alertmanager loads at `{path}`, got `{' '.join(told.split())[:200]}`",
                code=CODE,
                hint=f"look at it with: amtool check-config {path}",
            )

    def receivers(
        self, content: bytes, receivers: Sequence[str], asked: Sequence[Labels]
    ) -> Mapping[Labels, tuple[str, ...]]:
        """See ``ports.alerts``.

        Raises:
            InvalidInput: ``alertmanager-file`` for an answer that cannot be read.
            Unavailable: ``amtool-failed``.
        """
        with tempfile.TemporaryDirectory(prefix="interlock-routes-") as folder:
            (Path(folder) / _FILE).write_bytes(content)
            parts = shared(
                [*dict.fromkeys(asked)],
                lambda part, children: {each: _one(folder, each, receivers, children) for each in part},
            )
        return {labels: names for part in parts for labels, names in part.items()}


def _one(folder: str, labels: Labels, receivers: Sequence[str], children: Children) -> tuple[str, ...]:
    words = [f'{name}="{_quoted(value)}"' for name, value in labels]
    arguments = ["config", "routes", "test", f"--config.file={_FILE}", *words]
    code, said, wrong = _ran(arguments, folder, children)
    if code is None or code:
        raise _failed(wrong.rpartition("amtool: error:")[2] if code else said)
    found = named(said, receivers)
    if not found:
        raise refuse_unread(said)
    return found


def _ran(arguments: Sequence[str], folder: str, children: Children) -> tuple[int | None, str, str]:
    # A user's own file for amtool could name an Alertmanager to ask.
    return ran(
        PROGRAM,
        arguments,
        folder,
        SECONDS,
        children,
        environment={"PATH": os.environ.get("PATH", ""), "HOME": folder},
    )


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _failed(said: str) -> Unavailable:
    return Unavailable(
        f"expected amtool to say where alerts are routed, got: {' '.join(said.split())[:200]}",
        code="amtool-failed",
        hint="look whether it runs: amtool --version",
        plugin="amtool",
    )
