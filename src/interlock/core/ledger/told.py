"""What entries tell of a record's fields, folded in order: the words for a record that is not what was recorded.

Rules:
1. Whether a record is what was recorded is decided by its digest alone. This only says which fields differ, where
   the entries tell of them.
2. An entry that names a record and tells nothing about records of its table makes all of it unknown: better no
   word than a wrong one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import reduce
from typing import TypeGuard

from interlock.core.change.canonical import Json, timestamp
from interlock.core.ledger.entry import Entry

Fields = dict[str, Json]
"""Values by attribute path (``statement.digest``)."""

_STATES: Mapping[tuple[str, str], str] = {
    ("changes", "change.opened"): "open",
    ("changes", "change.pushed"): "open",
    ("changes", "change.withdrawn"): "withdrawn",
    ("changes", "change.closed"): "closed",
    ("changes", "gate.allowed"): "permitted",
    ("tickets", "ticket.issued"): "issued",
    ("tickets", "ticket.redeemed"): "redeemed",
    ("tickets", "ticket.voided"): "voided",
    ("tickets", "ticket.widened"): "redeemed",
    ("changes", "change.reopened"): "open",
}
_COPIED: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("changes", "change.opened"): {"digest": "digest"},
    ("changes", "change.pushed"): {"digest": "digest"},
    ("tickets", "ticket.issued"): {name: name for name in ("change", "digest", "environment", "expires_at")},
    ("tickets", "ticket.voided"): {"why": "why"},
    ("tokens", "token.created"): {name: name for name in ("principal", "kind", "scopes", "expires_at")},
    ("tokens", "token.revoked"): {name: name for name in ("principal", "kind", "scopes", "expires_at")},
    ("evidence", "evidence.added"): {
        name: name for name in ("subject", "predicate_type", "format", "standing", "runner", "blob")
    },
    ("evidence_runs", "evidence.began"): {name: name for name in ("producer", "digest", "about")},
    ("evidence_runs", "evidence.ended"): {name: name for name in ("ended", "left", "evidence")},
    ("activations", "rules.activated"): {
        name: name for name in ("digest", "previous", "signed_by", "one_person", "ticket")
    },
    ("statements", "statement"): {
        "fingerprint": "fingerprint",
        "presence": "presence",
        **{
            f"statement.{name}": name
            for name in ("digest", "environment", "approver", "on_behalf_of", "nonce", "expires_at", "details")
        },
    },
    ("statements", "rules.signed"): {
        "statement.digest": "digest",
        "statement.approver": "approver",
        "fingerprint": "fingerprint",
        "presence": "presence",
    },
    **{
        ("statements", kind): {"statement.approver": "by", "fingerprint": "fingerprint", "presence": "presence"}
        for kind in ("rollout.widened", "rollout.passed")
    },
    ("statements", "gate.allowed"): {"used_by": "ticket"},
    ("statements", "statement.revoked"): {},
    **{("statements", kind): {} for kind in ("gate.refused", "ticket.voided", "change.reopened")},
}
_UNUSED = {"statement", "rules.signed", "gate.refused", "ticket.voided", "change.reopened"}
"""Statements written with these are used by no ticket."""


def told(entries: Iterable[Entry], table: str, name: str) -> Fields:
    """What ``entries``, oldest first, tell of one record; only those that name it count."""
    known: Fields = {}
    for entry in entries:
        if f"{table}/{name}" in entry.records:
            known = _after(entry, table, name, known)
    return known


def differing(stored: Json, known: Fields) -> list[str]:
    """One phrase for each told field in which ``stored``, a record's JSON, differs."""
    return [
        f"{path} is {_shown(value)}, recorded {_shown(wanted)}"
        for path, wanted in known.items()
        if (value := _at(stored, path)) != wanted
    ]


def _after(entry: Entry, table: str, name: str, known: Fields) -> Fields:
    received = entry.kind.startswith("statement.") and entry.kind != "statement.revoked"
    kind = "statement" if received else entry.kind
    copied = _COPIED.get((table, kind))
    state = _STATES.get((table, kind))
    if copied is None and state is None:
        return {}
    fresh = {path: _time(entry.body[field]) for path, field in (copied or {}).items() if field in entry.body}
    if state is not None:
        fresh["state"] = state
    return known | fresh | _ends(entry, table, name, kind)


def _ends(entry: Entry, table: str, name: str, kind: str) -> Fields:
    """What begins without a value and may get one: use, revocation, end."""
    if (table, kind) == ("statements", "statement.revoked"):
        # It names the statements that it gave back beside the one it took back.
        ended: Fields = {"revoked_at": timestamp(entry.at)} if entry.body.get("statement") == name else {}
        return ended | ({"used_by": None} if entry.body.get("voided") else {})
    if (table, kind) == ("tokens", "token.revoked"):
        return {"revoked_at": timestamp(entry.at)}
    if (table, kind) in {("tokens", "token.created"), ("statements", "statement")}:
        unused: Fields = {"used_by": None} if table == "statements" else {}
        return unused | {"revoked_at": None}
    if (table, kind) in {("statements", "rollout.widened"), ("statements", "rollout.passed")}:
        return {"used_by": entry.subject, "revoked_at": None}
    if (table, kind) == ("tickets", "ticket.redeemed"):
        return {"ended_by": entry.actor}
    return {"used_by": None} if table == "statements" and kind in _UNUSED else {}


def _time(value: Json) -> Json:
    """A time in its canonical form; anything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        return timestamp(datetime.fromisoformat(value))
    except ValueError:
        return value


def _at(stored: Json, path: str) -> Json:
    def step(value: Json, name: str) -> Json:
        return value.get(name) if _is_object(value) else None

    return reduce(step, path.split("."), stored)


def _is_object(value: Json) -> TypeGuard[dict[str, Json]]:
    return isinstance(value, dict)


def _shown(value: Json) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, list):
        return f"`{', '.join(map(str, value))[:60]}`"
    return f"`{str(value)[:60]}`"
