"""Snapshots of a PostgreSQL database: taken or found, restored to a real one that is thrown away, both looked at.

Rules:
1. One that is taken here is dumped under the very snapshot that is fingerprinted, so a busy source is no excuse.
2. A new backup has a name of its own, and has it only once it was restored and equal. Until then it ends in
   ``.part``, and afterwards, where it is none, in ``.unverified``. Nothing that exists is written over.
3. The roles of the source are made in the throw-away server, without their passwords, so that owners and grants
   are restored and compared too.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.statement import read_time
from interlock.core.rehearsal.fingerprint import Fingerprint
from interlock.core.snapshot.outcome import Lacking, Taken
from interlock.core.snapshot.plan import FILE, RUN, SnapshotPlan
from interlock.plugins.rehearsals.sql_fingerprint import sql_fingerprint
from interlock.plugins.snapshots.place import Place, Role
from interlock.plugins.snapshots.programs import binaries_for, error_in, missing_in
from interlock.plugins.snapshots.rows import lacking
from interlock.plugins.snapshots.source import Source, one_moment
from interlock.ports.programs import Programs

if TYPE_CHECKING:
    import psycopg

_SERVER = """
SELECT current_setting('server_version'), pg_encoding_to_char(encoding) FROM pg_database
WHERE datname = current_database()"""
_ROLES = "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname !~ '^pg_'"
_EXTENSIONS = "SELECT extname FROM pg_extension"
MOST_TAKEN = 200
PART, UNVERIFIED = ".part", ".unverified"


class PostgresSnapshots:
    """The port's real side, for one plan; ``run`` is this run's id, ``root`` the checkout."""

    def __init__(
        self, plan: SnapshotPlan, *, run: str, root: str, programs: Programs, now: Callable[[], datetime]
    ) -> None:
        self._plan, self._root, self._programs, self._now = plan, Path(root), programs, now
        self._run, self._source = run, Source(plan.database)
        self._place: Place | None = None
        self._file = Path()
        self._part: Path | None = None

    def take(self) -> Taken:
        """By the plan: dumped, made by a program, or found."""
        import psycopg  # noqa: PLC0415  # optional, see the extra `rehearse`

        try:
            with self._source.connected() as connection:
                major = connection.info.server_version // 10_000
                binaries = binaries_for(major, self._programs)
                if binaries is None:
                    return Taken(needs=f"PostgreSQL {major}, as the source is: apt-get install postgresql-{major}")
                server, encoding = connection.execute(_SERVER.encode()).fetchall()[0]
                roles = [Role(*each) for each in connection.execute(_ROLES.encode())]
                extensions = [str(name) for (name,) in connection.execute(_EXTENSIONS.encode())]
                self._place = Place(
                    binaries, self._programs, roles=roles, extensions=extensions, encoding=encoding
                )
                return self._taken(connection, binaries, str(server))
        except psycopg.Error as error:
            return Taken(needs=f"the source: {self._source.without_address(error)}")
        except OSError as error:
            named = f" (`{error.filename}`)" if error.filename else ""
            return Taken(failed=f"{(error.strerror or str(error)).lower()}{named}")

    def restore(self, taken: Taken) -> tuple[str, str]:
        """Into a database of a server of its own."""
        del taken
        assert self._place is not None  # noqa: S101  # it was taken
        return self._place.restore(self._part or self._file, timeout=self._plan.timeout)

    def look(self) -> Fingerprint:
        """What was restored."""
        assert self._place is not None  # noqa: S101  # as above
        with self._place.connected() as connection:
            return self._look(connection)

    def lacking(self, table: str, column: str, until: datetime) -> Lacking:
        """By the primary key, where there is one."""
        import psycopg  # noqa: PLC0415  # optional, see the extra `rehearse`

        assert self._place is not None  # noqa: S101  # as above
        try:
            with self._source.connected() as source, self._place.connected() as restored:
                return lacking(source, restored, table=table, column=column, until=until)
        except psycopg.Error as error:
            return Lacking(failed=self._source.without_address(error))

    def settle(self, *, good: bool) -> tuple[str, str]:
        """Rename a new one; one that somebody took before keeps its name."""
        if self._part is None:
            return self._file.name, ""
        named = self._file if good else _with(self._file, UNVERIFIED)
        try:
            self._part.rename(named)
        except OSError as error:
            return "", (error.strerror or str(error)).lower()
        self._part = None
        return named.name, ""

    def close(self) -> None:
        """Stop the throw-away server, and leave nothing under a name that says it was not compared yet."""
        try:
            if self._place is not None:
                self._place.close()
        finally:
            if self._part is not None:
                with suppress(OSError):
                    self._part.unlink()
                self._part = None

    def _look(self, connection: psycopg.Connection[Any]) -> Fingerprint:
        plan = self._plan
        return sql_fingerprint(connection, schemas=plan.schemas, without=plan.without, seconds=plan.timeout)

    def _taken(self, connection: psycopg.Connection[Any], binaries: Path, server: str) -> Taken:
        if self._plan.how == "existing":
            return self._found(connection, server)
        self._file = self._root / self._plan.file.replace(RUN, self._run)
        part = _with(self._file, PART)
        if any(each.exists() for each in (self._file, part, _with(self._file, UNVERIFIED))):
            return Taken(failed=f"a file is in its place already: {self._file.name}")
        later, self._part = None, part
        with one_moment(connection) as name:
            at = self._now()
            said = self._made(binaries, part, name)
            look = self._look(connection) if not said else None
        if said:
            needs = missing_in(said)
            return Taken(needs=needs) if needs else Taken(failed=said)
        if self._plan.how == "command":
            later = self._look(connection)
        return self._told(at=at, source=look, later=later, server=server)

    def _made(self, binaries: Path, part: Path, name: str) -> str:
        """Write the backup to ``part``; what a program says against it."""
        plan, schemas = self._plan, [f"--schema={each}" for each in self._plan.schemas]
        dump = (
            str(binaries / "pg_dump"), "--format=custom", "--no-subscriptions", f"--snapshot={name}",
            f"--file={part}", *schemas,
        )  # fmt: skip
        known = {**self._source.variables, "SNAPSHOT_ID": name, "SNAPSHOT_FILE": str(part)}
        part.touch(mode=0o600)
        made = self._programs.output(plan.run or dump, timeout=plan.timeout, environment=known)
        if not made.ran.good:
            return f"{Path((plan.run or dump)[0]).name}: {error_in(made)}"
        return (
            ""
            if part.stat().st_size
            else f"{(plan.run or dump)[0]} ended well and wrote nothing to $SNAPSHOT_FILE"
        )

    def _found(self, connection: psycopg.Connection[Any], server: str) -> Taken:
        """The newest backup that is there, by what it claims."""
        pattern = self._plan.file
        folder, name = (self._root / pattern).parent, Path(pattern).name
        unproven = (PART, UNVERIFIED)
        files = [
            each
            for each in folder.glob(name)
            if each.is_file() and (each.name == name or not each.name.endswith(unproven))
        ]
        if not files:
            return Taken(failed=f"there is no such file: {pattern}")
        try:
            dated = [(self._claimed(each), each) for each in files]
        except InvalidInput as error:
            return Taken(failed=error.message)
        at, self._file = max(dated)
        return self._told(at=at, source=self._look(connection), later=None, server=server)

    def _claimed(self, file: Path) -> datetime:
        if not self._plan.taken:
            return datetime.fromtimestamp(file.stat().st_mtime, tz=UTC)
        place = self._root / self._plan.taken.replace(FILE, os.fspath(file))
        return read_time(place.read_text(encoding="utf-8", errors="replace")[:MOST_TAKEN].strip())

    def _told(self, *, at: datetime, source: Fingerprint | None, later: Fingerprint | None, server: str) -> Taken:
        file = self._part or self._file
        with file.open("rb") as opened:
            digest = f"sha256:{hashlib.file_digest(opened, 'sha256').hexdigest()}"
        return Taken(
            file=self._file.name,
            digest=digest,
            size=file.stat().st_size,
            at=at,
            source=source,
            later=later,
            server=server,
        )


def _with(file: Path, ending: str) -> Path:
    return file.with_name(f"{file.name}{ending}")
