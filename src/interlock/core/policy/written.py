"""Facts as text: what Cedar is sent and what is digested."""

from __future__ import annotations

import json
from collections.abc import Iterable

from interlock.core.policy.facts import FACTS, Facts, FactValue

_ENCODE = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_ORDER = tuple(FACTS)


def written(facts: Facts, names: Iterable[str] = _ORDER) -> str:
    """The facts called ``names`` (sorted) in canonical form (RFC 8785), without the false, empty and unknown ones.

    Of a flat record with ASCII keys, sorted keys and no spaces are all that RFC 8785 asks.
    """
    look = facts.get
    return _ENCODE({name: value for name in names if (value := look(name)) or _counts(value)})


def _counts(value: FactValue | None) -> bool:
    """Whether a value that is no truth is written all the same: zero and the empty string are."""
    return value is not None and value is not False and value != []
