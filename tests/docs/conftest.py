"""Runs what the pages show: each ``console`` block, in order, in one real shell with real git and ssh-keygen.

Rules:
1. A line that begins with ``$ `` is a command, ``> `` continues it; the other lines are what it prints. A last
   line ``exit 1`` is its exit code, which is 0 where none is written.
2. Each line shown must be among the lines really printed, in that order. Names, digests, times and folders differ
   from run to run and are compared by their shape; a line that is ``…`` stands for any number of lines.
3. ``<!-- file: PATH -->`` above a block writes that block to PATH, as the reader would with an editor.
   ``<!-- run: COMMAND -->`` is what a reader has done anyhow, such as opening a change: run and not compared.
4. The team's database of the pages, ``db.example.com``, is a real PostgreSQL, started where a page names it.
5. The tutorial runs once for all workers; every how-to page goes on in a copy of the repository it left behind.
6. The tutorial runs the installed program. On the how-to pages each ``interlock`` is a process forked from one
   that has imported it already (``started.py``): most of a command's time is importing.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from interlock.testing.postgresql import PostgreSQL

DOCS = Path(__file__).parents[2] / "docs"
DATA = Path(__file__).parents[1] / "data"
SECONDS = 900
"""For a whole page; two minutes were too few on a machine that did other things too."""
TEAMS = "postgresql://interlock@db.example.com/interlock"
_FENCE = re.compile(
    r"(?:<!-- file: (?P<file>\S+) -->\n)?^```(?P<language>[a-z]*)\n(?P<body>.*?)^```$"
    r"|^<!-- run: (?P<hidden>[^\n]+) -->$",
    re.MULTILINE | re.DOTALL,
)
_SHAPES = tuple(
    (re.compile(pattern), shape)
    for pattern, shape in (
        (r"\b(chg|tkt|evd|sig|apr|tok|nonce|reh|alr|snp|tst|lcl|rev|scn)-[a-z0-9]{8,16}\b", r"\1-…"),
        (r"\bcon-[0-9a-f]{12}\b", "con-…"),
        (r"\b127\.0\.0\.1:\d+", "127.0.0.1:port"),
        (r"sha256:[0-9a-f]{64}", "sha256:…"),
        (r"\b[0-9a-f]{4}…[0-9a-f]{2}\b", "dig…"),
        (r"\b[0-9a-f]{64}\b", "hex…"),
        (r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?(Z| UTC)?", "time…"),
        (r"\b\d\d:\d\d:\d\d( UTC)?", "time…"),
        (r"\b\d+(\.\d+)? s\b", "seconds…"),
        (r"\b[0-9a-f]{8}\b", "hex…"),
        (r"\bowner \d+:\d+", "owner …"),
        (r"\b\d+ entries\b", "some entries"),
        (r"\b\d+ records?\b", "some records"),
        (r"\+hex…\+[A-Za-z0-9+/=]{40,}", "+key…"),
        (r"SHA256:\S{43}", "SHA256:…"),
        (r"\S*/harbour\b", "…/harbour"),
        (r"\s+", " "),
    )
)


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a page, or a file to write (``file`` is its path, ``command`` its content).

    ``exits`` is None where the exit code is not compared.
    """

    page: str
    line: int
    command: str
    expected: tuple[str, ...] = ()
    exits: int | None = 0
    file: str = ""


@dataclass(slots=True)
class Shell:
    """A shell in ``folder`` with a home of its own and nothing of the caller's settings."""

    folder: Path
    port: int = 8484
    database: str = TEAMS
    programs: Path = Path(sys.executable).parent
    first: Path = Path(sys.executable).parent

    def run(self, steps: list[Step]) -> list[str]:
        """Run the steps in one shell; what differs from the page, in words."""
        script = self.folder.parent / "page.sh"
        text = "".join(_lines(number, step) for number, step in enumerate(steps))
        text = text.replace("127.0.0.1:8484", f"127.0.0.1:{self.port}").replace(TEAMS, f"'{self.database}'")
        script.write_text(text, encoding="utf-8")
        home = self.folder.parent
        kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TMPDIR") if name in os.environ}
        places = [str(self.first), str(Path(sys.executable).parent), str(self.programs), os.environ["PATH"]]
        path = os.pathsep.join(dict.fromkeys(places))
        quiet = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"), "NO_COLOR": "1"}
        done = subprocess.run(
            ["bash", str(script)],
            cwd=self.folder,
            env={
                **kept,
                "HOME": str(home),
                "PATH": path,
                **quiet,
                "INTERLOCK_PORT": str(self.port),
                "DATA": str(DATA),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
            check=False,
        )
        said = done.stdout.decode("utf-8", "replace")
        return [problem for number, step in enumerate(steps) for problem in _judged(number, step, said)]


def _lines(number: int, step: Step) -> str:
    if step.file:
        folder = os.path.dirname(step.file) or "."  # noqa: PTH120  # a path inside the script, not of ours
        return f"mkdir -p '{folder}'\ncat > '{step.file}' <<'END-OF-FILE'\n{step.command}END-OF-FILE\n"
    begin, end = f"printf '\\036begin {number}\\n'", f"printf '\\n\\036end {number} %d\\n' \"$?\""
    return f"{begin}\n{{\n{step.command}\n}} 2>&1\n{end}\n"


def _judged(number: int, step: Step, said: str) -> list[str]:
    if step.file:
        return []
    where = f"{step.page}:{step.line}: `{step.command.splitlines()[0]}`"
    match = re.search(rf"\x1ebegin {number}\n(.*?)\n\x1eend {number} (\d+)\n", said, re.DOTALL)
    if not match:
        return [f"{where} did not end; the shell said: {said[-300:]}"]
    printed, code = match[1], int(match[2])
    problems = (
        [] if step.exits in (None, code) else [f"{where}: exit {code}, the page says {step.exits}:\n{printed}"]
    )
    left = [shape(line) for line in printed.splitlines()]
    for line in step.expected:
        if line.strip() == "…":
            continue
        wanted = shape(line)
        if wanted not in left:
            problems.append(f"{where} does not print `{line}`, but:\n{printed}")
            break
        left = left[left.index(wanted) + 1 :]
    return problems


def shape(line: str) -> str:
    """A line with everything that differs from run to run put out of sight."""
    for pattern, replacement in _SHAPES:
        line = pattern.sub(replacement, line)
    return line.strip()


def steps_of(page: Path) -> list[Step]:
    """The commands and files of a page, in order."""
    text = page.read_text(encoding="utf-8")
    steps: list[Step] = []
    for fence in _FENCE.finditer(text):
        line = text.count("\n", 0, fence.start()) + 2
        if fence["hidden"]:
            steps.append(Step(page.name, line - 1, fence["hidden"], exits=None))
        elif fence["file"]:
            steps.append(Step(page.name, line, fence["body"], file=fence["file"]))
        elif fence["language"] == "console":
            steps += _commands(page.name, line, fence["body"])
    return steps


def _commands(page: str, first: int, body: str) -> list[Step]:
    found: list[Step] = []
    for number, line in enumerate(body.splitlines(), first):
        last = found[-1] if found else None
        if line.startswith("$ "):
            found.append(Step(page, number, line[2:]))
        elif last is None:
            raise AssertionError(f"{page}:{number}: a console block begins with a command, got `{line}`")
        elif line.startswith("> ") or line == ">":
            found[-1] = Step(page, last.line, f"{last.command}\n{line[2:]}")
        elif match := re.fullmatch(r"exit (\d+)", line):
            found[-1] = Step(page, last.line, last.command, last.expected, int(match[1]))
        elif line.strip():
            found[-1] = Step(page, last.line, last.command, (*last.expected, line), last.exits)
    return found


def make_harbour(folder: Path) -> None:
    """The small repository that the tutorial's outputs come from: three people, five merges, one a mistake."""
    folder.mkdir(parents=True)
    (folder.parent / ".gitconfig").write_text(
        "[user]\n\tname = Ana\n\temail = ana@harbour.example\n"
        "[init]\n\tdefaultBranch = main\n[commit]\n\tgpgSign = false\n"
    )
    (folder.parent / ".ssh").mkdir(mode=0o700)
    config = "berths:\n  length_m: 120\n  hold_minutes: 30\n"
    files = {
        "config/berths.yaml": config,
        "src/berths.py": "def fits(ship_m, berth_m):\n    return ship_m <= berth_m\n",
    }
    _commit(folder, "ana", "Open the harbour", files, start=True)
    edits = (
        ("ben", "Hold berths for as long as it takes", {"config/berths.yaml": config.replace("30", "null")}),
        ("cleo", "Hold berths for 30 minutes again", {"config/berths.yaml": config}),
        ("ana", "Say what fits", {"README.md": "# Harbour\n"}),
        ("ben", "Name the berths", {"src/names.py": "BERTHS = ('north', 'south')\n"}),
        ("cleo", "Name a third berth", {"src/names.py": "BERTHS = ('north', 'south', 'quay')\n"}),
    )
    for who, title, changed in edits:
        _commit(folder, who, title, changed)


def _commit(folder: Path, who: str, title: str, files: dict[str, str], *, start: bool = False) -> None:
    named = {f"GIT_{role}_NAME": who.capitalize() for role in ("AUTHOR", "COMMITTER")}
    named |= {f"GIT_{role}_EMAIL": f"{who}@harbour.example" for role in ("AUTHOR", "COMMITTER")}

    def git(*words: str) -> None:
        quiet = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": str(folder.parent / ".gitconfig")}
        subprocess.run(
            ["git", "-C", str(folder), *words],
            check=True,
            capture_output=True,
            env={**os.environ, **quiet, **named},
        )

    git(*(("init", "--quiet") if start else ("switch", "--quiet", "--create", "work")))
    for path, content in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(content)
    git("add", "--all")
    git("commit", "--quiet", "--message", title)
    if not start:
        git("switch", "--quiet", "main")
        git("merge", "--quiet", "--no-ff", "--message", f"Merge: {title.lower()}", "work")
        git("branch", "--quiet", "--delete", "work")


@pytest.fixture(scope="session")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The home in which the tutorial was run, and what differed from the page; made once for all workers."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    home = shared / "tutorial"
    with (shared / "tutorial.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = shared / "tutorial.json"
        if not told.exists():
            shutil.rmtree(home, ignore_errors=True)
            make_harbour(home / "harbour")
            told.write_text(json.dumps(Shell(home / "harbour").run(steps_of(DOCS / "tutorial.md"))))
        return home, json.loads(told.read_text())


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with an ``interlock`` that has imported everything already."""
    folder = tmp_path_factory.mktemp("started")
    file = Path(__file__).with_name("started.py")
    spec = importlib.util.spec_from_file_location("interlock_test_started", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.stand_in(folder, folder / "socket")
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TMPDIR", "PATH") if name in os.environ}
    command = [sys.executable, str(file), str(folder / "socket")]
    with subprocess.Popen(command, env=kept, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as made:
        assert made.stdout.readline() == "listening\n"
        yield folder
        made.terminate()


@pytest.fixture
def after_tutorial(tutorial: tuple[Path, list[str]], tmp_path: Path, started: Path) -> Shell:
    """A shell in a copy of the repository that the tutorial left behind."""
    home, _ = tutorial
    copy = tmp_path / "home"
    shutil.copytree(home, copy, symlinks=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return Shell(copy / "harbour", port, first=started)


@pytest.fixture
def teams_database() -> Iterator[PostgreSQL]:
    """The database that a team shares."""
    with PostgreSQL() as server:
        yield server


@pytest.fixture
def read_steps() -> Callable[[Path], list[Step]]:
    """Reads the steps of a page."""
    return steps_of


@pytest.fixture
def shell_in() -> Callable[[Path], Shell]:
    """Makes a shell in a folder."""
    return Shell
