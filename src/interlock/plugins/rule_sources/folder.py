"""Rule files from a folder, such as a working tree.

Rules:
1. Only regular files below the root are read; a link that leads out of it is refused, not skipped.
2. Limits are checked while walking: 4,096 files, 64 MiB together, so that a wrong root ends quickly.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from interlock.core.change.errors import InvalidInput
from interlock.core.change.settings import SETTINGS_FILE, Settings, is_rule_file, rule_places
from interlock.core.policy.rules import settings_of
from interlock.ports.rule_source import MAX_BYTES, MAX_FILES


class FolderRules:
    """The rule files of one folder."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def files(self) -> dict[str, bytes]:
        """Content by path, ``interlock.yaml`` included."""
        first = self._read(SETTINGS_FILE)
        settings = settings_of({} if first is None else {SETTINGS_FILE: first})
        found: dict[str, bytes] = {}
        size = 0
        for path in self._candidates(settings):
            content = self._read(path)
            if content is None or not is_rule_file(path, settings):
                continue
            found[path] = content
            size += len(content)
            if len(found) > MAX_FILES or size > MAX_BYTES:
                raise InvalidInput(
                    f"expected at most {MAX_FILES} rule files of {MAX_BYTES >> 20} MiB, got more",
                    code="rules-too-large",
                    hint="name narrower folders under `catalog:` in interlock.yaml",
                )
        return found

    def describe(self) -> str:
        """Which folder."""
        return f"working tree {self._root}"

    def _candidates(self, settings: Settings) -> Iterator[str]:
        for place in rule_places(settings):
            start = self._root / place
            if start.is_dir():
                for path in sorted(start.rglob("*")):
                    if not path.is_dir():
                        yield path.relative_to(self._root).as_posix()
            elif start.exists() or start.is_symlink():
                yield start.relative_to(self._root).as_posix()

    def _read(self, path: str) -> bytes | None:
        place = self._root / path
        try:
            real = place.resolve(strict=True)
            if not real.is_relative_to(self._root):
                raise InvalidInput(
                    f"expected rule file `{path}` inside `{self._root}`, got a link that leads out of it",
                    code="rules-outside",
                    hint="copy the file into the repository",
                )
            return real.read_bytes() if real.is_file() else None
        except FileNotFoundError:
            return None
        except (OSError, RuntimeError) as error:
            raise InvalidInput(
                f"expected a readable rule file, got `{path}`: {error}",
                code="rules-unreadable",
                hint="fix the file",
            ) from error
