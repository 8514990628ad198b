"""Backstage entity references: ``[kind:][namespace/]name``, case-insensitive.

Rules:
1. A reference takes its missing kind from the field it stands in and its missing namespace from the entity
   that writes it.
2. An entity is called by its name, with ``namespace/`` before it outside ``default``. Where entities of
   several kinds share one list, all but the usual kind carry theirs: among services ``cart``, ``api:cart``
   and ``resource:cart``; among owners ``payments`` (a group) and ``user:ana``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_PART = r"[A-Za-z0-9](?:[A-Za-z0-9_.\-]{0,61}[A-Za-z0-9])?"
_NAME = re.compile(_PART)
_REF = re.compile(rf"(?:(?P<kind>[A-Za-z]{{1,63}}):)?(?:(?P<namespace>{_PART})/)?(?P<name>{_PART})")
_PLAIN_KINDS = frozenset({"component", "group"})
_DEFAULT = "default"


class Ref(NamedTuple):
    """One reference. ``kind`` and ``namespace`` are lowercase, ``name`` as written."""

    kind: str
    namespace: str
    name: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What two references to one entity have in common."""
        return (self.kind, self.namespace, self.name.lower())

    @property
    def local(self) -> str:
        """The name, with the namespace where it is not ``default``."""
        return self.name if self.namespace == _DEFAULT else f"{self.namespace}/{self.name}"

    @property
    def shown(self) -> str:
        """The local name, with the kind where the list it stands in usually holds another."""
        return self.local if self.kind in _PLAIN_KINDS else f"{self.kind}:{self.local}"


def is_name(text: str) -> bool:
    """Whether ``text`` may name an entity or a namespace: up to 63 of ``A-Za-z0-9_.-``."""
    return _NAME.fullmatch(text) is not None


def parse_ref(text: str, *, kind: str, namespace: str = _DEFAULT) -> Ref | None:
    """The reference ``text``, None when it is none."""
    match = _REF.fullmatch(text.strip())
    if match is None:
        return None
    return Ref(
        (match["kind"] or kind).lower(),
        (match["namespace"] or namespace).lower(),
        match["name"],
    )
