"""From a question to the facts that policies read.

Rules:
1. Tier, ownership and production status come from catalog and settings in force, never from the change.
2. Nothing shown is the default: a piece of evidence counts only if it is trusted, about this digest and still
   valid; what cannot be read in it counts as not shown.
3. The facts are written once, in their canonical form; that text is what Cedar reads and what is digested.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from interlock.core.policy.circumstances import given_facts
from interlock.core.policy.facts import NOTHING, Facts, FactValue
from interlock.core.policy.modes import Freeze
from interlock.core.policy.question import Actor, DecisionInput, Grant
from interlock.core.policy.shown import shown_facts

__all__ = ["Actor", "DecisionInput", "Facts", "Grant", "facts_of", "written"]


def facts_of(given: DecisionInput, freezes: tuple[Freeze, ...]) -> tuple[Facts, Facts]:
    """All facts, and the same with evidence and approvals stripped."""
    known = given_facts(given, freezes)
    return known | shown_facts(given, known), known | NOTHING


def written(facts: Mapping[str, FactValue]) -> str:
    """The canonical text (RFC 8785) of a flat record with ASCII keys, whole numbers and strings."""
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
