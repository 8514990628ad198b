"""From the bytes of catalog files to a ``Catalog``.

Rules:
1. ``.yaml`` and ``.yml`` files hold Backstage entities (``backstage.io/v1alpha1`` or ``v1beta1``),
   one or many to a file; a file named ``CODEOWNERS`` holds owner rules. Any other file is no catalog file and
   is left alone. Of several CODEOWNERS the first of ``.github/``, the root, ``docs/``, ``.gitlab/`` counts,
   as on the forges.
2. Component, API and Resource become services, Group and User groups and people, a Resource whose
   ``spec.type`` is ``agent`` an agent. System, Domain, Location and Template say nothing interlock decides by
   and are checked for form alone.
3. The first thing that cannot be used refuses the whole catalog, naming file and line: never fewer people,
   keys or services than were written.
4. The same entity twice is refused, also when it differs in case only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from interlock.core.change.catalog import Catalog, OwnerRule
from interlock.core.change.catalog_entity import Entity, entities
from interlock.core.change.catalog_link import link
from interlock.core.change.codeowners import read_codeowners
from interlock.core.change.errors import InvalidInput

MAX_FILES: Final = 20_000
MAX_ENTITIES: Final = 200_000
CODEOWNERS: Final = "CODEOWNERS"
_SUFFIXES = (".yaml", ".yml")
_FOLDERS = (".github", "", "docs", ".gitlab")


def read_catalog(files: Mapping[str, bytes], *, digest: str) -> Catalog:
    """The catalog in ``files``, keyed by path; ``digest`` names them.

    Raises:
        InvalidInput: ``yaml-…``, ``catalog-…`` or ``codeowners-line``, naming file and line.
    """
    if len(files) > MAX_FILES:
        raise _too_many(f"at most {MAX_FILES} catalog files", len(files))
    found: list[Entity] = []
    for path in sorted(files):
        if is_entity_file(path):
            found.extend(entities(path, files[path]))
            if len(found) > MAX_ENTITIES:
                raise _too_many(f"at most {MAX_ENTITIES} entities", len(found))
    return link(found, digest=digest, owner_rules=_owner_rules(files))


def is_entity_file(path: str) -> bool:
    """Whether a file of this name holds entities."""
    return path.endswith(_SUFFIXES)


def codeowners_file(paths: Iterable[str]) -> str | None:
    """The CODEOWNERS file that counts among ``paths``, None where there is none."""
    named = [path for path in paths if path.rsplit("/", 1)[-1] == CODEOWNERS]
    return min(named, key=_precedence, default=None)


def _precedence(path: str) -> tuple[int, str]:
    folder = path.rpartition("/")[0]
    return (_FOLDERS.index(folder) if folder in _FOLDERS else len(_FOLDERS), path)


def _owner_rules(files: Mapping[str, bytes]) -> tuple[OwnerRule, ...]:
    path = codeowners_file(files)
    return () if path is None else read_codeowners(path, files[path])


def _too_many(expected: str, count: int) -> InvalidInput:
    return InvalidInput(
        f"expected {expected}, got {count}", code="catalog-too-large", hint="one catalog per organisation unit"
    )
