"""Whether a change ships anything at all, or changes the rules alone.

Rules:
1. A change of rules alone touches rule files and its own documentation, and brings no artefact but these rules and
   no plan of resources. Whatever else it holds may reach a service, so it counts as shipped.
"""

from __future__ import annotations

from collections.abc import Sequence

from interlock.core.change.parts import Artefact, Configuration, GitRange, Part
from interlock.core.change.settings import RULES_ARTEFACT, Settings, is_rule_file
from interlock.core.facts.documentation import is_documentation
from interlock.core.facts.ordered import changed_paths


def rules_alone(parts: Sequence[Part], settings: Settings) -> tuple[str, ...]:
    """The rule files that such a change touches, sorted; none where it is no such change."""
    if not all(_of_files(part) for part in parts):
        return ()
    paths = changed_paths(parts)
    rules = tuple(path for path in paths if is_rule_file(path, settings))
    rest = [path for path in paths if path not in rules]
    return rules if all(is_documentation(path, settings.documentation) for path in rest) else ()


def _of_files(part: Part) -> bool:
    brings_rules = isinstance(part, Artefact) and part.name == RULES_ARTEFACT
    return brings_rules or isinstance(part, GitRange | Configuration)
