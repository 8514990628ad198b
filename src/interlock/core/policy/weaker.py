"""Modes under which a more critical tier asks for less than one below it.

Rules:
1. Tier-1 has approval rules of its own, so ``one-approval`` leaves it out. Enforcing that one while Tier-1's is
   watched makes the tier that earns money the only one that ships with nobody's approval.
2. That is a doubt, not an error: a repository may have no Tier-1 service yet. ``policy check`` and
   ``rules genesis`` say it.
3. A scope counts as if it covered everything: who enforces somewhere has thought about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from interlock.core.policy.lint import Lint
from interlock.core.policy.modes import Modes
from interlock.core.policy.policy import Policy

STRICTER = {"one-approval": "tier1-two-approvals"}
"""A rule for the tiers below Tier-1, and the rule that asks the same of Tier-1."""


def lint_tiers(policies: Mapping[str, Policy], modes: Modes, path: str) -> Iterator[Lint]:
    """A doubt for each rule that is enforced below Tier-1 and only watched for it; ``path`` is the modes' file."""
    for below, above in STRICTER.items():
        if below not in policies or not modes.anywhere(policies[below]):
            continue
        if above not in policies:
            message = f"Tier-1 asks for less than Tier-2: `{below}` is enforced, and there is no `{above}`"
        elif not modes.anywhere(policies[above]):
            message = f"Tier-1 asks for less than Tier-2: `{below}` is enforced, `{above}` only watched"
        else:
            continue
        yield Lint(above, path, 1, message, f"enforce {above} as well, and tier1-presence with it")
