"""What Cedar's validator does not say: policies that can never fire."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.core.policy.policy import Policy


@dataclass(frozen=True, slots=True)
class Lint:
    """One doubt about a policy, with its place."""

    policy: str
    path: str
    line: int
    message: str
    remedy: str


def lint_policy(policy: Policy) -> list[Lint]:  # noqa: ARG001  # filled in with the abstract reading
    """Every doubt about ``policy``."""
    return []
