"""What a kustomization says about the files beside it: which of them are patches, not whole objects.

Rules:
1. A patch leaves out whatever it does not change, so a check of whole objects must not miss it there.
2. Only the folder's own kustomization is read; one that cannot be read says nothing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from interlock.core.change.documents import documents
from interlock.core.change.errors import InvalidInput
from interlock.core.change.pointers import covers, every

NAMES = ("kustomization.yaml", "kustomization.yml")
PATCHES = ("/patches/*", "/patches/*/path", "/patchesStrategicMerge/*", "/patchesJson6902/*/path")


def kustomization_of(path: str, exists: Callable[[str], bool]) -> str | None:
    """The kustomization beside a file, if there is one."""
    folder = posixpath.dirname(path)
    return next((name for name in (posixpath.join(folder, end) for end in NAMES) if exists(name)), None)


def patched_files(path: str, content: bytes | None) -> frozenset[str]:
    """The files that a kustomization applies as patches, from the repository's root."""
    try:
        read = documents(path, content)
    except InvalidInput:
        return frozenset()
    return frozenset(
        posixpath.normpath(posixpath.join(posixpath.dirname(path), value))
        for document in read
        for pointer, value in every(document.value)
        if isinstance(value, str) and any(covers(pattern, pointer) for pattern in PATCHES)
    )
