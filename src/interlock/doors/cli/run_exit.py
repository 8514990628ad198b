"""How the commands of ``evidence run`` end.

Rules:
1. 1 where something did not pass, or where what was handed in does not count: a pipeline with the wrong key must
   not stay green.
2. 3 where something could not be decided, or could not be handed in; 0 where everything passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interlock.doors.cli.desk import REFUSED, UNDECIDED

Told = dict[str, Any]


def exit_code(done: Sequence[Told]) -> int:
    """Of all that one command ran, as it is told."""
    handed = [one["evidence"] for one in done if one["evidence"] is not None]
    failed = any(not _good(one) and one["verdict"] != "undecidable" for one in done)
    if failed or any(one["kept"] is not None and one["kept"]["standing"] != "trusted" for one in handed):
        return REFUSED
    lost = any(one["kept"] is None for one in handed)
    return UNDECIDED if lost or not all(_good(one) for one in done) else 0


def _good(one: Told) -> bool:
    return bool(one.get("good", one["verdict"] == "passed"))
