"""Everything that can be handed in wrong: one line, one hint, the right exit code, nothing changed.

Each row is a name, what is put in place, the command, the exit code and the error's code. The state is compared
before and after by the ledger's size and by the files of the database's tables it stands for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

Prepare = Callable[[Path], None]
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@dataclass(frozen=True)
class Case:
    name: str
    command: tuple[str, ...]
    code: str | tuple[str, ...]
    prepare: Prepare = lambda root: None
    exit: int = 2


def text(path: str, content: str | bytes) -> Prepare:
    def write(root: Path) -> None:
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())

    return write


def both(*steps: Prepare) -> Prepare:
    def run(root: Path) -> None:
        for step in steps:
            step(root)

    return run


def without_policies(root: Path) -> None:
    for each in (root / "policies").rglob("*.cedar"):
        each.unlink()


def sparse(path: str, size: int) -> Prepare:
    def make(root: Path) -> None:
        with (root / path).open("wb") as file:
            file.truncate(size)

    return make


def link(path: str, target: str) -> Prepare:
    return lambda root: (root / path).symlink_to(target)


def pipe(path: str) -> Prepare:
    return lambda root: os.mkfifo(root / path)


def appended(path: str, content: str) -> Prepare:
    def append(root: Path) -> None:
        place = root / path
        place.write_text(place.read_text() + content)

    return append


def replaced(path: str, old: str, new: str) -> Prepare:
    def change(root: Path) -> None:
        place = root / path
        before = place.read_text()
        assert old in before, f"{old!r} is not in {path}"
        place.write_text(before.replace(old, new))

    return change


PLAN = '{"format_version": "1.2", "terraform_version": "1.9.0", "resource_changes": ['
GENESIS = ("rules", "genesis", "--show")

INPUTS = [
    Case("no such command", ("chek",), "usage"),
    Case("no such option", ("check", "--prod"), "usage"),
    Case("an option without its value", ("check", "--base"), "usage"),
    Case("no change named", ("change", "show"), "change-unnamed"),
    Case("no such change", ("change", "show", "chg-none"), "record-unknown"),
    Case(
        "a change's name with a slash",
        ("change", "show", "../x"),
        ("path-parameter", "path-unknown", "record-unknown"),
    ),
    Case("a change's name with a control", ("change", "show", "a\x1b[2J"), "path-parameter"),
    Case("an environment that is none", ("change", "show", "chg-none", "--environment", "a b"), "query-parameter"),
    Case("a cursor that is none", ("change", "list", "--after", "x y"), "query-parameter"),
    Case("a limit out of range", ("change", "list", "--limit", "0"), "usage"),
    Case("no such revision", ("check", "--base", "no-such"), "git-revision-unknown"),
    Case(
        "a revision that is an option",
        ("check", "--base=--upload-pack=x"),
        ("git-revision-unknown", "revision-invalid"),
    ),
    Case(
        "an empty range",
        ("check", "--base", "HEAD", "--head", "HEAD"),
        "git-range-empty",
    ),
    Case("no such plan", ("describe", "--plan", "none.json"), "file-missing"),
    Case("a truncated plan", ("describe", "--plan", "p.json"), "json-malformed", text("p.json", PLAN)),
    Case(
        "a binary plan", ("describe", "--plan", "p.out"), "plan-unreadable", text("p.out", b"PK\x03\x04\xff\x00")
    ),
    Case("an empty plan", ("describe", "--plan", "p.json"), "plan-unreadable", text("p.json", "")),
    Case("JSON that is no plan", ("describe", "--plan", "p.json"), "plan-shape", text("p.json", "[1, 2]")),
    Case(
        "a plan nested too deep",
        ("describe", "--plan", "p.json"),
        "plan-unreadable",
        text("p.json", "[" * 100_000),
    ),
    Case("a plan of 200 MB", ("describe", "--plan", "p.json"), "file-too-large", sparse("p.json", 200_000_000)),
    Case("a plan that is a folder", ("describe", "--plan", "config"), "file-expected"),
    Case("a plan that is a pipe", ("describe", "--plan", "pipe"), "file-expected", pipe("pipe")),
    Case("a plan out of the tree", ("describe", "--plan", "/etc/hostname"), "path-outside"),
    Case(
        "a link out of the tree", ("describe", "--plan", "l.json"), "path-outside", link("l.json", "/etc/hostname")
    ),
    Case("a link to nowhere", ("describe", "--plan", "l.json"), "file-missing", link("l.json", "nowhere")),
    Case(
        "a link in a circle",
        ("describe", "--plan", "l.json"),
        ("file-missing", "path-invalid"),
        link("l.json", "l.json"),
    ),
    Case("one of two configurations", ("describe", "--config", "config/delivery.yaml"), "usage"),
    Case(
        "broken YAML",
        ("describe", "--config", "config/delivery.yaml", "n.yaml"),
        "configuration-malformed",
        text("n.yaml", "a: [1\nb: }"),
    ),
    Case(
        "a YAML bomb",
        ("describe", "--config", "config/delivery.yaml", "n.yaml"),
        "configuration-too-big",
        text("n.yaml", BOMB),
    ),
    Case(
        "bad UTF-8",
        ("describe", "--config", "config/delivery.yaml", "n.yaml"),
        "configuration-encoding",
        text("n.yaml", b"a: \xff\xfe\n"),
    ),
    Case(
        "a key twice",
        ("describe", "--config", "o.json", "n.json"),
        "key-twice",
        both(text("o.json", "{}"), text("n.json", '{"a": 1, "a": 2}')),
    ),
    Case(
        "a configuration of no known kind",
        ("describe", "--config", "README", "README"),
        ("configuration-format", "file-missing"),
    ),
    Case(
        "an artefact by tag",
        ("describe", "--artefact", "shop/orders:latest"),
        ("file-missing", "artefact-unpinned"),
    ),
    Case(
        "an artefact's bad digest",
        ("describe", "--artefact", "orders@sha256:12"),
        ("artefact-reference", "oci-reference", "artefact-unpinned"),
    ),
    Case("answers that are no JSON", ("approve", "chg-none", "--answers", "{"), "answers-shape"),
    Case("answers that are no words", ("approve", "chg-none", "--answers", '{"breaks": 1}'), "answers-shape"),
    Case("no key", ("approve", "chg-none", "--as", "vera"), "key-missing"),
    Case("no key at all", ("approve", "chg-none"), "key-missing"),
    Case("a key that is no key", ("approve", "chg-none", "--key", "CODEOWNERS"), ("key-public", "key-malformed")),
    Case("half a signature", ("approve", "chg-none", "--signature", "CODEOWNERS"), "signature-half"),
    Case(
        "a statement that is none",
        ("approve", "chg-none", "--statement", "CODEOWNERS", "--signature", "CODEOWNERS"),
        "input-shape",
    ),
    Case("no such evidence", ("evidence", "add", "chg-none", "none.sarif"), "file-unreadable"),
    Case("evidence of no known kind", ("evidence", "add", "chg-none", "CODEOWNERS"), "evidence-format"),
    Case(
        "evidence of 200 MB",
        ("evidence", "add", "chg-none", "e.sarif"),
        "file-too-large",
        sparse("e.sarif", 200_000_000),
    ),
    Case("evidence from a pipe", ("evidence", "add", "chg-none", "e.xml"), "file-unreadable", pipe("e.xml")),
    Case("a gate for nothing", ("gate", "chg-none"), "record-unknown"),
    Case("a gate with a digest that is none", ("gate", "chg-none", "--digest", "x"), "record-unknown"),
    Case(
        "a token for nobody",
        ("token", "create", "a b", "--kind", "pipeline", "--scope", "read"),
        "token-principal",
    ),
    Case(
        "a token for ever",
        ("token", "create", "ci", "--kind", "pipeline", "--scope", "read", "--days", "9999"),
        "token-days",
    ),
    Case(
        "an agent's token that approves",
        ("token", "create", "bot", "--kind", "agent", "--scope", "approve"),
        "agent-never",
    ),
    Case("no such token", ("token", "revoke", "tok-none"), "record-unknown"),
    Case("an activation without a ticket", ("rules", "activate", "tkt-none"), "record-unknown"),
]

RULES = [
    Case("broken interlock.yaml", GENESIS, "yaml-unreadable", text("interlock.yaml", "version: [")),
    Case("an unknown setting", GENESIS, "input-shape", appended("interlock.yaml", "\nenforce: true\n")),
    Case(
        "a setting out of range",
        GENESIS,
        "settings-range",
        appended("interlock.yaml", "\nthresholds: {fleet_share: 7}\n"),
    ),
    Case("no interlock.yaml", GENESIS, "rules-missing", lambda root: (root / "interlock.yaml").unlink()),
    Case(
        "a catalog with a bomb",
        GENESIS,
        "yaml-too-large",
        text("catalog/bomb.yaml", BOMB),
    ),
    Case(
        "a catalog in bad UTF-8",
        GENESIS,
        ("yaml-unreadable", "catalog-yaml", "catalog-encoding"),
        text("catalog/bad.yaml", b"a: \xff"),
    ),
    Case(
        "a truncated policy",
        GENESIS,
        "policy-syntax",
        text("policies/base/half.cedar", '@id("x") forbid (principal'),
    ),
    Case(
        "an unknown attribute in a policy",
        GENESIS,
        "policy-schema",
        text(
            "policies/base/odd.cedar",
            '@id("odd")@outcome("deny")@reason("r")@remedy("m")forbid(principal,action,resource)'
            "when{context.no_such_fact};",
        ),
    ),
    Case(
        "no policies at all",
        GENESIS,
        "policies-empty",
        without_policies,
    ),
    Case(
        "a rule file that links out of the tree",
        GENESIS,
        ("rules-outside", "path-outside", "rules-link"),
        link("catalog/out.yaml", "/etc/hostname"),
    ),
]


def untouched(terminal) -> int:
    return terminal.entries()


@pytest.mark.parametrize("case", INPUTS, ids=lambda case: case.name.replace(" ", "-"))
def test_a_malformed_input_is_one_line_with_a_hint_and_changes_nothing(case, founded, terminal):
    check(case, founded, terminal)


@pytest.mark.parametrize("case", RULES, ids=lambda case: case.name.replace(" ", "-"))
def test_malformed_rules_are_refused_whole(case, shop, terminal):
    check(case, shop, terminal)


def check(case: Case, place, terminal) -> None:
    case.prepare(place.root)
    before = untouched(terminal)
    said = terminal(*case.command)
    lines = said.err.splitlines()
    codes = (case.code,) if isinstance(case.code, str) else case.code
    assert said.code == case.exit, said
    assert len(lines) == 2, said
    assert lines[0].startswith(tuple(f"error[{code}]: " for code in codes)), said
    assert lines[1].startswith("  hint: "), said
    assert len(lines[1]) > len("  hint: ") + 3, said
    assert "Traceback" not in said.err + said.out
    assert said.out == ""
    assert lines[0].isprintable()
    assert untouched(terminal) == before


@pytest.mark.parametrize("case", INPUTS[:8], ids=lambda case: case.name.replace(" ", "-"))
def test_with_json_the_error_is_one_object(case, founded, terminal):
    case.prepare(founded.root)
    said = terminal(*case.command, "--json")
    if case.code == "usage":
        assert said.code == 2
        return
    told = json.loads(said.out)["error"]
    assert (told["exit"], bool(told["hint"]), said.err) == (case.exit, True, "")
