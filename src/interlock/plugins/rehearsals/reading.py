"""What every driver and probe does with its settings: read strictly, refused with the path of the wrong key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import Misshapen, parse
from interlock.core.rollout.setting import InvalidSetting

T = TypeVar("T")


def read(kind: type[T], settings: Mapping[str, Json], *, what: str) -> T:
    """``settings`` as a ``kind``; ``what`` says whose they are, such as ``the probe `files```.

    Raises:
        InvalidSetting: ``input-shape``.
    """
    try:
        return parse(kind, dict(settings), what=f"the settings of {what}")
    except InvalidInput as error:
        place = error.place if isinstance(error, Misshapen) else ()
        raise InvalidSetting(error.message, code=error.code, hint=error.hint, path=place) from error


def refuse(expected: str, got: object, *, hint: str, path: Sequence[str | int]) -> InvalidSetting:
    """The error about one setting, in one line whatever was given."""
    return InvalidSetting(
        f"expected {expected}, got `{str(got)[:80]!a}`", code="rehearsal-setting", hint=hint, path=path
    )
