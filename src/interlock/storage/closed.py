"""A state that belongs to another user: which folder is closed, whose it is, and what to do.

Rules:
1. interlock closes what it makes to other users. Who may not look in is told so, in one line, and never that
   nothing is there.
2. Named is the first folder on the way that is closed, because that is what somebody must open.
"""

from __future__ import annotations

import os
from pathlib import Path

from interlock.core.change.errors import InvalidInput


def closed_on_the_way(place: Path) -> Path:
    """The first folder on the way to ``place`` that this user may not enter; else ``place`` itself."""
    whole = place.absolute()
    return next((each for each in reversed(whole.parents) if not os.access(each, os.X_OK)), whole)


def not_yours(place: Path, command: str = "") -> InvalidInput:
    """The error where this user may not read ``place``; ``command`` is what to run as the user who may."""
    shut = closed_on_the_way(place)
    owner = _owner(shut)
    hint = f"run it as that user: sudo -u {owner} {command}"
    if not command:
        hint = f"run the same as that user: put sudo -u {owner} before it"
    if _mine(shut):
        hint = f"let yourself in: chmod u+rwX {shut}"
    return InvalidInput(
        f"expected to read `{shut}`, got no permission: it belongs to `{owner}`", code="state-closed", hint=hint
    )


def _owner(place: Path) -> str:
    try:
        return place.owner()
    except KeyError:
        return f"#{place.stat().st_uid}"
    except OSError:
        return "another user"


def _mine(place: Path) -> bool:
    try:
        return place.stat().st_uid == os.geteuid()
    except OSError:
        return False
