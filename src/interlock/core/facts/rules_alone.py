"""Whether a change ships anything at all, or changes the rules alone.

Rules:
1. A change of rules alone touches rule files and its own documentation, and brings no artefact but these rules and
   no plan of resources. Whatever else it holds may reach a service, so it counts as shipped.
2. It is *certain* to change the rules alone when besides one range of one repository that carries the rules brings
   them, each of its files is an ordinary one that only rules are written in, none is deleted, no service claims
   one for itself, and nothing in them is an object of a cluster. Only then may a rule ask for less.
3. A glob that covers ``interlock.yaml`` too (``**``) covers a whole repository and claims nothing in particular.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from interlock.core.change.catalog import Catalog
from interlock.core.change.globs import matches
from interlock.core.change.parts import Artefact, Configuration, FileChange, GitRange, Part
from interlock.core.change.settings import RULES_ARTEFACT, SETTINGS_FILE, Settings, is_rule_file
from interlock.core.facts.documentation import documentation_of, is_documentation
from interlock.core.facts.kubernetes import changed_documents
from interlock.core.facts.ordered import changed_paths, configuration_of, ranges_of

_ENDINGS = (".cedar", ".yaml", ".yml", ".json", ".md")
"""Of what rules are written in; CODEOWNERS, which have none, are known by their whole path."""
_ABSENT, _ORDINARY, _RUNNABLE = "000000", "100644", "100755"
_CATALOG = "backstage.io/"
"""What the catalog's own objects say where a cluster's name its API."""


def rules_alone(parts: Sequence[Part], settings: Settings) -> tuple[str, ...]:
    """The rule files that such a change touches, sorted; none where it is no such change."""
    if not all(_of_files(part) for part in parts):
        return ()
    paths = changed_paths(parts)
    rules = tuple(path for path in paths if is_rule_file(path, settings))
    rest = [path for path in paths if path not in rules]
    return rules if all(is_documentation(path, settings.documentation) for path in rest) else ()


def certainly_rules_alone(parts: Sequence[Part], catalog: Catalog, settings: Settings) -> bool:
    """Whether rule 2 holds: nothing of this change can run anywhere."""
    rules, ranges = rules_alone(parts, settings), list(ranges_of(parts))
    if not rules or len(ranges) != 1 or not _brings_rules(parts):
        return False
    own = documentation_of(parts, settings).path
    files = ranges[0].files
    return (
        all(_is_plain(file) for file in files)
        and {path for file in files for path in _paths(file)} >= set(_all_paths(parts))
        and all(path == own or _is_for_rules(path, catalog, settings) for path in _all_paths(parts))
        and not any(_holds_objects(parts))
    )


def _of_files(part: Part) -> bool:
    brings_rules = isinstance(part, Artefact) and part.name == RULES_ARTEFACT
    return brings_rules or isinstance(part, GitRange | Configuration)


def _brings_rules(parts: Sequence[Part]) -> bool:
    """Whether the one artefact are rules: another repository, which carries none, has files of these names too."""
    artefacts = [part for part in parts if isinstance(part, Artefact)]
    return len(artefacts) == 1 and artefacts[0].media == "file"


def _all_paths(parts: Sequence[Part]) -> tuple[str, ...]:
    """Every path that is, was or was copied from, whoever read it."""
    ranged = {path for part in ranges_of(parts) for file in part.files for path in _paths(file)}
    read = {path for file in configuration_of(parts) for path in (file.path, file.formerly) if path is not None}
    return tuple(sorted(ranged | read))


def _paths(file: FileChange) -> tuple[str, ...]:
    return (file.path,) if file.old_path is None else (file.path, file.old_path)


def _is_plain(file: FileChange) -> bool:
    """Whether a text is there afterwards that is neither a link nor made to be run."""
    return (
        file.new_mode == _ORDINARY
        and file.old_mode in {_ABSENT, _ORDINARY, _RUNNABLE}
        and file.status in {"added", "modified", "renamed", "copied"}
        and not (file.binary or file.submodule)
    )


def _is_for_rules(path: str, catalog: Catalog, settings: Settings) -> bool:
    written = path in settings.codeowners or path.endswith(_ENDINGS)
    return written and is_rule_file(path, settings) and not _is_claimed(path, catalog, settings)


def _is_claimed(path: str, catalog: Catalog, settings: Settings) -> bool:
    """Whether a service says that this very path is its own; a file that declares services is the catalog's."""
    if any(each.place is not None and each.place.path == path for each in catalog.services.values()):
        return False
    globs = [glob for glob, _ in catalog.paths.of(path)]
    globs += [rule.match for rule in settings.configuration if rule.service and matches(rule.match, path)]
    return any(not matches(glob, SETTINGS_FILE) for glob in globs)


def _holds_objects(parts: Sequence[Part]) -> Iterator[bool]:
    """For each object that configuration holds or loses, whether it is a cluster's and none of the catalog."""
    for file in configuration_of(parts):
        for name in (*file.documents, *(changed for changed, _ in changed_documents(file))):
            yield not name.startswith(_CATALOG)
