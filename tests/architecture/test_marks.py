from __future__ import annotations

import ast
import io
import re
import tokenize

import pytest

# Written in two halves, so that this file is not its own offender.
LEFT_OVER = re.compile(rf"\b({'TO' + 'DO'}|{'FIX' + 'ME'}|{'XX' + 'X'}|{'HA' + 'CK'})\b")
IGNORE = re.compile(r"#\s*(type:\s*ignore|noqa|pragma:\s*no cover)")
REASONED = re.compile(
    r"#\s*(type:\s*ignore\[[\w, -]+\]|noqa:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*|pragma: no cover)\s+#\s*\S.*\S"
)
SWITCHED_OFF = frozenset({"skip", "skipif", "xfail", "importorskip"})
# Most modules have none of these words anywhere, and need not be taken apart.
PRETENDS = re.compile("|".join(["mock", *SWITCHED_OFF]))


def comments(module):
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def marks(module):
    """Unfinished work, and checks switched off without a reason beside it."""
    if not LEFT_OVER.search(module.text) and not IGNORE.search(module.text):
        return
    for line, text in comments(module):
        if LEFT_OVER.search(text):
            yield f"{module.path}:{line}: left-over mark: {text}"
        if IGNORE.search(text) and not REASONED.search(text):
            yield f"{module.path}:{line}: no code or no reason beside it: {text}"


def pretence(module):
    """Tests that do not run, and components replaced behind the back of the code under test."""
    if not PRETENDS.search(module.text):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom | ast.Import):
            above = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            names = [f"{above}{alias.name}" for alias in node.names]
            if any(name.startswith(("mock", "unittest.mock")) for name in names):
                yield f"{module.path}:{node.lineno}: imports mock"
        if isinstance(node, ast.Attribute) and node.attr in SWITCHED_OFF and "pytest" in ast.unparse(node.value):
            yield f"{module.path}:{node.lineno}: {ast.unparse(node)}"


def everything(modules):
    return [m for folder in ("src", "tests", "benchmarks", "scripts") for m in modules(folder)]


def test_nothing_is_left_over_and_every_ignore_has_its_reason(modules):
    offences = [offence for module in everything(modules) for offence in marks(module)]
    assert not offences, "\n".join(offences)


def test_no_test_is_switched_off_and_nothing_is_mocked(modules):
    offences = [offence for module in everything(modules) for offence in pretence(module)]
    assert not offences, "\n".join(offences)


@pytest.mark.parametrize(
    "comment",
    [
        "# type: ignore",
        "# type: ignore[arg-type]",
        "# type: ignore  # because",
        "# noqa",
        "# noqa: S603",
        "# noqa  # because it is fine",
        "# " + "TO" + "DO: later",
        "# " + "FIX" + "ME",
    ],
)
def test_a_mark_is_found(planted, comment):
    assert len(list(marks(planted(f"x = 1  {comment}\n")))) == 1


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # type: ignore[arg-type]  # the stub is wrong",
        "x = 1  # noqa: S603, S607  # our own fixed command",
        "x = '# type: ignore'",
    ],
)
def test_a_reason_beside_it_is_enough(planted, line):
    assert list(marks(planted(line + "\n"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "from unittest import mock",
        "from unittest.mock import patch",
        "import unittest.mock",
        "import mock",
        "@pytest.mark.skip\ndef test(): ...",
        "@pytest.mark.xfail(reason='later')\ndef test(): ...",
        "pytest.skip('not today')",
        "x = pytest.importorskip('x')",
    ],
)
def test_pretence_is_found(planted, source):
    assert len(list(pretence(planted(source)))) == 1


def test_every_slow_test_is_there(root):
    named = [line.split() for line in (root / "tests" / "slow.txt").read_text().splitlines() if line[0] != "#"]
    assert named
    for name, *usual in named:
        path, _, test = name.partition("::")
        assert re.search(rf"^(    )?(async )?(def|class) {test}\b", (root / path).read_text(), re.MULTILINE), name
        assert not usual or int(usual[0]) > 0, name
