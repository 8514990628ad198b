"""Migrations that are files of SQL, run in the order of their names.

Rules:
1. ``NAME.up.sql`` goes there and ``NAME.down.sql`` back. A file ``NAME.sql`` has both, each below a line that says
   so (``-- migrate:up``, ``-- +goose Up``, ``-- +migrate Up``, and Down); without such a line it has no way back.
2. What the change adds are names that the base does not have.
3. It stops at the first error. A file runs as ``psql`` would run it: each statement by itself, unless it says
   BEGIN. What is a command for ``psql`` and no SQL is refused before anything runs: it could run any program here.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from interlock.plugins.rehearsals.migration_settings import MigrationSettings
from interlock.plugins.rehearsals.migration_tools import PSQL, Argv, Migration, Missing, Run, succeeded
from interlock.plugins.rehearsals.sql_statements import NotSql, statements

_WAY = re.compile(r"^--[ \t]*(?:migrate:|\+goose |\+migrate )(up|down)\b.*$", re.IGNORECASE | re.MULTILINE)


class SqlFiles:
    """See the rules above. Parts of files are written below ``scratch``."""

    own: tuple[str, ...] = ()

    def __init__(self, settings: MigrationSettings, scratch: Path) -> None:
        self._folder, self._scratch = settings.folder, scratch
        self._known: set[str] = set()

    def program(self) -> str:
        """This interpreter."""
        return sys.executable

    def there(self, root: Path) -> bool:
        """Whether the folder is there."""
        return (root / self._folder).is_dir()

    def base(self, root: Path, run: Run) -> None:
        """Every file up, by name."""
        found = self._files(root)
        self._known = set(found)
        for name, (up, _) in found.items():
            succeeded(run(self.sql(up)), f"the base's {name}")

    def added(self, root: Path, run: Run) -> tuple[Migration, ...]:
        """The names that are new."""
        del run
        return tuple(
            Migration(
                name=name,
                up=self.sql(up),
                down=self.sql(down) if down else (),
                back=(*PSQL, f"--file={self._folder}/{down.name}") if down and not self._is_part(down) else (),
                part=f"{self._folder}/{name}.sql" if down and self._is_part(down) else "",
            )
            for name, (up, down) in self._files(root).items()
            if name not in self._known
        )

    def sql(self, file: Path) -> Argv:
        """The program that runs a file, in which nothing of the checkout is imported.

        Raises:
            Missing: the file is not SQL alone.
        """
        try:
            for _ in statements(file.read_text(encoding="utf-8")):
                pass
        except (NotSql, UnicodeError, OSError) as error:
            raise Missing(f"SQL alone in {file.name}: {error}") from error
        return (sys.executable, "-I", "-m", "interlock.plugins.rehearsals.sql_run", str(file))

    def _files(self, root: Path) -> dict[str, tuple[Path, Path | None]]:
        found: dict[str, tuple[Path, Path | None]] = {}
        for file in sorted((root / self._folder).glob("*.sql")):
            name = file.name.removesuffix(".sql")
            if name.endswith(".up"):
                down = file.with_name(f"{name.removesuffix('.up')}.down.sql")
                found[name.removesuffix(".up")] = (file, down if down.is_file() else None)
            elif not name.endswith(".down"):
                found[name] = self._parts(file, name)
        return found

    def _parts(self, file: Path, name: str) -> tuple[Path, Path | None]:
        text = file.read_text(encoding="utf-8")
        marks = [*_WAY.finditer(text)]
        if not marks:
            return file, None
        ends = [*(mark.start() for mark in marks[1:]), len(text)]
        ways = {mark[1].lower(): text[mark.end() : end] for mark, end in zip(marks, ends, strict=True)}
        return self._part(name, "up", ways.get("up", "")), (
            self._part(name, "down", ways["down"]) if ways.get("down", "").strip() else None
        )

    def _is_part(self, file: Path) -> bool:
        return file.parent == self._scratch

    def _part(self, name: str, way: str, text: str) -> Path:
        place = self._scratch / f"{name}.{way}.sql"
        place.write_text(text, encoding="utf-8")
        return place
