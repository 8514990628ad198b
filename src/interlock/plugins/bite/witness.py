"""Goes along with the tests into their own Python: writes down what pytest alone knows of each of them.

Rules:
1. It is copied beside the tests and loaded by their pytest, whatever version that and its Python have: it imports
   nothing of interlock, and its syntax is old.
2. One line of JSON for each report, written as it comes: what a test ends in, of which functions it is made, which
   files could not be collected, and where the modules of the product came from.
3. Each process that runs tests writes a file of its own, so that tests may be run in several.
4. Where a list of tests is there, the others are left out.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

FOLDER = "TESTS_WITNESS_FOLDER"
"""The variable that says where to write, and where the list and the modules' names are."""
MOST = 300
NEWER = 7
"""Since this pytest the hook about files is given a path by another name."""
_SYMBOL = (ImportError, AttributeError, NameError)


def _ask() -> dict[str, Any]:
    if FOLDER not in os.environ:
        return {"only": None, "files": [], "modules": []}
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


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Write down where the modules of the product came from."""
    files = {name: getattr(sys.modules.get(name), "__file__", None) for name in ASKED["modules"]}
    _write({"kind": "origins", "origins": {name: os.path.realpath(file) for name, file in files.items() if file}})
