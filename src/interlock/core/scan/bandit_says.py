"""What bandit says in JSON, as findings.

Rules:
1. Severity is the level: high is an error, medium a warning, low a note. Its CWE is the class, but for two of its
   rules, which name a wider one than what they find: ``yaml.load`` (B506) and models of PyTorch (B614)
   deserialize.
2. What it says of passwords (B105 to B107) is left to the scanner of secrets unless asked for: it takes every text
   beside such a name for one, and repeats it.
3. A file it could not read is unread, never free of findings.
"""

from __future__ import annotations

from collections.abc import Mapping

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InterlockError
from interlock.core.evidence.strict_json import read_json
from interlock.core.scan.seen import Scanned, Seen, Source

TOOL = "bandit"
MOST_BYTES = 64 * 1024 * 1024
PASSWORDS = frozenset({"B105", "B106", "B107"})
_LEVELS = {"HIGH": "error", "MEDIUM": "warning", "LOW": "note"}
_NARROWER = {"B506": 502, "B614": 502}


def read_bandit(said: bytes, names: Mapping[str, Source], *, version: str, passwords: bool) -> Scanned:
    """What bandit saw in the files that it was given under these names."""
    try:
        told = read_json(said, what="bandit's answer", limit=MOST_BYTES)
    except InterlockError as error:
        return Scanned(tool=TOOL, version=version, fault=f"what bandit said cannot be read: {error.message}")
    if not isinstance(told, dict) or not isinstance(told.get("results"), list) or "errors" not in told:
        return Scanned(tool=TOOL, version=version, fault="bandit said something else than its results")
    seen = [_seen(one, names) for one in _objects(told.get("results"))]
    missed = [(names.get(_text(one, "filename")), _text(one, "reason")) for one in _objects(told.get("errors"))]
    strange = [why for source, why in missed if source is None]
    if strange or any(one is None for one in seen):
        why = strange[0] if strange else "it names a file that it was not given"
        return Scanned(tool=TOOL, version=version, fault=f"bandit did not come to its end: {why}"[:300])
    return Scanned(
        tool=TOOL,
        version=version,
        seen=tuple(one for one in seen if one is not None and (passwords or one.rule not in PASSWORDS)),
        unread=tuple((source, why[:160]) for source, why in missed if source is not None),
    )


def _seen(one: dict[str, Json], names: Mapping[str, Source]) -> Seen | None:
    source, line = names.get(_text(one, "filename")), one.get("line_number")
    if source is None or not isinstance(line, int) or line < 1:
        return None
    rule, cwe, lines = _text(one, "test_id"), one.get("issue_cwe"), one.get("line_range")
    number = cwe.get("id") if isinstance(cwe, dict) else None
    ends = [each for each in lines if isinstance(each, int)] if isinstance(lines, list) else []
    cwes = {_NARROWER.get(rule, number)} - {None}
    return Seen(
        source=source,
        line=line,
        end=max([line, *ends]),
        rule=rule,
        tool=TOOL,
        level=_LEVELS.get(_text(one, "issue_severity"), "warning"),
        message="" if rule in PASSWORDS else _text(one, "issue_text")[:300],
        cwes=frozenset(each for each in cwes if isinstance(each, int)),
    )


def _objects(value: Json) -> list[dict[str, Json]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(one: Mapping[str, Json], key: str) -> str:
    value = one.get(key)
    return value if isinstance(value, str) else ""
