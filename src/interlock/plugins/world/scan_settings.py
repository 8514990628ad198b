"""What every scanner does with its settings and with programs.

Rules:
1. Settings are read strictly, and refused with the key's path.
2. A program gets the few variables that every one needs, and those that the plan names; none of interlock's own.
   What it scans is a change that nobody has reviewed, and its word is signed: it needs no key of this machine.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterable, Mapping
from typing import TypeVar

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import Misshapen, parse
from interlock.core.rollout.setting import InvalidSetting
from interlock.plugins.world.programs import NEEDED, SystemPrograms
from interlock.ports.programs import Output

T = TypeVar("T")
MOST_SECONDS = 3_600.0
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
INSTALL = "pip install bandit detect-secrets"


def read(kind: type[T], settings: Mapping[str, Json], *, what: str) -> T:
    """``settings`` as a ``kind``; ``what`` says whose they are, such as ``the scanner `bandit```.

    Raises:
        InvalidSetting: ``input-shape``, or ``scan-setting`` for a time out of range.
    """
    try:
        found = parse(kind, dict(settings), what=f"the settings of {what}")
    except InvalidInput as error:
        place = error.place if isinstance(error, Misshapen) else ()
        raise InvalidSetting(error.message, code=error.code, hint=error.hint, path=place) from error
    for number, name in enumerate(getattr(found, "passed_on", ())):
        if not _VARIABLE.fullmatch(name) or name.upper().startswith("INTERLOCK_"):
            hint = "the names alone, and none of interlock's own: it gets neither keys nor tokens of it"
            raise refuse("the name of a variable", name, hint=hint, path=("passed_on", number))
    seconds = getattr(found, "seconds", 1.0)
    if not 1.0 <= seconds <= MOST_SECONDS:
        raise refuse(f"1 to {MOST_SECONDS:g} seconds", seconds, hint="correct `seconds`", path=("seconds",))
    return found


def programs(folder: str, passed_on: Iterable[str] = ()) -> SystemPrograms:
    """Programs started in a folder, with the variables that they may have and no others."""
    return SystemPrograms(folder, passed_on=NEEDED | {"LD_LIBRARY_PATH", "TMPDIR"} | set(passed_on))


def refuse(expected: str, got: object, *, hint: str, path: tuple[str | int, ...]) -> InvalidSetting:
    """The error about one setting, in one line whatever was given."""
    return InvalidSetting(
        f"expected {expected}, got `{str(got)[:80]!a}`", code="scan-setting", hint=hint, path=path
    )


def absent(module: str, name: str) -> str:
    """What to say where a module is not installed beside interlock; empty where it is."""
    return "" if importlib.util.find_spec(module) is not None else f"{name}: {INSTALL}"


def module(name: str) -> tuple[str, ...]:
    """The program that runs a module of this very installation; nothing of the current folder is imported."""
    return (sys.executable, "-I", "-X", "utf8", "-m", name)


def fault(done: Output, name: str, good: frozenset[int]) -> str:
    """Why a program did not come to its end, in one line without what it read; empty where it did."""
    if done.cut:
        return f"{name} said more than is kept"
    if done.ran.code in good:
        return ""
    how = {"late": "did not end in time", "unstarted": "could not be started", "unwanted": "was ended"}
    return f"{name} {how.get(done.ran.why, f'ended with {done.ran.code}')}"
