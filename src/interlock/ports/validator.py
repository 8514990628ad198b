"""The port for deterministic checks of content: one validator, one file.

Rules:
1. A validator is pure over what it is given: same readings, same settings, same findings, in the same order.
2. A refusal is a finding; an exception means the validator itself is broken and becomes an error finding.
3. It returns a ``Validation`` for each path it really looked at, with no findings when all is well; a path it
   does not name counts as unvalidated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from interlock.core.change.canonical import Json
from interlock.core.change.parts import Validation
from interlock.ports.reader import Reading


class Validator(Protocol):
    """One kind of check. No I/O besides the materials of the readings."""

    name: str

    def validate(self, readings: Sequence[Reading], settings: Mapping[str, Json]) -> tuple[Validation, ...]:
        """What was seen, one ``Validation`` per path looked at.

        ``settings`` is this validator's section of ``interlock.yaml``; an unknown or malformed key raises
        ``InvalidInput``.
        """
