"""Find one operation without importing all of them: for a command that asks one thing and ends.

Rules:
1. The last word of an address that names a noun says which file to look into first; whatever is not found there is
   looked for in the whole table, so that a forgotten word costs time and nothing else.
"""

from __future__ import annotations

from importlib import import_module

from interlock.doors.api.surface import Operation, match

_NOUN_OF = {
    "changes": "changes",
    "submission": "changes",
    "history": "changes",
    "revisions": "changes",
    "withdrawal": "changes",
    "closure": "changes",
    "judgement": "judgements",
    "check": "judgements",
    "statements": "statements",
    "evidence": "evidence",
    "runs": "runs",
    "gate": "gate",
    "tickets": "gate",
    "rollouts": "rollouts",
    "rollback": "rollouts",
    "rules": "rules",
    "ledger": "ledger",
    "events": "events",
    "tile": "tiles",
    "log": "tiles",
    "tokens": "tokens",
}


def lookup(method: str, path: str) -> tuple[Operation, dict[str, str]] | list[str]:
    """Like ``table.route``."""
    for word in reversed(path.split("/")):
        if word in _NOUN_OF:
            noun = import_module(f"interlock.doors.api.nouns.{_NOUN_OF[word]}")
            found = match(noun.OPERATIONS, method, path)
            if not isinstance(found, list):
                return found
            break
    from interlock.doors.api.table import route  # noqa: PLC0415  # imports every noun

    return route(method, path)
