"""What every router does with its settings and with a weight before it touches anything.

Rules:
1. Settings are read strictly; what is wrong is refused with the path of its key, an unknown one with the nearest
   that exists.
2. A weight is a finite number from 0 to 100. What a router cannot split so finely is refused, never rounded up: a
   ticket permits so much and no more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from interlock.core.change.errors import BadReply, InvalidInput, Rejected
from interlock.core.change.parse import Misshapen, parse
from interlock.core.rollout.setting import InvalidSetting

T = TypeVar("T")

DEADLINE = 2.0
"""Seconds that one call to a router may take."""

_NEAR = 0.1
"""By how much of itself a weight may be missed downwards."""


def read(kind: type[T], settings: Mapping[str, object], *, what: str) -> T:
    """``settings`` as a ``kind``; ``what`` names the router.

    Raises:
        InvalidSetting: ``input-shape``.
    """
    try:
        return parse(kind, dict(settings), what=f"the settings of the router `{what}`")
    except InvalidInput as error:
        place = error.place if isinstance(error, Misshapen) else ()
        raise InvalidSetting(error.message, code=error.code, hint=error.hint, path=place) from error


def refuse(expected: str, got: object, *, hint: str, path: Sequence[str | int], code: str) -> InvalidSetting:
    """The error about one setting, in one line whatever was given."""
    return InvalidSetting(f"expected {expected}, got `{str(got)[:80]!a}`", code=code, hint=hint, path=path)


def named(value: str, *path: str | int, within: str = " \t\r\n;") -> str:
    """A name that can stand in a command to the router: not empty, and without the characters ``within``.

    Raises:
        InvalidSetting: ``router-name``.
    """
    if not value or not value.isprintable() or any(each in value for each in within):
        raise refuse("a name of one word", value, hint="correct that name", path=path, code="router-name")
    return value


def distinct(canary: str, control: Sequence[str]) -> None:
    """There is a control, and canary and controls are different things.

    Raises:
        InvalidSetting: ``router-arms``.
    """
    if not control or canary in control or len(set(control)) != len(control):
        raise refuse(
            "a canary and at least one control, each another",
            ", ".join((canary, *control)),
            hint="name each once",
            path=("control",),
            code="router-arms",
        )


def share(percent: float) -> float:
    """``percent`` as a fraction.

    Raises:
        InvalidInput: ``weight-range``.
    """
    if not (math.isfinite(percent) and 0 <= percent <= 100):  # noqa: PLR2004  # what percent means
        raise InvalidInput(
            f"expected a weight from 0 to 100 %, got `{percent}`", code="weight-range", hint="correct the weight"
        )
    return percent / 100


def near_enough(wanted: float, reached: float, *, finest: float) -> None:
    """That ``reached`` (percent) is what was asked for, or a little less.

    Raises:
        InvalidSetting: ``router-too-coarse``.
    """
    if reached > wanted * (1 + 1e-9) or reached < wanted * (1 - _NEAR):
        raise InvalidSetting(
            f"expected a weight that this router can split, got {wanted:g} %: its finest is {finest:.3g} %",
            code="router-too-coarse",
            hint=f"let stages begin at {finest:.3g} % or above",
        )


@contextmanager
def once_checked(kind: type[Rejected | BadReply], *, plugin: str) -> Iterator[None]:
    """Whatever does not fit the settings after ``check`` found that they fit is the router's doing."""
    try:
        yield
    except InvalidSetting as error:
        raise kind(error.message, code=error.code, hint=error.hint, plugin=plugin) from error


def as_list(value: Any) -> tuple[str, ...]:  # noqa: ANN401  # a name or names, as read from YAML
    """One name or several, as several."""
    return (value,) if isinstance(value, str) else tuple(value)
