"""What every scanner does with its settings and with programs: read strictly, refused with the key's path."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from typing import TypeVar

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import Misshapen, parse
from interlock.core.rollout.setting import InvalidSetting
from interlock.ports.programs import Output

T = TypeVar("T")
MOST_SECONDS = 3_600.0
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
    seconds = getattr(found, "seconds", 1.0)
    if not 1.0 <= seconds <= MOST_SECONDS:
        raise refuse(f"1 to {MOST_SECONDS:g} seconds", seconds, hint="correct `seconds`", path=("seconds",))
    return found


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
