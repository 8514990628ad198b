"""What somebody names must be known: an answer about what is not there would be a false one.

Rules:
1. What is not known is refused with the nearest that is. Nothing else is done with it before.
"""

from __future__ import annotations

from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest
from interlock.core.policy.rules import Rules


def known_environment(rules: Rules, name: str) -> None:
    """Refuse an environment that the settings do not have.

    Raises:
        InvalidInput: ``environment-unknown``.
    """
    places = sorted(rules.settings.environments)
    if name not in places:
        raise InvalidInput(
            f"expected an environment of interlock.yaml, got `{name[:60]}`{closest(name, places)}",
            code="environment-unknown",
            hint=f"name one of {', '.join(places)}: --environment NAME",
        )


def known_service(rules: Rules, name: str) -> None:
    """Refuse a service that the catalog does not have.

    Raises:
        InvalidInput: ``service-unknown``.
    """
    services = sorted(rules.catalog.services)
    if name not in services:
        raise InvalidInput(
            f"expected a service of the catalog, got `{name[:80]}`{closest(name, services)}",
            code="service-unknown",
            hint=f"known: {', '.join(services)[:300]}",
        )
