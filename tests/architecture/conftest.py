"""The source as the architecture tests see it."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Module:
    """One Python file: ``path`` is relative to the project's root."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax."""
        return ast.parse(self.text, self.path)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def modules() -> Callable[[str], list[Module]]:
    """All Python files under a folder, sorted; read and parsed once."""

    @cache
    def under(folder: str) -> list[Module]:
        found = sorted((ROOT / folder).rglob("*.py"))
        return [Module(str(file.relative_to(ROOT)), file.read_text()) for file in found]

    return under


@pytest.fixture(scope="session")
def planted() -> Callable[[str], Module]:
    """A module with an offence in it, to show that a check can fail."""
    return lambda text, path="src/interlock/core/planted.py": Module(path, text)


@pytest.fixture(scope="session")
def tracked() -> list[tuple[str, str]]:
    """Path and text of every file that git tracks and that is text."""
    return list(_tracked())


def _tracked() -> Iterator[tuple[str, str]]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    for name in filter(None, listed.decode(errors="surrogateescape").split("\0")):
        file = ROOT / name
        if not file.is_file() or file.is_symlink():
            continue
        content = file.read_bytes()
        if b"\0" not in content:
            yield name, content.decode(errors="replace")
