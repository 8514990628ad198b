"""What a look back answers: yes, no, or unknown, each with where that was read or why it could not be.

Rules:
1. *Yes* names the place it stands at: ``path:line`` or an id on record. *No* says where was looked. *Unknown* says
   what could not be found or read: it is never a milder no.
2. Of answers from several sources one *yes* is enough; else one *no*; what the others say is told with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Said = Literal["yes", "no", "unknown"]
_RANK = {"yes": 0, "no": 1, "unknown": 2}
MOST_PLACES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer. ``places`` are ``path:line`` or ids, the first ones; ``why`` is for people."""

    said: Said
    why: str
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The three: was going back tried, was there a canary, was there an alert on the business metric."""

    rollback: Answer
    canary: Answer
    alert: Answer


def together(given: Sequence[Answer]) -> Answer:
    """One answer of several sources; at least one is given."""
    best = min(given, key=lambda one: _RANK[one.said])
    others = [one.why for one in given if one is not best and one.why]
    places = dict.fromkeys(place for one in given if one.said == best.said for place in one.places)
    return Answer(said=best.said, why="; ".join([best.why, *others]), places=tuple(places)[:MOST_PLACES])


def all_together(given: Sequence[Answers]) -> Answers:
    """The same for each of the three."""
    return Answers(
        rollback=together([one.rollback for one in given]),
        canary=together([one.canary for one in given]),
        alert=together([one.alert for one in given]),
    )
