"""What can be hurt: the touched services, all that depends on them with the path, environments and shares.

Rules:
1. Touched and reached are those of ``touched`` and ``reach``; reached services come by tier, distance and name.
2. An environment is concerned when one of its markers covers a changed path or a plan's address, a changed
   Kubernetes namespace is called like it, or a touched service declares it. Where nothing says which, every
   environment without markers is: it cannot be ruled out.
3. The rules are touched when a changed file is a rule file. Nothing but rules is changed when that is certain
   (``rules_alone``).
"""

from __future__ import annotations

from collections.abc import Sequence

from interlock.core.change.catalog import Catalog
from interlock.core.change.globs import matches
from interlock.core.change.parts import Artefact, Part
from interlock.core.change.settings import RULES_ARTEFACT, Settings, is_rule_file
from interlock.core.facts.kubernetes import changed_documents, namespace_of_document
from interlock.core.facts.model import BlastRadius, Reached, Touched
from interlock.core.facts.ordered import changed_paths, configuration_of, resources_of
from interlock.core.facts.reach import reach, share
from interlock.core.facts.rules_alone import certainly_rules_alone
from interlock.core.facts.touched import find_touched


def blast_of(parts: Sequence[Part], *, catalog: Catalog, settings: Settings) -> BlastRadius:
    """The blast radius of these parts over this catalog."""
    touched, unowned = find_touched(parts, catalog, settings)
    names = [item.service for item in touched]
    paths = reach(catalog.dependents, names)
    reached = [
        Reached(service=name, tier=catalog.services[name].tier, path=path)
        for name, path in paths.items()
        if name in catalog.services
    ]
    return BlastRadius(
        touched=touched,
        reached=tuple(sorted(reached, key=lambda item: (item.tier, len(item.path), item.service))),
        environments=_environments(parts, touched, catalog, settings),
        fleet_share=share(catalog.services, catalog.dependents, names, lambda service: service.fleet_share),
        order_share=share(catalog.services, catalog.dependents, names, lambda service: service.order_share),
        unowned=unowned,
        rules_touched=_rules_touched(parts, settings),
        rules_only=certainly_rules_alone(parts, catalog, settings),
    )


def _rules_touched(parts: Sequence[Part], settings: Settings) -> bool:
    """Whether a rule file changes, or the change claims to bring rules about whatever its files are."""
    claimed = any(isinstance(part, Artefact) and part.name == RULES_ARTEFACT for part in parts)
    return claimed or any(is_rule_file(path, settings) for path in changed_paths(parts))


def _environments(
    parts: Sequence[Part], touched: Sequence[Touched], catalog: Catalog, settings: Settings
) -> tuple[str, ...]:
    places = list(changed_paths(parts)) + [resource.address for _, resource in resources_of(parts)]
    spaces = {
        namespace_of_document(document)
        for file in configuration_of(parts)
        for document, _ in changed_documents(file)
    }
    known = settings.environments
    found = {
        name
        for name, environment in known.items()
        if name in spaces or any(matches(marker, place) for marker in environment.markers for place in places)
    }
    found |= {name for item in touched for name in catalog.services[item.service].environments}
    if not found:
        found = {name for name, environment in known.items() if not environment.markers}
    return tuple(sorted(found))
