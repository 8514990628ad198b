"""What an Agent Trace record (0.1.0) says: which conversations, by whom, wrote which lines.

Rules:
1. A contributor of type ``ai`` wrote its ranges, one of type ``mixed`` helped; ``human`` and ``unknown`` are no
   signal. One record may hold both.
2. Only a JSON object (or one a line) with ``version`` and ``files`` is a record; anything else is not read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from interlock.core.change.canonical import Json
from interlock.core.change.parts import DocumentVersion
from interlock.core.facts.model import ProvenanceKind, Signal, Source

_SAYS = {"ai": ProvenanceKind.AI_AUTHORED, "mixed": ProvenanceKind.AI_ASSISTED}
_MAX_SIGNALS = 100


def signals_of_trace(document: DocumentVersion) -> Iterator[Signal]:
    """At most one signal for each contributor that the document names."""
    seen: set[tuple[ProvenanceKind, str]] = set()
    for line, record in _records(document.text):
        tool = _text(record.get("tool"), "name")
        revision = _text(record.get("vcs"), "revision") or document.commit
        for path, kind, model in _contributors(record.get("files")):
            key = (kind, model or tool)
            if key in seen or len(seen) >= _MAX_SIGNALS:
                continue
            seen.add(key)
            yield Signal(
                marker="agent-trace",
                says=kind,
                tool=":".join(word for word in (tool, model) if word) or "unknown",
                source=Source(where=document.path, line=line, commit=revision, text=path[:200]),
            )


def _records(text: str) -> Iterator[tuple[int | None, dict[str, Json]]]:
    whole = _parsed(text)
    items = whole if isinstance(whole, list) else [whole]
    numbered: list[tuple[int | None, Json]] = [(None, item) for item in items]
    if whole is None:
        numbered = [(number, _parsed(line)) for number, line in enumerate(text.splitlines(), 1)]
    for number, item in numbered:
        if isinstance(item, dict) and "version" in item and isinstance(item.get("files"), list):
            yield number, item


def _parsed(text: str) -> Json:
    try:
        value: Json = json.loads(text) if text.strip()[:1] in {"{", "["} else None
    except (ValueError, RecursionError):
        return None
    return value


def _contributors(files: Json) -> Iterator[tuple[str, ProvenanceKind, str]]:
    for file in files if isinstance(files, list) else ():
        path = _text(file, "path")
        talks = file.get("conversations") if isinstance(file, dict) else None
        for talk in talks if isinstance(talks, list) else ():
            if not isinstance(talk, dict):
                continue
            ranges = talk.get("ranges")
            whom = [talk.get("contributor")]
            whom += [
                item.get("contributor")
                for item in (ranges if isinstance(ranges, list) else ())
                if isinstance(item, dict)
            ]
            for contributor in whom:
                kind = _SAYS.get(_text(contributor, "type"))
                if kind is not None:
                    yield path, kind, _text(contributor, "model_id")


def _text(value: Json, field: str) -> str:
    found = value.get(field) if isinstance(value, dict) else None
    return found[:200] if isinstance(found, str) else ""
