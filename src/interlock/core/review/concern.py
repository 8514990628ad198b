"""A concern: what a reviewer that is a program asks people to look at, and what it is on record as.

Rules:
1. A concern asks and never answers: there is no word in it for yes, for less or for nothing.
2. Its id is computed from what it says and from the digest it is about, never read from anywhere: after a push it
   is another concern, and no answer given before belongs to it.
3. All that was ever raised about a digest stands, whichever review raised it and however old that is: a second
   review that finds less takes nothing back. What expires is what evidence shows, and a review shows nothing.
4. What was cut off for being too much is a concern as well: somebody must have read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from interlock.core.change.canonical import Json, digest
from interlock.core.evidence.model import Evidence
from interlock.core.evidence.statement import OURS

REVIEW = OURS + "review/v1"
"""``{concerns: [{path, line, severity, class, text, question}, …], cut: number}``. It has no verdict."""

Severity = Literal["high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = ("high", "medium", "low")
CLASSES = ("bug", "security", "data-loss", "rollback", "performance", "availability", "test", "other")

MOST_CONCERNS = 40
"""Of one review; what is more is counted and is one concern more."""
_DOMAIN = "interlock.dev/concern/v1"
_DIGITS = 12
_MOST_LINE = 1 << 31
_SPEAKS = frozenset({"trusted", "self-attested", "expired"})
"""An expired review was a trusted runner's in its time; what nobody trusted signed binds nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """One thing to look at. ``path`` is empty for the whole change, ``line`` of the new file 0 for a file."""

    path: str
    line: int
    severity: Severity
    kind: str
    text: str
    question: str = ""

    @property
    def where(self) -> str:
        """Its place as people read it."""
        if not self.path:
            return "the whole change"
        return f"{self.path}:{self.line}" if self.line else self.path

    def body(self) -> dict[str, Json]:
        """The concern in a statement."""
        return {
            "path": self.path,
            "line": self.line,
            "severity": self.severity,
            "class": self.kind,
            "text": self.text,
            "question": self.question,
        }

    def named(self, subject: str) -> str:
        """Its id as one about the digest ``subject``."""
        found = digest(_DOMAIN, {"subject": subject, **self.body()}).removeprefix("sha256:")
        return f"con-{found[:_DIGITS]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """A concern on record. ``reviews`` are the ids of the evidence that raise it."""

    id: str
    concern: Concern
    reviews: tuple[str, ...]


def raised(evidence: Iterable[Evidence], subject: str) -> tuple[Raised, ...]:
    """Every concern about the digest ``subject``, the severest first, each once."""
    found: dict[str, tuple[Concern, list[str]]] = {}
    for piece in evidence:
        if piece.predicate_type != REVIEW or piece.subject != subject or piece.standing not in _SPEAKS:
            continue
        for concern in concerns_in(piece.summary):
            found.setdefault(concern.named(subject), (concern, []))[1].append(piece.id)
    ordered = sorted(found.items(), key=lambda item: (SEVERITIES.index(item[1][0].severity), *_place(item[1][0])))
    return tuple(
        Raised(id=name, concern=concern, reviews=tuple(dict.fromkeys(reviews)))
        for name, (concern, reviews) in ordered
    )


def concerns_in(summary: Mapping[str, Json]) -> tuple[Concern, ...]:
    """The concerns that a review's statement carries. One that cannot be read is a concern about the change."""
    listed, cut = summary.get("concerns"), summary.get("cut")
    items: Sequence[Json] = listed if isinstance(listed, list) else []
    found = [_read(one) for one in items[:MOST_CONCERNS]]
    more = len(items) - len(items[:MOST_CONCERNS])
    more += cut if isinstance(cut, int) and not isinstance(cut, bool) and cut > 0 else 0
    if more:
        found.append(_rest(more))
    if not isinstance(listed, list):
        found.append(_UNREADABLE)
    return tuple(found)


def _read(value: Json) -> Concern:
    if not isinstance(value, dict):
        return _UNREADABLE
    path, line, text, question = (value.get(key) for key in ("path", "line", "text", "question"))
    severity, kind = value.get("severity"), value.get("class")
    if not isinstance(path, str) or not isinstance(text, str) or not text:
        return _UNREADABLE
    return Concern(
        path=path,
        line=line if isinstance(line, int) and not isinstance(line, bool) and 0 < line <= _MOST_LINE else 0,
        severity=severity if severity in SEVERITIES else "high",
        kind=kind if isinstance(kind, str) and kind in CLASSES else "other",
        text=text,
        question=question if isinstance(question, str) else "",
    )


def _rest(count: int) -> Concern:
    return Concern(
        path="",
        line=0,
        severity="high",
        kind="other",
        text=f"{count} more concerns than are kept were raised",
        question="Has somebody read the change as a whole?",
    )


def _place(concern: Concern) -> tuple[str, int, str]:
    return (concern.path, concern.line, concern.text)


_UNREADABLE = Concern(
    path="",
    line=0,
    severity="high",
    kind="other",
    text="a concern on record cannot be read",
    question="What did the reviewer say?",
)
