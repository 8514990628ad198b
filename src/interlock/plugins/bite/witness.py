"""Goes along with the tests into their own Python: writes down what pytest alone knows of each of them.

Rules:
1. It is copied beside the tests and loaded by their pytest, whatever version that and its Python have: it imports
   nothing of interlock, and its syntax is old.
2. One line of JSON for each report, written as it comes: what a test ends in, of which functions it is made, which
   files could not be collected, and where the modules of the product came from.
3. Each process that runs tests writes a file of its own, so that tests may be run in several.
4. Where a list of tests is there, the others are left out.
5. Where files are to be watched, it is told of each test whether a function of them ran, and of the whole run
   which of them were opened and whether other programs were started.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

FOLDER = "TESTS_WITNESS_FOLDER"
"""The variable that says where to write, and where the list and the modules' names are."""
MOST = 300
NEWER = 7
"""Since this pytest the hook about files is given a path by another name."""
_STARTS = frozenset((
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty",
))  # fmt: skip
"""What Python says when it starts another program, or goes on as two."""
_FORKED = tuple("multiprocessing.popen_" + kind for kind in ("fork", "forkserver", "spawn_posix"))
"""What is imported by whoever starts a process that way, of which Python says nothing."""
_SYMBOL = (ImportError, AttributeError, NameError)


def _ask() -> dict[str, Any]:
    if FOLDER not in os.environ:
        return {"only": None, "files": [], "modules": [], "watched": None}
    text = Path(os.environ[FOLDER], "asked.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


ASKED = _ask()


def _write(told: dict[str, Any]) -> None:
    place = Path(os.environ[FOLDER], f"seen-{os.getpid()}.jsonl")
    with place.open("a", encoding="utf-8") as file:
        file.write(json.dumps(told) + "\n")


def _where(function: Any) -> dict[str, str] | None:  # noqa: ANN401  # what pytest calls a test
    """A function's own place, through what decorators wrapped around it."""
    try:
        function = inspect.unwrap(function)
    except ValueError:
        return None
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    if code is None:
        return None
    return {"file": os.path.realpath(code.co_filename), "name": function.__qualname__}


def _uses(item: pytest.Item) -> list[dict[str, str]]:
    functions = [getattr(item, "obj", None)]
    fixtures = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    for found in fixtures.values():
        functions += [each.func for each in found]
    places = [_where(function) for function in functions if function is not None]
    return [place for place in places if place is not None]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not asked for, and write down what the others use."""
    if ASKED["only"] is not None:
        wanted = set(ASKED["only"])
        left = [item for item in items if item.nodeid not in wanted]
        items[:] = [item for item in items if item.nodeid in wanted]
        config.hook.pytest_deselected(items=left)
    for item in items:
        _write({"kind": "item", "id": item.nodeid, "uses": _uses(item)})


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Write down what somebody else left out."""
    for item in items if ASKED["only"] is None else []:
        _write({"kind": "left-out", "id": item.nodeid})


def _is_left_out(path: str) -> bool | None:
    """Whether a file holds none of the tests that are asked for; what is around tests is never left out."""
    name = Path(path).name
    if ASKED["only"] is None or not name.endswith(".py") or name in {"__init__.py", "conftest.py"}:
        return None
    return True if os.path.realpath(path) not in ASKED["files"] else None


if int(pytest.__version__.partition(".")[0]) >= NEWER:

    def pytest_ignore_collect(collection_path: Path) -> bool | None:
        """See ``_is_left_out``."""
        return _is_left_out(str(collection_path))

else:

    def pytest_ignore_collect(path: Any) -> bool | None:  # type: ignore[misc]  # noqa: ANN401
        """See ``_is_left_out``."""
        return _is_left_out(str(path))


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Write down what could not be collected."""
    if report.failed:
        _write({"kind": "unread", "id": report.nodeid, "said": str(report.longrepr)[-MOST:]})


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Write down how a test ended, and why."""
    outcome = yield
    report = outcome.get_result()
    if report.when != "call" and report.passed:
        return
    told = {"kind": "test", "id": item.nodeid, "phase": report.when, "outcome": report.outcome}
    # An expected failure, and one that passed although it is strict, which has no exception.
    told["xfail"] = hasattr(report, "wasxfail") or (report.failed and call.excinfo is None)
    if call.excinfo is not None:
        told["kinds"] = sorted(_kinds(call.excinfo.value))
        words = f"{call.excinfo.typename}: {call.excinfo.value}"
        told["said"] = words.splitlines()[0][:MOST]
    _write(told)


def _kinds(error: BaseException) -> set[str]:
    """The names of what failed and, of what led to it, the symbols that were missing."""
    names = {each.__name__ for each in type(error).__mro__}
    seen = set()
    led: BaseException | None = error
    while led is not None and id(led) not in seen:
        seen.add(id(led))
        names.update(each.__name__ for each in _SYMBOL if isinstance(led, each))
        led = led.__cause__ or led.__context__
    return names


class _Watch:
    """What is seen of the watched files, in this process."""

    def __init__(self, watched: list[str]) -> None:
        self._watched = frozenset(watched)
        self._places: dict[str, str] = {}
        self.ran: set[str] = set()
        self.all: set[str] = set()
        self.opened: set[str] = set()
        self.started = self.lost = False

    def listen(self) -> None:
        """Hear from now on what is opened and started."""
        sys.addaudithook(self._heard)

    def begin(self) -> None:
        """Watch from now on which functions run, in this thread and in those that begin later."""
        threading.setprofile(self._called)
        sys.setprofile(self._called)

    def _where(self, file: str) -> str:
        if file not in self._places:
            self._places[file] = os.path.realpath(file)
        return self._places[file]

    def _called(self, frame: Any, event: str, _: Any) -> None:  # noqa: ANN401  # what Python calls it with
        if event != "call":
            return
        code = frame.f_code
        if code.co_flags & inspect.CO_OPTIMIZED and self._where(code.co_filename) in self._watched:
            self.ran.add(self._where(code.co_filename))

    def _heard(self, event: str, words: tuple[Any, ...]) -> None:
        if event in _STARTS:
            self.started = True
        elif event == "open" and isinstance(words[0], (str, bytes)):
            file = os.path.realpath(os.fsdecode(words[0]))
            if file in self._watched:
                self.opened.add(file)

    def told(self) -> list[str]:
        """The files of which functions ran since it was last asked."""
        # Who profiles by himself, or runs tests in a thread from before, leaves nothing to be seen.
        self.lost = self.lost or sys.getprofile() != self._called
        found = sorted(self.ran)
        self.all |= self.ran
        self.ran.clear()
        return found


WATCH = None if ASKED["watched"] is None else _Watch(ASKED["watched"])
if WATCH is not None:
    WATCH.listen()


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None, Any, None]:
    """Watch what runs from the repository's first file on: to watch plugins being loaded takes ten seconds."""
    if WATCH is not None:
        WATCH.begin()
    yield


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, None]:
    """Write down what a test reached, with what is set up and taken down around it."""
    if WATCH is not None:
        WATCH.told()
    yield
    if WATCH is not None:
        _write({"kind": "reach", "id": item.nodeid, "ran": WATCH.told(), "opened": []})


def _write_watched(watch: _Watch) -> None:
    watch.told()
    started = watch.started or any(name in sys.modules for name in _FORKED)
    told = {"kind": "reach", "id": "", "ran": sorted(watch.all), "opened": sorted(watch.opened)}
    _write({**told, "started": started, "lost": watch.lost})


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Write down where the modules of the product came from, and what was seen of its files."""
    if WATCH is not None:
        _write_watched(WATCH)
    files = {name: getattr(sys.modules.get(name), "__file__", None) for name in ASKED["modules"]}
    _write({"kind": "origins", "origins": {name: os.path.realpath(file) for name, file in files.items() if file}})
