"""What validators said, and which configuration files none of them looked at.

Rules:
1. A configuration file is one that was read key by key, or a changed file in git that a rule of ``interlock.yaml``
   calls configuration. One that no longer exists needs no validator.
2. A validator looked at a file when it says so by naming its path, with or without findings.
"""

from __future__ import annotations

from collections.abc import Sequence

from interlock.core.change.canonical import canonical
from interlock.core.change.globs import matches
from interlock.core.change.parts import Part, Validation
from interlock.core.change.settings import Settings
from interlock.core.facts.model import Checked
from interlock.core.facts.ordered import configuration_of, files_of


def checked_of(parts: Sequence[Part], validations: Sequence[Validation], settings: Settings) -> Checked:
    """The validations, sorted, and the files without any."""
    seen = {validation.path for validation in validations}
    gone = {file.path for file in files_of(parts) if file.status == "deleted"}
    wanted = {file.path for file in configuration_of(parts) if file.after_digest is not None}
    for file in files_of(parts):
        if any(matches(rule.match, file.path) for rule in settings.configuration):
            wanted.add(file.path)
    return Checked(
        validations=tuple(sorted(validations, key=canonical)),
        unvalidated=tuple(sorted(wanted - gone - seen)),
    )
