"""The reference is what the code says, and nothing of the code is left out of it."""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import re
import sys
import typing
from pathlib import Path

import click
import pytest

from interlock import registry
from interlock.config import SETTINGS
from interlock.core.approval.actor import Scope
from interlock.core.change.settings import Settings
from interlock.core.facts.markers import TOOLS_BY_ADDRESS, TOOLS_BY_LOGIN
from interlock.core.policy.facts import FACTS
from interlock.doors.api.table import OPERATIONS
from interlock.doors.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
SOURCE = ROOT / "src" / "interlock"


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["docs_generate"] = module
    before = [*sys.path]
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = before


def page(name):
    return (REFERENCE / f"{name}.md").read_text(encoding="utf-8")


def listed(name):
    """The words in backticks that a page's tables, lists or headings begin with."""
    return {word for line in page(name).splitlines() for word in re.findall(r"^(?:\| |## |- )`([^`]+)`", line)}


def test_what_is_committed_is_what_the_code_says(generate):
    pages = generate.pages()
    assert {path.name for path in REFERENCE.glob("*.md")} == set(pages)
    stale = [name for name, text in pages.items() if (REFERENCE / name).read_text(encoding="utf-8") != text]
    assert not stale, f"run `make docs`: {stale}"


def test_the_readme_shows_what_check_prints(generate):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "$ interlock check\nrefused  production" in readme
    assert generate.with_screen(readme) == readme, "run `make docs`"


def dataclasses_within(kind, found):
    for hint in typing.get_type_hints(kind).values():
        for inner in (hint, *typing.get_args(hint)):
            if dataclasses.is_dataclass(inner) and inner not in found:
                found.append(inner)
                dataclasses_within(inner, found)
    return found


def test_every_setting_is_documented():
    text = page("settings")
    for kind in dataclasses_within(Settings, [Settings]):
        assert f"### {kind.__name__}\n" in text
        section = text.partition(f"### {kind.__name__}\n")[2].partition("\n### ")[0]
        for field in dataclasses.fields(kind):
            assert f"| `{field.name}` |" in section, f"{kind.__name__}.{field.name}"


def test_every_environment_variable_is_documented_and_no_other_is_read():
    assert set(SETTINGS) <= listed("settings")
    read = {
        name
        for path in SOURCE.rglob("*.py")
        for name in re.findall(
            r"""(?:environ(?:ment)?(?:\.get\(|\[)|given\.get\()\s*["'](INTERLOCK_\w+)""", path.read_text()
        )
    }
    assert read == set(SETTINGS) - {"INTERLOCK_SERVER"} | (read & {"INTERLOCK_SERVER"})


def codes(tree):
    """What is given as an error's code: ``code="…"`` in a call, ``SOME_CODE = "…"``, ``error.code = "…"``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword):
            named, value = node.arg == "code", node.value
        elif isinstance(node, ast.Assign):
            target = node.targets[0]
            named = getattr(target, "attr", "") == "code" or getattr(target, "id", "").endswith("_CODE")
            value = node.value
        else:
            continue
        for one in (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,):
            if named and isinstance(one, ast.Constant) and isinstance(one.value, str):
                yield one.value


def test_what_only_looks_like_an_error_code_is_none():
    tree = ast.parse(
        """query = 'requests_total{code="500"}'; f(code="a" if x else "b"); A_CODE = "c"; e.code = "d" """
    )
    assert sorted(codes(tree)) == ["a", "b", "c", "d"]


def test_every_error_code_is_documented():
    found = {code for path in SOURCE.rglob("*.py") for code in codes(ast.parse(path.read_text(encoding="utf-8")))}
    assert len(found) > 150
    assert found - listed("errors") == set()


def test_every_plugin_is_documented():
    headings = set(re.findall(r"^## (\S+)$", page("validators"), re.MULTILINE))
    assert headings == {validator.name for validator in registry.validators()}
    flags = {"git": "--base", "terraform-plan": "--plan", "configuration": "--config", "artefact": "--artefact"}
    assert set(registry.readers()) == set(flags), "a new reader needs its flag in this table, or a page"
    assert all(f"`{flag} " in page("commands") for flag in flags.values())


def test_every_policy_and_fact_is_documented():
    ids = {
        name
        for path, content in registry.bundled_policies().items()
        if path.startswith("base/")
        for name in re.findall(r'@id\("([^"]+)"\)', content.decode())
    }
    assert len(ids) > 30
    assert listed("policies") == ids | set(FACTS)


def paths(path, command):
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from paths(f"{path} {name}", inner)


def loaded(name):
    module, _, attribute = COMMANDS[name][0].partition(":")
    return getattr(importlib.import_module(module), attribute)


def test_every_command_and_flag_is_documented():
    sections = page("commands").split("\n## `")[1:]
    documented = {
        " ".join(word for word in one.partition("`")[0].split() if word.islower()): one for one in sections
    }
    wanted = {path for name in COMMANDS for path in paths(f"interlock {name}", loaded(name))}
    assert set(documented) == wanted
    for name in COMMANDS:
        command = loaded(name)
        flags = [flag for option in command.params if isinstance(option, click.Option) for flag in option.opts]
        assert all(flag in documented[f"interlock {name}"] for flag in flags)


def test_every_operation_marker_and_scope_is_documented():
    assert all(f"`{operation.path}`" in page("api") for operation in OPERATIONS)
    assert set(TOOLS_BY_ADDRESS) | set(TOOLS_BY_LOGIN) <= listed("provenance")
    server = (ROOT / "docs" / "how-to" / "server.md").read_text(encoding="utf-8")
    assert all(f"| `{scope}` |" in server for scope in Scope)


def test_every_kind_of_entry_of_a_real_road_is_documented(tutorial):
    import sqlite3  # noqa: PLC0415  # only to look at what the tutorial left behind

    home, _ = tutorial
    with sqlite3.connect(f"file:{home}/harbour/.interlock/interlock.db?mode=ro", uri=True) as database:
        leaves = [bytes(leaf) for (leaf,) in database.execute("SELECT leaf FROM ledger_entry")]
    database.close()
    kinds = {re.search(rb'"kind":"([a-z.-]+)"', leaf)[1].decode() for leaf in leaves}
    assert {"rules.signed", "rules.activated", "change.opened", "gate.allowed", "gate.refused"} <= kinds
    assert kinds <= listed("ledger")
