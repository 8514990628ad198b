"""Whether validators can read what interlock.yaml says to them, before rules come into force.

Rules:
1. Without it a misspelt key would be found by the first change that is opened, and by every one after it, also by
   the one that corrects it.
2. Each validator is asked as it will be, about nothing: it reads its settings first, and touches nothing.
3. A name that is not installed here is refused like a key that nobody knows. A validator that breaks says so on
   every change, as a finding; that is nothing against the rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import Misshapen, closest
from interlock.core.change.settings import SETTINGS_FILE, Settings
from interlock.core.change.yaml_lines import line_of
from interlock.core.rollout.plan_faults import together
from interlock.ports.validator import Validator


def check_settings(content: bytes, settings: Settings, validators: Sequence[Validator]) -> None:
    """``content`` is the file that ``settings`` were read from, ``validators`` are those installed.

    Raises:
        InvalidInput: ``plugin-unknown``, or what a validator says of its settings, with file and line; of several
            the first, and in its hint where the others are.
    """
    found = tuple(unread(content, settings, validators))
    if found:
        raise together(found)


def unread(content: bytes, settings: Settings, validators: Sequence[Validator]) -> Iterator[InvalidInput]:
    """What no validator can read, each with file and line."""
    installed = sorted(validator.name for validator in validators)
    for name in settings.validators:
        if name not in installed:
            yield _at(content, (name,), unknown(name, installed))
    for validator in validators:
        error = _asked(validator, settings.validators.get(validator.name, {}))
        if error is not None:
            below = error.place if isinstance(error, Misshapen) else ()
            yield _at(content, (validator.name, *below), error)


def unknown(name: str, installed: Sequence[str]) -> InvalidInput:
    """The error about a validator that is not there."""
    return InvalidInput(
        f"expected known validators in interlock.yaml, got `{name[:60]}`{closest(name, list(installed))}",
        code="plugin-unknown",
        hint=f"installed: {', '.join(sorted(installed))}",
    )


def _asked(validator: Validator, said: Mapping[str, Json]) -> InvalidInput | None:
    try:
        validator.validate((), said)
    except InvalidInput as error:
        return error
    except Exception:  # noqa: BLE001  # whatever breaks in a plug-in is a finding of every change, see describe
        return None
    return None


def _at(content: bytes, keys: tuple[str | int, ...], error: InvalidInput) -> InvalidInput:
    line = line_of(content, ("validators", *keys))
    return InvalidInput(f"{error.message} at `{SETTINGS_FILE}:{line}`", code=error.code, hint=error.hint)
