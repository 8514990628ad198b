"""What can be typed while a rollout goes on, as it can be typed: with all that the command asks for."""

from __future__ import annotations

import math
from typing import Any

from interlock.doors.cli.screens.columns import MARGIN, label
from interlock.doors.cli.screens.rollout_blind import blind, ways_on
from interlock.doors.cli.text import safe

Told = dict[str, Any]
_ACTS = {
    "resume": "go on counting in this stage",
    "extend": "give this stage more time",
    "pause": "hold traffic where it is",
    "widen": "answer for what is not ruled out",
    "abort": "take all of it back now",
}
_HALF_AN_HOUR, _HOURS = 30, 3
_HELD = {"no-pass": ("extend", "widen", "abort"), "frozen": ("pause", "abort")}


def commands(shown: Told, room: int) -> list[str]:
    """Each with what it does where there is room; a picture can be closed without asking."""
    rows = _typed(shown)
    if not rows:
        return []
    most = max(len(command) for command, _ in rows)
    fits = all(most + 2 + len(why) <= room - MARGIN for _, why in rows)
    told = [(f"{command.ljust(most if fits else 0)}  {why}", command) for command, why in rows]
    lines = [text if len(text) <= room - MARGIN else command for text, command in told]
    on = "" if blind(shown) is not None else ", the rollout goes on"
    lines.append(f"Ctrl-C closes this picture{on}")
    return [(label("to type") if place == 0 else " " * MARGIN) + line for place, line in enumerate(lines)]


def _typed(shown: Told) -> list[tuple[str, str]]:
    """Commands as they can be typed, and what each does."""
    record = shown["record"]
    if blind(shown) is not None:
        return ways_on(shown)
    held = _HELD.get(record["hold"], ("resume", "abort"))
    acts = {"held": held, "running": ("pause", "abort"), "starting": ("abort",)}
    needs = {"extend": f" --by {_more(shown)}", "widen": ' --why "…"'}
    return [
        (f"interlock rollout {name} {safe(record['id'])}{needs.get(name, '')}", _ACTS[name])
        for name in acts.get(record["state"], ())
    ]


def _more(shown: Told) -> str:
    """How much longer, as ``--by`` takes it: what a pass needs and a tenth more, half an hour where unknown."""
    minutes = math.ceil(shown["eta"] * 1.1 / 60) if shown["eta"] else _HALF_AN_HOUR
    return f"{minutes}m" if minutes <= _HOURS * 60 else f"{math.ceil(minutes / 60)}h"
