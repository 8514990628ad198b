"""What a git-ai note says (``authorship/3.0.0``): which lines of a commit an agent wrote, which a person.

Rules:
1. A key that begins with ``h_`` is a person, every other key an agent session; lines under no key are untracked.
2. A note says AI-authored when all its tracked lines are an agent's, AI-assisted when some are, and nothing when
   none is. Its word for a person is shown and proves nothing: a developer's own machine wrote it.
3. A note that does not fit the format says nothing and is reported; older schemas are reported as not read.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from interlock.core.change.errors import InvalidInput

SCHEMA = "authorship/3.0.0"
_MAX_LINES = 200_000
_RANGE = re.compile(r"\d{1,9}(?:-\d{1,9})?(?:,\d{1,9}(?:-\d{1,9})?)*")
_ENTRY_WORDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Lines by agents and by known persons, the tools with their models, and the people who directed them."""

    ai_lines: int
    human_lines: int
    tools: tuple[str, ...]


def read_note(text: str) -> Note:
    """The note in ``text``.

    Raises:
        InvalidInput: ``note-unreadable`` when it does not fit the format.
    """
    head, divider, tail = text.partition("\n---\n")
    if not divider:
        head, tail = ("", text.removeprefix("---\n")) if text.startswith("---\n") else (head, "")
    tools = _tools(tail)
    lines = head.splitlines()
    if len(lines) > _MAX_LINES:
        raise _bad(f"at most {_MAX_LINES} lines")
    ai = human = 0
    for line in lines:
        if not line.startswith("  "):
            continue
        words = line.split()
        if len(words) != _ENTRY_WORDS or not _RANGE.fullmatch(words[1]):
            raise _bad("an attestation key with line ranges")
        if words[0].startswith("h_"):
            human += _count(words[1])
        else:
            ai += _count(words[1])
    return Note(ai_lines=ai, human_lines=human, tools=tools)


def _tools(text: str) -> tuple[str, ...]:
    try:
        metadata = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _bad("a JSON object after `---`") from error
    if not isinstance(metadata, dict):
        raise _bad("a JSON object after `---`")
    if metadata.get("schema_version") != SCHEMA:
        raise _bad(f"schema {SCHEMA}")
    found = set()
    for table in ("sessions", "prompts"):
        records = metadata.get(table)
        for record in records.values() if isinstance(records, dict) else ():
            agent = record.get("agent_id") if isinstance(record, dict) else None
            if isinstance(agent, dict):
                found.add(":".join(str(agent[key])[:80] for key in ("tool", "model") if agent.get(key)))
    return tuple(sorted(found - {""}))


def _count(ranges: str) -> int:
    total = 0
    for item in ranges.split(","):
        first, _, last = item.partition("-")
        total += max(0, int(last or first) - int(first) + 1)
    return total


def _bad(expected: str) -> InvalidInput:
    return InvalidInput(
        f"expected {expected} in a git-ai note, got something else",
        code="note-unreadable",
        hint=f"only {SCHEMA} is read",
    )
