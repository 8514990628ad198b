from __future__ import annotations

import ast

import pytest

# What reaches outside, knows the time or throws dice. A name bans everything below it.
BANNED = frozenset(
    {"os", "io", "time", "random", "secrets", "uuid", "socket", "ssl", "select", "selectors", "signal"}
    | {"subprocess", "asyncio", "anyio", "threading", "multiprocessing", "concurrent", "sched", "queue"}
    | {"shutil", "tempfile", "glob", "fileinput", "pathlib", "fcntl", "mmap", "sys", "logging", "structlog"}
    | {"importlib", "runpy", "ctypes", "pickle", "shelve", "dbm", "sqlite3", "sqlalchemy", "alembic", "psycopg"}
    | {"http", "httpx", "requests", "urllib.request", "ftplib", "smtplib", "fastapi", "starlette", "uvicorn"}
    | {"click", "rich", "prometheus_client"}
)
PURE = frozenset({"pathlib.PurePath", "pathlib.PurePosixPath", "pathlib.PureWindowsPath"})
CLOCKS = frozenset({"now", "utcnow", "today"})
CALLS = frozenset({"open", "print", "input", "__import__", "exec", "eval", "breakpoint"})


def banned(name):
    steps = name.split(".")
    prefixes = {".".join(steps[:count]) for count in range(1, len(steps) + 1)}
    return name not in PURE and bool(BANNED & prefixes)


def imported(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def called(node):
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Name):
        return node.func.id if node.func.id in CALLS else None
    if isinstance(node.func, ast.Attribute):
        owner = ast.unparse(node.func.value)
        clock = node.func.attr in CLOCKS and owner.split(".")[-1] in {"datetime", "date"}
        dice = node.func.attr == "generate" and owner.endswith("PrivateKey")
        return f"{owner}.{node.func.attr}" if clock or dice else None
    return None


def impure(module):
    """Imports and calls of one module through which the outside, time or chance comes in."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield f"{module.path}:{node.lineno}: a relative import, which hides where it leads"
        for name in imported(node):
            if banned(name):
                yield f"{module.path}:{node.lineno}: imports `{name}`"
        if name := called(node):
            yield f"{module.path}:{node.lineno}: calls `{name}`"


def test_the_core_touches_nothing_and_never_reads_a_clock(modules):
    offences = [offence for module in modules("src/interlock/core") for offence in impure(module)]
    assert not offences, "\n".join(offences)


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "import os.path as p",
        "from os import environ",
        "from urllib import request",
        "import urllib.request",
        "from urllib.request import urlopen",
        "from pathlib import Path",
        "import pathlib",
        "def f():\n    import socket",
        "from concurrent.futures import ThreadPoolExecutor",
        "from importlib import import_module",
        "from . import neighbour",
        "datetime.now(UTC)",
        "datetime.datetime.utcnow()",
        "date.today()",
        "open('x')",
        "Ed25519PrivateKey.generate()",
    ],
)
def test_a_way_out_is_found(planted, source):
    assert len(list(impure(planted(source)))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "from pathlib import PurePosixPath",
        "from urllib.parse import quote",
        "from datetime import UTC, datetime",
        "def f(now): return now",
        "clock.now()",
        "import hashlib",
        "file.open()",
    ],
)
def test_what_is_pure_is_left_alone(planted, source):
    assert list(impure(planted(source))) == []
