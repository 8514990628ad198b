"""What a reviewer answered: read so that the worst it can do is to ask for more.

Rules:
1. An answer that is not of the demanded shape is no answer: nothing is concluded from it, least of all that there
   are no concerns.
2. Concerns are all that is read. Every other key, on top or in a concern, is counted and otherwise ignored: an
   approval, a verdict, an order to run something are words without a reader.
3. A doubt about a concern makes it weigh more, never less: a severity nobody knows is high, a line that is not in
   the change is the whole file, a file that is not in it is the whole change.
4. What is too long is cut, what is too much is counted: the severest are kept, and ``cut`` says how many are not.
5. Text is kept as it is. Whoever shows it makes it harmless.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from interlock.core.change.canonical import Json, canonical
from interlock.core.change.errors import BadReply
from interlock.core.review.concern import CLASSES, MOST_CONCERNS, SEVERITIES, Concern

MOST_TEXT, MOST_QUESTION = 800, 400
"""Characters."""
MOST_KEPT = 44 * 1024
"""Bytes of all concerns of one review together; a statement's predicate may have 64 KiB."""
_KEYS = frozenset({"path", "line", "severity", "class", "text", "question"})
_NAMED, _MOST_PLACE, _MOST_IGNORED = 60, 200, 10
_TOP = "concerns"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """``cut`` concerns are not kept, ``shortened`` texts were, ``moved`` concerns named a place not in the change.

    ``ignored`` counts what stood in the answer beside concerns, by its key.
    """

    concerns: tuple[Concern, ...]
    cut: int = 0
    shortened: int = 0
    moved: int = 0
    ignored: tuple[tuple[str, int], ...] = ()


def hear(answers: Sequence[Json], lines: Mapping[str, frozenset[int]], *, plugin: str) -> Heard:
    """The concerns in ``answers``. ``lines`` are the new lines that were sent, by path.

    Raises:
        BadReply: ``review-unreadable``.
    """
    if not answers:
        raise _unreadable("a list of concerns", "nothing", plugin)
    ignored: Counter[str] = Counter()
    found: list[Concern] = []
    shortened = 0
    for answer in answers:
        for value in _listed(answer, ignored, plugin):
            concern, short = _concern(value, ignored, plugin)
            found.append(concern)
            shortened += short
    placed = [_placed(one, lines) for one in found]
    moved = sum(before != after for before, after in zip(found, placed, strict=True))
    kept = _kept(placed)
    return Heard(
        concerns=kept,
        cut=len(set(placed)) - len(kept),
        shortened=shortened,
        moved=moved,
        ignored=tuple(sorted(ignored.items())[:_MOST_IGNORED]),
    )


def _listed(answer: Json, ignored: Counter[str], plugin: str) -> list[Json]:
    if not isinstance(answer, dict):
        raise _unreadable("an object with `concerns`", "something else", plugin)
    listed = answer.get(_TOP)
    if not isinstance(listed, list):
        raise _unreadable("a list at `concerns`", "none" if listed is None else "something else", plugin)
    ignored.update(_words(key)[:_NAMED] for key in answer if key != _TOP)
    return listed


def _concern(value: Json, ignored: Counter[str], plugin: str) -> tuple[Concern, int]:
    if not isinstance(value, dict):
        raise _unreadable("each concern as an object", "something else", plugin)
    ignored.update(_words(key)[:_NAMED] for key in value if key not in _KEYS)
    text, question = _words(value.get("text")), _words(value.get("question"))
    if not text and not question:
        raise _unreadable("each concern with a `text`", "one without", plugin)
    severity, kind, path, line = value.get("severity"), value.get("class"), value.get("path"), value.get("line")
    concern = Concern(
        path=_words(path),
        line=line if isinstance(line, int) and not isinstance(line, bool) and line > 0 else 0,
        severity=severity if severity in SEVERITIES else "high",
        kind=kind if isinstance(kind, str) and kind in CLASSES else "other",
        text=_cut(text or question, MOST_TEXT),
        question=_cut(question, MOST_QUESTION) if text else "",
    )
    return concern, int(len(text) > MOST_TEXT or len(question) > MOST_QUESTION)


def _words(value: Json) -> str:
    """Text that can be written down; half a surrogate pair cannot."""
    return value.encode("utf-8", "replace").decode().strip() if isinstance(value, str) else ""


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _placed(concern: Concern, lines: Mapping[str, frozenset[int]]) -> Concern:
    if concern.path not in lines:
        named = f"about {_cut(concern.path, _MOST_PLACE)}, which was not sent: " if concern.path else ""
        return replace(concern, path="", line=0, text=_cut(named + concern.text, MOST_TEXT))
    return concern if concern.line in lines[concern.path] else replace(concern, line=0)


def _kept(concerns: Sequence[Concern]) -> tuple[Concern, ...]:
    ordered = sorted(dict.fromkeys(concerns), key=lambda one: SEVERITIES.index(one.severity))
    kept: list[Concern] = []
    size = 0
    for one in ordered[:MOST_CONCERNS]:
        size += len(canonical(one.body()))
        if size > MOST_KEPT:
            break
        kept.append(one)
    return tuple(kept)


def _unreadable(expected: str, got: str, plugin: str) -> BadReply:
    return BadReply(
        f"expected the reviewer to answer with {expected}, got {got}",
        code="review-unreadable",
        hint="nothing was concluded; ask again, or name a model that answers in the demanded shape",
        plugin=plugin,
    )
