"""Facts as text: what Cedar is sent and what is digested."""

from __future__ import annotations

import json
from collections.abc import Iterable

from interlock.core.policy.facts import FACTS, Facts

_ENCODE = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_ORDER = tuple(FACTS)


def written(facts: Facts, names: Iterable[str] = _ORDER) -> str:
    """The facts called ``names`` (sorted) in canonical form (RFC 8785), without the false, empty and unknown ones.

    Of a flat record with ASCII keys, sorted keys and no spaces are all that RFC 8785 asks.
    """
    look = facts.get
    # Zero and the empty string are written: only what Cedar may take for absent is not.
    kept = {name: value for name in names if (value := look(name)) or value == "" or type(value) is int}
    return _ENCODE(kept)
