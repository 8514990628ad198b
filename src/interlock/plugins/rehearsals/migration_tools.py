"""The tools that migrate: how each is run, and which migrations a change adds.

Rules:
1. The tool itself is run, with the project's own interpreter: what it would print as SQL hides what it does in
   Python.
2. The base is migrated by the tool as the base has it; what the change adds is what the tool finds in the change
   beyond that, in the tool's own order.
3. A migration is one run up and one run down. Where nobody wrote a way back, ``down`` is empty.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from interlock.core.rehearsal.brief import brief
from interlock.plugins.rehearsals.migration_settings import MigrationSettings
from interlock.ports.programs import Output

_SAID = 200
_ERROR = re.compile(
    r"^(?:\(?[\w.]*(?:Error|Exception|Violation|Undefined\w+)\)?:? .*|.*\bERROR: .*)$", re.MULTILINE
)

Argv = tuple[str, ...]
PSQL: Argv = ("psql", "--set=ON_ERROR_STOP=1")
"""How a file of SQL is typed; the database is to be put in."""
Run = Callable[[Argv], Output]
"""Runs a program in the place where it is asked for, against one database."""


class Missing(Exception):
    """Without this nothing can be decided here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One migration that the change adds.

    ``back`` is ``down`` as somebody types it in the project; ``part`` is the file a part of which is the way back.
    """

    name: str
    up: Argv
    down: Argv = ()
    back: Argv = ()
    part: str = ""


class Tool(Protocol):
    """One tool. ``own`` are tables that it keeps for itself."""

    own: tuple[str, ...]

    def program(self) -> str:
        """What must be there to run it."""

    def there(self, root: Path) -> bool:
        """Whether a checkout has anything for it."""

    def base(self, root: Path, run: Run) -> None:
        """Bring the base's schema; ``run`` runs in the base's checkout, which lies at ``root``.

        Raises:
            Missing: it did not get there.
        """

    def added(self, root: Path, run: Run) -> tuple[Migration, ...]:
        """What the change adds; ``run`` runs in the change's checkout, against the base's schema.

        Raises:
            Missing: the tool does not say.
        """


_REVISIONS = """
import json, sys
from alembic.config import Config
from alembic.script import ScriptDirectory
script = ScriptDirectory.from_config(Config(sys.argv[1]))
applied = set()
for head in sys.argv[2:]:
    applied |= {each.revision for each in script.iterate_revisions(head, "base")}
new = [each for each in script.walk_revisions() if each.revision not in applied][::-1]
def forks(revision):
    return isinstance(revision, str) and len(script.get_revision(revision).nextrev) > 1
told = [[each.revision, each.down_revision, forks(each.down_revision)] for each in new]
print(json.dumps({"heads": script.get_heads(), "new": told}))
"""


class Alembic:
    """See the rules above."""

    own: tuple[str, ...] = ("alembic_version",)

    def __init__(self, settings: MigrationSettings, python: str) -> None:
        self._config, self._python, self._typed = settings.config, python, project_python(settings)
        self._heads: list[str] = []

    def program(self) -> str:
        """The interpreter."""
        return self._python

    def there(self, root: Path) -> bool:
        """Whether it is configured."""
        return (root / self._config).is_file()

    def base(self, root: Path, run: Run) -> None:
        """``upgrade heads``."""
        del root
        self._heads = self._revisions(run)["heads"]
        succeeded(run(self._alembic("upgrade", "heads")), "the base's `alembic upgrade heads`")

    def added(self, root: Path, run: Run) -> tuple[Migration, ...]:
        """Every revision that is no ancestor of the base's heads."""
        del root
        return tuple(self._migration(*each) for each in self._revisions(run, *self._heads)["new"])

    def _migration(self, revision: str, down: str | list[str] | None, forks: bool) -> Migration:  # noqa: FBT001  # as JSON tells it
        target = down if isinstance(down, str) else down[0] if down else "base"
        # Where histories fork or meet, only this one goes back.
        target = f"{revision}@{target}" if forks or not isinstance(down, str | None) else target
        up, back = self._alembic("upgrade", revision), self._alembic("downgrade", target)
        return Migration(name=revision, up=up, down=back, back=(self._typed, *back[1:]))

    def _alembic(self, *words: str) -> Argv:
        return (self._python, "-m", "alembic", "-c", self._config, *words)

    def _revisions(self, run: Run, *heads: str) -> Mapping[str, list[str]]:
        done = succeeded(run((self._python, "-c", _REVISIONS, self._config, *heads)), "Alembic's revisions")
        found: Mapping[str, list[str]] = json.loads(done.out.splitlines()[-1])
        return found


class Django:
    """See the rules above."""

    own: tuple[str, ...] = ("django_migrations", "django_content_type", "auth_permission")

    def __init__(self, settings: MigrationSettings, python: str) -> None:
        self._manage, self._python, self._typed = settings.manage, python, project_python(settings)

    def program(self) -> str:
        """The interpreter."""
        return self._python

    def there(self, root: Path) -> bool:
        """Whether there is a project."""
        return (root / self._manage).is_file()

    def base(self, root: Path, run: Run) -> None:
        """``migrate``."""
        del root
        succeeded(run(self._django("migrate", "--noinput")), "the base's `migrate`")

    def added(self, root: Path, run: Run) -> tuple[Migration, ...]:
        """What ``showmigrations --plan`` has not applied yet, in its order."""
        del root
        done = succeeded(run(self._django("showmigrations", "--plan")), "`showmigrations --plan`")
        lines = [line.split() for line in done.out.decode(errors="replace").splitlines() if "]" in line]
        plan = [(line[0] == "[X]", line[-1] if line[0] == "[X]" else line[2]) for line in lines]
        last: dict[str, str] = {}
        found = []
        for applied, full in plan:
            app, _, name = full.partition(".")
            if not applied:
                back = self._django("migrate", "--noinput", app, last.get(app, "zero"))
                up = self._django("migrate", "--noinput", app, name)
                found.append(Migration(name=full, up=up, down=back, back=(self._typed, *back[1:])))
            last[app] = name
        return tuple(found)

    def _django(self, *words: str) -> Argv:
        return (self._python, self._manage, *words)


def succeeded(done: Output, what: str) -> Output:
    """Pass what ended well.

    Raises:
        Missing: what did not, with what it said.
    """
    if not done.ran.good:
        raise Missing(f"{what} to end well, which {failed(done)}")
    return done


def failed(done: Output) -> str:
    """How it ended, with the line that says why: the last that names an error, else the last of all."""
    lines = [line for line in _ERROR.findall(words_of((done.out, done.error))) if not line.startswith("[SQL")]
    if done.ran.code is None or not lines:
        return done.ran.told
    return f"ended with {done.ran.code}: {brief(lines[-1].strip(), _SAID)}"


def interpreter(python: str, root: str) -> str:
    """The project's interpreter: a path below the checkout also where the tool runs elsewhere."""
    return os.path.join(root, python) if os.sep in python else python  # noqa: PTH118  # an absolute one stays


def project_python(settings: MigrationSettings) -> str:
    """The project's interpreter as it is called in the folder in which the tool is run."""
    python = settings.python
    if "/" not in python or python.startswith("/"):
        return python
    return os.path.relpath(python, settings.directory or ".")


def words_of(run: Sequence[bytes]) -> str:
    """Everything that a program said."""
    return b"\n".join(run).decode(errors="replace")
