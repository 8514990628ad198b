from __future__ import annotations

import ast
import re
from pathlib import PurePosixPath

import pytest

BANNED = frozenset(
    {"manager", "managers", "helper", "helpers", "util", "utils", "data", "info", "infos"}
    | {"process", "handle", "misc", "common"}
)
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def words(name):
    return [word.lower() for word in WORD.findall(name)]


def badly_named(module):
    """Names of modules, classes, functions and arguments that say nothing about what they are."""
    for part in (*PurePosixPath(module.path).parent.parts, PurePosixPath(module.path).stem):
        if BANNED.intersection(words(part)):
            yield f"{module.path}: module `{part}`"
    for node in ast.walk(module.tree):
        name = getattr(node, "name", None) or getattr(node, "arg", None)
        named = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.arg)
        if named and BANNED.intersection(words(name)):
            yield f"{module.path}:{node.lineno}: `{name}`"


def test_names_say_what_things_are(modules):
    everything = [m for folder in ("src", "benchmarks", "scripts") for m in modules(folder)]
    offences = [offence for module in everything for offence in badly_named(module)]
    assert not offences, "\n".join(offences)


@pytest.mark.parametrize(
    "source",
    [
        "class ChangeManager: ...",
        "def load_data(): ...",
        "async def handle(): ...",
        "def f(*, user_info): ...",
        "def f(*data): ...",
        "def f(**misc): ...",
        "f = lambda data: 1",
        "class HTTPHelper: ...",
        "class A:\n    def process(self): ...",
    ],
)
def test_an_empty_name_is_found(planted, source):
    assert len(list(badly_named(planted(source)))) == 1


def test_an_empty_module_name_is_found(planted):
    assert len(list(badly_named(planted("", "src/interlock/utils/planted.py")))) == 1
    assert len(list(badly_named(planted("", "src/interlock/common.py")))) == 1


@pytest.mark.parametrize(
    "source",
    [
        'def f():\n    """The data, and how to process it."""',
        "import subprocess\nfrom importlib import metadata",
        "f(data=1)  # somebody else's argument",
        "def metadata(): ...",
        "def unhandled(processor): ...",
        "x = {'info': 1}",
        "class Database: ...",
    ],
)
def test_other_uses_of_these_words_are_not_offences(planted, source):
    assert list(badly_named(planted(source))) == []
