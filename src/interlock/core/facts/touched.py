"""Which services a change itself alters, and by which of its files, addresses and artefacts we know.

Rules:
1. A changed file belongs to every service whose ``interlock.dev/paths`` cover it, and to the service that a
   configuration rule of ``interlock.yaml`` names for it. Where neither says anything, it belongs to the
   services of the nearest ``catalog-info.yaml`` above it, unless that file stands at the root and declares
   several.
2. A Kubernetes object, a plan's address and an artefact belong to a service of that name, or to one that lists
   the artefact in ``interlock.dev/artefacts``. In an address every module, resource and key is a name.
3. CODEOWNERS is a hint, taken where nothing else says anything: a file whose owner owns exactly one service
   touches that service, and stays unowned.
4. A file that belongs to no service is unowned. Rule files and the change's own documentation are nobody's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from interlock.core.change.catalog import Catalog, bare_name
from interlock.core.change.codeowners import groups_of, owners_in
from interlock.core.change.globs import GlobIndex, matches
from interlock.core.change.parts import Artefact, Part
from interlock.core.change.settings import Settings, is_rule_file
from interlock.core.facts.documentation import is_documentation
from interlock.core.facts.kubernetes import changed_documents, name_of_document
from interlock.core.facts.model import Source, Touched
from interlock.core.facts.ordered import MAX_SOURCES, changed_paths, configuration_of, resources_of

_ADDRESS_WORD = re.compile(r'"([^"]*)"|([^.\[\]"]+)')


@dataclass(slots=True)
class Found:
    """Sources by service and reason, in the order found, and the files of nobody."""

    reasons: dict[str, dict[str, list[Source]]] = field(default_factory=dict)
    unowned: list[str] = field(default_factory=list)

    def add(self, service: str, reason: str, source: Source) -> None:
        """Remember why ``service`` is touched."""
        self.reasons.setdefault(service, {}).setdefault(reason, []).append(source)


def find_touched(
    parts: Sequence[Part], catalog: Catalog, settings: Settings
) -> tuple[tuple[Touched, ...], tuple[str, ...]]:
    """The touched services by tier and name, and the unowned files, sorted."""
    found = Found()
    attributed = _by_object(found, parts, catalog)
    _by_path(found, _sources(parts), attributed, catalog, settings)
    _by_address(found, parts, catalog)
    _by_artefact(found, parts, catalog)
    touched = [_touched(name, reasons, catalog) for name, reasons in found.reasons.items()]
    return tuple(sorted(touched, key=lambda item: (item.tier, item.service))), tuple(sorted(found.unowned))


def _touched(name: str, reasons: dict[str, list[Source]], catalog: Catalog) -> Touched:
    text = "; ".join(
        f"{reason} ({len(sources)})" if len(sources) > 1 else reason for reason, sources in reasons.items()
    )
    sources = tuple(source for some in reasons.values() for source in some)[:MAX_SOURCES]
    return Touched(service=name, tier=catalog.services[name].tier, reason=text, sources=sources)


def _sources(parts: Sequence[Part]) -> dict[str, Source]:
    """Each changed path with its first changed key, where it was read key by key."""
    found = {path: Source(where=path) for path in changed_paths(parts)}
    for file in configuration_of(parts):
        if file.changes:
            first, more = file.changes[0], len(file.changes) - 1
            text = f"{first.pointer[:120]} and {more} more" if more else first.pointer[:120]
            found[file.path] = Source(where=file.path, line=first.line, text=text)
    return found


def _by_path(
    found: Found, paths: Mapping[str, Source], attributed: frozenset[str], catalog: Catalog, settings: Settings
) -> None:
    rules = GlobIndex((rule.match, rule.service) for rule in settings.configuration if rule.service)
    for path, source in paths.items():
        if is_rule_file(path, settings) or is_documentation(path, settings.documentation):
            continue
        owned = [(name, f"changes a file in {glob}") for glob, name in catalog.paths.of(path)]
        owned += [
            (name, "changes configuration that interlock.yaml calls its own")
            for name in _ruled(rules, path, catalog)
        ]
        owned = owned or [(name, f"changes a file beside {place}") for name, place in _nearest(catalog, path)]
        for name, reason in dict(owned).items():
            found.add(name, reason, source)
        if not owned and path not in attributed:
            found.unowned.append(path)
            for name, owner in _hinted(catalog, path):
                found.add(name, f"changes a file of {owner}, who owns this service alone (CODEOWNERS)", source)


def _ruled(rules: GlobIndex[str], path: str, catalog: Catalog) -> Iterator[str]:
    for _, name in rules.of(path):
        if name in catalog.services:
            yield name


def _nearest(catalog: Catalog, path: str) -> Iterator[tuple[str, str]]:
    """The services of the nearest catalog file above ``path``, each with that file."""
    folder = path
    while folder:
        folder = folder.rpartition("/")[0]
        names = catalog.beside.get(folder, ())
        if len(names) > 1 and not folder:
            return
        for name in names:
            place = catalog.services[name].place
            yield name, place.path if place else ""
        if names:
            return


def _hinted(catalog: Catalog, path: str) -> Iterator[tuple[str, str]]:
    for owner in owners_in(catalog, path):
        for name in groups_of(catalog, owner):
            owned = catalog.owned_by.get(name, ())
            if len(owned) == 1:
                yield owned[0], owner


def _by_object(found: Found, parts: Sequence[Part], catalog: Catalog) -> frozenset[str]:
    """The files whose changed objects all belong to a service."""
    attributed = set()
    for file in configuration_of(parts):
        owned = []
        for document, line in changed_documents(file):
            owned.append(bare_name(name_of_document(document)) in catalog.local_names)
            for name in catalog.local_names.get(bare_name(name_of_document(document)), ()):
                found.add(
                    name,
                    "changes a Kubernetes object of its name",
                    Source(where=file.path, line=line, text=document),
                )
        if owned and all(owned):
            attributed.add(file.path)
    return frozenset(attributed)


def _by_address(found: Found, parts: Sequence[Part], catalog: Catalog) -> None:
    for plan, resource in resources_of(parts):
        words = {bare_name(quoted or plain) for quoted, plain in _ADDRESS_WORD.findall(resource.address)}
        for word in sorted(words & catalog.local_names.keys()):
            for name in catalog.local_names[word]:
                source = Source(where=f"{plan.path}#{resource.address}", text="/".join(resource.actions))
                found.add(name, "changes a resource of its name", source)


def _by_artefact(found: Found, parts: Sequence[Part], catalog: Catalog) -> None:
    for artefact in parts:
        if not isinstance(artefact, Artefact):
            continue
        source = Source(where=artefact.name, text=artefact.digest)
        names = {
            s.name for s in catalog.services.values() if any(matches(glob, artefact.name) for glob in s.artefacts)
        }
        image = bare_name(artefact.name.partition("@")[0].rpartition("/")[2].partition(":")[0])
        for name in sorted(names | set(catalog.local_names.get(image, ()))):
            found.add(name, "replaces its artefact", source)
