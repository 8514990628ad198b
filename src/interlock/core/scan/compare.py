"""Which findings a change adds: those at its head for which there is none like it at its base.

Rules:
1. Alike are findings of one rule with the same statement in the same symbol of the same file, whatever it is
   called now and wherever in it they stand. Each at the base accounts for one at the head: a copy is one more.
2. What is left over is *moved* where its whole function is the same as one that is gone, in this file under
   another name or in another file: a statement that is moved by itself is new, for what reaches it may be another.
3. A secret is told by its value. One that was in the changed files before, however often, is published already;
   where it stands more often than it did, the rest is new.
4. What stands in a version in between, and neither at the base nor at the head, is published by the range all the
   same, and only secrets are asked for there.
5. A suppression in the text decides nothing: it is the change's own. One that was there before still holds, for
   what it hides was there before too.
6. Each scanner's findings are compared with its own first. Only then is what two say of one line told once: the
   one that saw nothing on that line before is not silenced by the one that did.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from interlock.core.scan.outline import Where
from interlock.core.scan.seen import Seen

State = Literal["new", "moved", "existing"]
Key = Callable[["Placed"], Hashable]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A finding and its place in the file."""

    seen: Seen
    where: Where

    @property
    def lineage(self) -> str:
        """The file, whatever it is called now."""
        return self.seen.source.lineage or self.seen.source.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A finding at the head, or in between, and what it is to the change."""

    placed: Placed
    state: State


def compared(head: Sequence[Placed], base: Sequence[Placed], past: Sequence[Placed] = ()) -> tuple[Judged, ...]:
    """Every finding of the head, by file and line, and those in between that are published by the range alone."""
    left, gone = _ordered(head), _ordered(base)
    found: list[Judged] = []
    for key, state in _ALIKE:
        left, gone, taken = _paired(left, gone, key)
        found += [Judged(placed=one, state=state) for one in taken]
    found += [Judged(placed=one, state="new") for one in left]
    known = {one.seen.identity for one in (*head, *base)}
    for one in _ordered(past):
        if one.seen.identity and one.seen.identity not in known:
            known.add(one.seen.identity)
            found.append(Judged(placed=one, state="new"))
    return tuple(sorted(found, key=lambda one: _order(one.placed)))


def _in_place(one: Placed) -> Hashable:
    if one.seen.identity:
        return (one.lineage, one.seen.identity)
    return (one.lineage, one.seen.tool, one.seen.rule, one.where.symbol, one.where.snippet)


def _of_one_whole(one: Placed) -> Hashable:
    if one.seen.identity:
        return (one.seen.identity,)
    return (one.seen.tool, one.seen.rule, one.where.whole, one.where.snippet) if one.where.whole else None


_ALIKE: tuple[tuple[Key, State], ...] = (
    (_in_place, "existing"),
    (lambda one: (one.lineage, whole) if (whole := _of_one_whole(one)) else None, "moved"),
    (_of_one_whole, "moved"),
)


def _paired(head: list[Placed], base: list[Placed], key: Key) -> tuple[list[Placed], list[Placed], list[Placed]]:
    """What is left of head and base, and what of the head has one alike at the base, in the order of lines."""
    waiting: dict[Hashable, list[Placed]] = defaultdict(list)
    for one in base:
        waiting[key(one)].append(one)
    left, taken, used = [], [], set()
    for one in head:
        alike = waiting[name] if (name := key(one)) is not None else []
        if alike:
            used.add(id(alike.pop(0)))
            taken.append(one)
        else:
            left.append(one)
    return left, [one for one in base if id(one) not in used], taken


def _ordered(found: Sequence[Placed]) -> list[Placed]:
    return sorted(found, key=_order)


def _order(one: Placed) -> tuple[str, int, str, str, str]:
    seen = one.seen
    return (seen.source.path, seen.line, seen.tool, seen.rule, seen.source.commit)


def once(seen: Sequence[Seen]) -> tuple[Seen, ...]:
    """The findings without a secret that several rules found on one line, of which the first is kept."""
    known: set[tuple[int, int, str]] = set()
    kept = []
    for one in seen:
        name = (id(one.source), one.line, one.identity)
        if one.identity and name in known:
            continue
        known.add(name)
        kept.append(one)
    return tuple(kept)


def told_once(found: Sequence[Judged], own: str) -> list[Judged]:
    """Without what the scanner ``own`` says of lines of which another says the same weakness.

    What is new by ``own`` is left out only for what is new by the other too: a statement that another scanner
    speaks of on both sides may have come to be fed from elsewhere.
    """
    said: dict[tuple[str, str, str, int], list[tuple[range, State]]] = defaultdict(list)
    for one in found:
        seen = one.placed.seen
        if seen.tool != own and seen.level != "note":
            for cwe in seen.cwes:
                said[*_place(seen), cwe].append((seen.lines, one.state))

    def is_told(one: Judged) -> bool:
        mine = one.placed.seen
        known = [each for cwe in mine.cwes for each in said[*_place(mine), cwe]]
        return any(
            mine.lines.start < lines.stop and lines.start < mine.lines.stop
            for lines, state in known
            if state == "new" or one.state != "new"
        )

    return [one for one in found if one.placed.seen.tool != own or not is_told(one)]


def _place(seen: Seen) -> tuple[str, str, str]:
    return (seen.source.side, seen.source.path, seen.source.commit)


def counts(found: Sequence[Judged]) -> Mapping[State, int]:
    """How many there are of each."""
    counted = Counter(one.state for one in found)
    return {"new": counted["new"], "moved": counted["moved"], "existing": counted["existing"]}
