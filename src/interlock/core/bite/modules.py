"""Which modules the product has, and whether the tests read these or an installed copy of them.

Rules:
1. A module is known by the names under which the plan's folders make it importable.
2. Each that was loaded must be a file of the checkout that was tested; one from elsewhere says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def module_names(paths: Iterable[str], roots: Sequence[str]) -> tuple[str, ...]:
    """The names of the modules among the product's files, sorted."""
    found: set[str] = set()
    prefixes = ["" if root.strip("./") == "" else f"{root.removeprefix('./').strip('/')}/" for root in roots]
    for path in paths:
        if path.endswith(".py"):
            found.update(
                name for prefix in prefixes if path.startswith(prefix) and (name := _name(path[len(prefix) :]))
            )
    return tuple(sorted(found))


def _name(path: str) -> str:
    parts = path.removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts) if parts and all(part.isidentifier() for part in parts) else ""


def from_elsewhere(origins: Mapping[str, str], root: str) -> tuple[tuple[str, str], ...]:
    """Modules of the product that were not loaded from below ``root``, with the file they came from."""
    below = root.rstrip("/") + "/"
    return tuple((name, file) for name, file in sorted(origins.items()) if not file.startswith(below))
