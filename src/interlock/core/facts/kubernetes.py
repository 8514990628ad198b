"""The Kubernetes objects that a configuration file's difference speaks of.

Rules:
1. An object is called ``apiVersion/kind/namespace/name``, as the configuration reader calls it, and a key's
   pointer begins with that name.
2. An object was removed when the whole of it was, and the file does not hold it any more.
"""

from __future__ import annotations

from collections.abc import Iterator

from interlock.core.change.parts import ConfigurationFile

_WORDS = 4


def changed_documents(file: ConfigurationFile) -> Iterator[tuple[str, int | None]]:
    """Each object that differs, once, with the first line that does; removed ones included."""
    known = frozenset(file.documents)
    seen: set[str] = set()
    for change in file.changes:
        first, _, rest = change.pointer.removeprefix("/").partition("/")
        name = _unescaped(first)
        removed = change.op == "removed" and not rest and name.count("/") >= _WORDS - 1
        if name not in seen and (name in known or removed):
            seen.add(name)
            yield name, change.line


def is_of_document(file: ConfigurationFile, pointer: str) -> bool:
    """Whether a key's pointer leads into an object that the file holds now."""
    return _unescaped(pointer.removeprefix("/").partition("/")[0]) in file.documents


def removed_documents(file: ConfigurationFile) -> Iterator[tuple[str, int | None]]:
    """Each object that is gone."""
    known = frozenset(file.documents)
    return ((name, line) for name, line in changed_documents(file) if name not in known)


def kind_of_document(name: str) -> str:
    """``Deployment`` of ``apps/v1/Deployment/shop/cart``."""
    words = name.split("/")
    return words[-3] if len(words) >= _WORDS else ""


def name_of_document(name: str) -> str:
    """``cart`` of ``apps/v1/Deployment/shop/cart``."""
    return name.rpartition("/")[2]


def namespace_of_document(name: str) -> str:
    """``shop`` of ``apps/v1/Deployment/shop/cart``, empty where none is written."""
    words = name.split("/")
    return words[-2] if len(words) >= _WORDS else ""


def _unescaped(segment: str) -> str:
    return segment.replace("~1", "/").replace("~0", "~")
