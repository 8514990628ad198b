"""The port to where rule files lie: a folder, or one commit of a git repository.

Rules:
1. A source returns every rule file of one moment or raises; it never follows a link out of its root.
2. Paths are relative to the root and ``/``-separated. Idempotent; bounded to 4,096 files and 64 MiB.
"""

from __future__ import annotations

from typing import Protocol

MAX_FILES = 4096
MAX_BYTES = 64 * 1024 * 1024


class RuleSource(Protocol):
    """Where ``interlock.yaml``, catalog, CODEOWNERS and policies are read from."""

    def files(self) -> dict[str, bytes]:
        """Content by path, ``interlock.yaml`` included.

        Raises:
            InvalidInput: ``rules-missing`` and other ``rules-…`` codes.
            Unavailable: git is needed and cannot be run.
        """

    def describe(self) -> str:
        """One phrase for people: which folder, or which commit."""
