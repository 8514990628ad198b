"""Which files are rules: the settings, the policies, the catalog and the owners of paths.

Rules:
1. A change of one of them is a change of the rules and needs what a Tier-1 change needs.
2. A catalog path of ``interlock.yaml`` covers the file itself and, for a folder, everything in it.
"""

from __future__ import annotations

from interlock.core.change.settings import Settings

SETTINGS_FILE = "interlock.yaml"


def is_rule_file(path: str, settings: Settings) -> bool:
    """Whether ``path`` is part of the rules."""
    if path == SETTINGS_FILE or path in settings.codeowners:
        return True
    return any(_inside(path, place) for place in (settings.policies, *settings.catalog))


def _inside(path: str, place: str) -> bool:
    bare = place.removeprefix("./").strip("/")
    return bare in {"", "."} or path == bare or path.startswith(f"{bare}/")
