"""What validators said, and which configuration files none of them looked at.

Rules:
1. A configuration file is one that was read key by key, or a changed file in git that a rule of ``interlock.yaml``
   calls configuration. One that was renamed is configuration under its new path when it was under the old one.
   One that no longer exists needs no validator and is listed as deleted.
2. A validator looked at a file when it names its path, with or without findings, and constrains what the file may
   hold. ``CONSTRAIN`` lists those that do: a size or the absence of nulls permits any other content.
3. ``bounds`` constrains a file when a limit of ``interlock.yaml`` speaks of it; steps from the last value are no
   limit.
4. A name that is not in the table counts for nothing, whoever says it: its findings still do.
"""

from __future__ import annotations

from collections.abc import Sequence

from interlock.core.change.canonical import canonical
from interlock.core.change.errors import InvalidInput
from interlock.core.change.globs import matches
from interlock.core.change.parts import Part, Validation
from interlock.core.change.settings import Settings
from interlock.core.facts.model import Checked
from interlock.core.facts.ordered import configuration_of, files_of

CONSTRAIN = frozenset({"json-schema", "kubernetes-schema", "manifest-rules", "plan-rules", "references"})
"""Validators whose word makes a file a looked-at one, whatever their settings."""
_BOUNDS = "bounds"


def checked_of(parts: Sequence[Part], validations: Sequence[Validation], settings: Settings) -> Checked:
    """The validations, sorted, and the files without any."""
    seen = {validation.path for validation in validations if _constrains(validation, settings)}
    gone = {file.path for file in files_of(parts) if file.status == "deleted"}
    read = list(configuration_of(parts))
    wanted = {file.path for file in read if file.after_digest is not None}
    deleted = {file.path for file in read if file.after_digest is None}
    for file in files_of(parts):
        names = {file.path, file.old_path or file.path} if file.status == "renamed" else {file.path}
        if any(matches(rule.match, name) for rule in settings.configuration for name in names):
            wanted.add(file.path)
    return Checked(
        validations=tuple(sorted(validations, key=canonical)),
        unvalidated=tuple(sorted(wanted - gone - seen)),
        deleted=tuple(sorted(deleted | (wanted & gone))),
    )


def _constrains(validation: Validation, settings: Settings) -> bool:
    if validation.validator == _BOUNDS:
        return _has_limit(validation.path, settings)
    return validation.validator in CONSTRAIN


def _has_limit(path: str, settings: Settings) -> bool:
    limits = settings.validators.get(_BOUNDS, {}).get("limits")
    for limit in limits if isinstance(limits, list) else []:
        if not isinstance(limit, dict) or limit.get("free"):
            continue
        pattern = limit.get("match", "**")
        try:
            if isinstance(pattern, str) and matches(pattern, path):
                return True
        except InvalidInput:  # no glob at all: the validator refuses these settings itself
            continue
    return False
