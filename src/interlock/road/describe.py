"""Station 2, describe: read the change where it lies, and say what it is.

Rules:
1. Reading needs the caller's machine (a repository, a plan file); describing needs only what was read.
2. The same recipe read twice gives the same digest, which is how the gate notices drift.
3. A validator that breaks becomes an error finding under its own name; the others still run.
4. A change that touches rule files carries the digest of the rules it would bring about as an artefact, so that
   its ticket can be held against exactly those rules.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from interlock.core.change.change import Recipe, Submission
from interlock.core.change.errors import InterlockError, InvalidInput
from interlock.core.change.parts import Artefact, Finding, GitRange, Validation
from interlock.core.change.settings import RULES_ARTEFACT, SETTINGS_FILE, Settings, is_rule_file
from interlock.core.policy.rules import rules_digest_of
from interlock.ports.reader import Reader, Reading, ReadRequest
from interlock.ports.validator import Validator
from interlock.road.validator_settings import unknown

WORKTREE = "WORKTREE"
"""The git reader's name for what is not committed yet."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolbox:
    """The plug-ins. ``rules_at`` reads the rule files of ``root``: at a commit, or those not committed yet."""

    readers: Mapping[str, Reader]
    validators: tuple[Validator, ...]
    rules_at: Callable[[Path, str], dict[str, bytes]]
    now: Callable[[], datetime]


def read(
    toolbox: Toolbox,
    root: Path,
    recipes: Sequence[Recipe],
    settings: Settings,
    progress: Progress = lambda _: None,
) -> Submission:
    """Everything the recipes name, read and validated.

    Raises:
        InvalidInput: a source cannot be used, or nothing was found.
        Unavailable: a tool a reader needs is missing.
    """
    readings: list[Reading] = []
    pinned: list[Recipe] = []
    for recipe, asked in _complete(recipes, settings):
        progress(f"reading {recipe.reader}")
        reader = _reader(toolbox, recipe.reader)
        materials = tuple(reading.material for reading in readings)
        arguments = recipe.arguments if asked else recipe.arguments | _renamed(readings)
        request = ReadRequest(
            root=root,
            arguments=arguments,
            materials=materials,
            runners=settings.trust.runners,
            now=toolbox.now(),
        )
        found = reader.read(request)
        if found is not None:
            readings.append(found)
            pinned += [found.recipe] if asked else []
    parts = tuple(reading.part for reading in readings) + _rules_part(toolbox, root, readings, settings)
    progress("validating")
    validations = validate(toolbox.validators, readings, settings)
    return Submission(parts=parts, recipes=tuple(pinned), validations=validations)


def validate(
    validators: Sequence[Validator], readings: Sequence[Reading], settings: Settings
) -> tuple[Validation, ...]:
    """What all validators say, sorted by validator and path."""
    found: list[Validation] = []
    absent = set(settings.validators) - {validator.name for validator in validators}
    if absent:
        raise _mendable(unknown(min(absent), [validator.name for validator in validators]))
    for validator in validators:
        found.extend(_guarded(validator, readings, settings))
    return tuple(sorted(found, key=lambda item: (item.validator, item.path)))


def _guarded(validator: Validator, readings: Sequence[Reading], settings: Settings) -> tuple[Validation, ...]:
    try:
        return validator.validate(readings, settings.validators.get(validator.name, {}))
    except InvalidInput as error:
        raise _mendable(error) from error
    except InterlockError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever broke in a plug-in must become a finding, not a gap
        broken = Finding(
            rule=f"{validator.name}/broken",
            level="error",
            message=f"validator {validator.name} broke: {type(error).__name__}: {str(error)[:200]}",
            path="",
            remedy="report it to the validator's author, or uninstall it",
        )
        return (Validation(validator=validator.name, path="", findings=(broken,)),)


def _mendable(error: InvalidInput) -> InvalidInput:
    """No change gets past settings that cannot be read, so the error says how they are mended."""
    hint = (
        f"{error.hint}; interlock policy check names the line. Where this is in force already, correct "
        "interlock.yaml and let people sign it: interlock rules genesis (docs/how-to/upgrade.md)"
    )
    return InvalidInput(error.message, code=error.code, hint=hint)


def _complete(recipes: Sequence[Recipe], settings: Settings) -> list[tuple[Recipe, bool]]:
    """The recipes, each with whether it was asked for; a git range's configuration is read key by key besides."""
    if not recipes:
        raise InvalidInput(
            "expected something to read, got nothing",
            code="change-empty",
            hint="name a git range (--base), a plan (--plan), files (--config) or an artefact (--artefact)",
        )
    complete: list[tuple[Recipe, bool]] = []
    for recipe in recipes:
        arguments = dict(recipe.arguments)
        if recipe.reader == "git":
            arguments.setdefault("documentation", settings.documentation)
        complete.append((Recipe(reader=recipe.reader, arguments=arguments), True))
        if recipe.reader == "git" and settings.configuration:
            match = "\n".join(rule.match for rule in settings.configuration)
            complete.append((Recipe(reader="configuration", arguments={"match": match}), False))
    return complete


def _renamed(readings: Sequence[Reading]) -> dict[str, str]:
    """What the git ranges renamed, for the reader of configuration: a new name hides nothing."""
    files = (file for reading in readings if isinstance(reading.part, GitRange) for file in reading.part.files)
    renamed = {file.path: file.old_path for file in files if file.status == "renamed" and file.old_path}
    return {"renamed": json.dumps(renamed)} if renamed else {}


def _reader(toolbox: Toolbox, name: str) -> Reader:
    if name not in toolbox.readers:
        raise InvalidInput(
            f"expected a known reader, got `{name[:60]}`",
            code="plugin-unknown",
            hint=f"installed: {', '.join(sorted(toolbox.readers))}",
        )
    return toolbox.readers[name]


def _rules_part(
    toolbox: Toolbox, root: Path, readings: Sequence[Reading], settings: Settings
) -> tuple[Artefact, ...]:
    for reading in readings:
        part = reading.part
        if isinstance(part, GitRange) and any(
            is_rule_file(path, settings) for file in part.files for path in (file.path, file.old_path or file.path)
        ):
            uncommitted = reading.recipe.arguments.get("head") == WORKTREE
            files = toolbox.rules_at(root, WORKTREE if uncommitted else part.head_tree)
            if SETTINGS_FILE not in files:
                return ()  # what has no settings are no rules: they cannot come into force, so there is no digest
            digest = rules_digest_of(files)
            return (Artefact(name=RULES_ARTEFACT, digest=digest, media="file"),)
    return ()
