"""From a question to the facts that policies read.

Rules:
1. Tier, ownership and production status come from catalog and settings in force, never from the change.
2. Nothing shown is the default: a piece of evidence counts only if it is trusted, about this digest and still
   valid; what cannot be read in it counts as not shown.
"""

from __future__ import annotations

from interlock.core.policy.circumstances import given_facts
from interlock.core.policy.facts import Facts
from interlock.core.policy.modes import Freeze
from interlock.core.policy.question import Actor, DecisionInput, Grant
from interlock.core.policy.shown import shown_facts

__all__ = ["Actor", "DecisionInput", "Facts", "Grant", "facts_of"]


def facts_of(given: DecisionInput, freezes: tuple[Freeze, ...]) -> Facts:
    """All facts, given and shown."""
    known = given_facts(given, freezes)
    known |= shown_facts(given, known)
    return known
