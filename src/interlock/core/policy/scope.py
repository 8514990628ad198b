"""Where a rule or a mode holds: everywhere, or for a tier, a service, an environment.

Written ``tier:1, environment:production``: all terms must match; ``service:`` matches any touched service.
An empty scope holds everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping

from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest

Scope = tuple[tuple[str, str], ...]

_KINDS = ["tier", "service", "environment"]
_TIERS = {"1", "2", "3"}


def read_scope(text: str, *, where: str) -> Scope:
    """The scope written as ``text``; ``*`` is everywhere.

    Raises:
        InvalidInput: ``policy-scope``, naming ``where``.
    """
    if text.strip() == "*":
        return ()
    terms = []
    for term in text.split(","):
        kind, colon, name = (piece.strip() for piece in term.partition(":"))
        if not colon or kind not in _KINDS or not name or (kind == "tier" and name not in _TIERS):
            raise InvalidInput(
                f"{where}: expected a scope such as `tier:1` or `service:orders`, "
                f"got `{term.strip()[:60]}`{closest(kind, _KINDS)}",
                code="policy-scope",
                hint="terms are tier:1-3, service:NAME and environment:NAME, separated by commas; `*` is all",
            )
        terms.append((kind, name))
    return tuple(terms)


def in_scope(scope: Scope, facts: Mapping[str, object]) -> bool:
    """Whether a change with these facts lies in ``scope``."""
    return all(_matches(kind, name, facts) for kind, name in scope)


def _matches(kind: str, name: str, facts: Mapping[str, object]) -> bool:
    if kind == "service":
        services = facts["services"]
        return isinstance(services, list) and name in services
    return str(facts[kind]) == name
