"""Which tier a change is of: one answer for rules, exceptions, the broken glass and the first weight.

Rules:
1. A change of the rules is Tier-1. Otherwise the most critical service counts that it touches, or that somebody
   declared for it, in this revision or an earlier one: a declaration can only tighten.
2. A change that touches no known service is Tier-2.
"""

from __future__ import annotations

from interlock.core.change.catalog import Catalog, Tier
from interlock.core.change.change import Change
from interlock.core.facts.model import Description


def tier_of(change: Change, description: Description, catalog: Catalog) -> Tier:
    """The tier of a change under this catalog."""
    if description.blast.rules_touched:
        return Tier.ONE
    declared = [catalog.services[name].tier for name in change.services if name in catalog.services]
    return min([*declared, *(touched.tier for touched in description.blast.touched)], default=Tier.TWO)
