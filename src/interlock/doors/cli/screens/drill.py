"""The screen of ``ledger drill``: one attack, and who notices it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interlock.doors.cli.screens.columns import beside
from interlock.doors.cli.text import cut, mark, safe, width

if TYPE_CHECKING:
    from interlock.storage.drill import Attack

INDENT = " " * 17
VERDICT = {
    True: "every attack was noticed by whom it can be; two of them only by a checkpoint kept outside (a witness)",
    False: "REFUSED: an attack went unnoticed; do not rely on this log",
}


def attacked(attack: Attack) -> list[str]:
    """What was done, and who saw it."""
    room = width() - len(INDENT)
    lines = [f"{mark(attack.seen)} {attack.name:<13}  {cut(attack.done, room)}"]
    if attack.alone is not None:
        return [*lines, f"{INDENT}{cut('detected: ' + safe(attack.alone), room)}"]
    witness = f"needs the witness: {safe(attack.witness or 'not seen either')}"
    return [
        *lines,
        *beside(INDENT, "not seen by the log alone: every signature in it is right"),
        f"{INDENT}{cut(witness, room)}",
    ]
