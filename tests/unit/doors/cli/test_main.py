"""The front of the command line: lazy, complete, and never a trace."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import click
import pytest

from interlock.core.change.errors import Conflict, IntegrityError, InvalidInput, Unavailable
from interlock.doors.cli.failure import report
from interlock.doors.cli.main import COMMANDS, main

HEAVY = {"sqlalchemy", "fastapi", "httpx", "rich", "pydantic", "cedarpy", "structlog", "cryptography", "alembic"}


def run(*arguments: str, capsys) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


def test_help_lists_every_command_and_imports_none():
    code = (
        "import sys; from interlock.doors.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print('|'.join(sorted({name.partition('.')[0] for name in sys.modules})), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert all(f"  {name} " in done.stdout for name in COMMANDS)
    assert not HEAVY & set(done.stderr.split("|"))


def test_a_command_on_sqlite_waits_for_nothing_it_does_not_use():
    code = (
        "import sys, interlock.storage, interlock.bootstrap, interlock.doors.cli.wire_local\n"
        "print('|'.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    loaded = set(done.stdout.strip().split("|"))
    assert "sqlalchemy.dialects.sqlite" in loaded
    assert not {"sqlalchemy.dialects.postgresql", "psycopg", "alembic", "numpy", "apprise", "uvicorn"} & loaded


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_what_the_command_says(name):
    module, _, attribute = COMMANDS[name][0].partition(":")
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert command.help
    assert command.name == name


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name, capsys):
    code, out, _ = run(name, "--help", capsys=capsys)
    assert code == 0
    assert out.startswith(f"Usage: interlock {name}")


def test_the_version(capsys):
    code, out, _ = run("--version", capsys=capsys)
    assert (code, out.split()[0]) == (0, "interlock")


def test_a_misspelt_command_names_the_nearest(capsys):
    code, out, err = run("chek", capsys=capsys)
    assert (code, out) == (2, "")
    assert err == (
        "error[usage]: expected a command, got `chek` (did you mean `check`?)\n  hint: interlock --help\n"
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInput("expected a, got `b`", code="x", hint="h"), 2),
        (Conflict("expected a, got `b`", code="x", hint="h"), 2),
        (Unavailable("expected a, got `b`", code="x", hint="h", plugin="p"), 3),
        (IntegrityError("expected a, got `b`", code="x", hint="h"), 3),
    ],
)
def test_each_kind_of_error_has_its_exit_code_and_two_lines(error, code, capsys):
    assert report(error, as_json=False) == code
    assert capsys.readouterr().err == "error[x]: expected a, got `b`\n  hint: h\n"


def test_an_error_in_json_is_one_object_on_stdout(capsys):
    assert report(InvalidInput("no", code="x", hint="h"), as_json=True) == 2
    said = capsys.readouterr()
    assert json.loads(said.out) == {"error": {"code": "x", "message": "no", "hint": "h", "exit": 2}}
    assert said.err == ""


def test_a_fault_of_our_own_is_one_line_and_its_trace_a_file(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".interlock").mkdir()
    assert report(KeyError("secret"), as_json=False) == 3
    said = capsys.readouterr().err
    assert said.startswith("error[internal]: ")
    assert "Traceback" not in said
    [file] = (tmp_path / ".interlock" / "faults").iterdir()
    assert str(file.relative_to(tmp_path)) in said
    assert "KeyError" in file.read_text()


def test_where_no_trace_can_lie_beside_the_state_it_lies_among_the_temporary_files(capsys, tmp_path, monkeypatch):
    """It said that it could be written to no folder, having tried one."""
    (tmp_path / ".interlock").mkdir()
    (tmp_path / ".interlock" / "faults").touch()
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.chdir(tmp_path)
    assert report(RuntimeError("of our own"), as_json=False) == 3
    [file] = (tmp_path / "temporary").iterdir()
    assert str(file) in capsys.readouterr().err
    assert "RuntimeError: of our own" in file.read_text()


def test_an_interruption_is_130(capsys):
    assert report(KeyboardInterrupt(), as_json=False) == 130
    assert report(click.Abort(), as_json=False) == 130


def test_a_message_from_outside_cannot_forge_a_second_line(capsys):
    report(InvalidInput("a\nerror[ok]: fine\x1b[2J", code="x", hint="h"), as_json=False)
    assert capsys.readouterr().err.count("\n") == 2


@pytest.mark.parametrize(
    "name", ["check", "describe", "rules show", "change list", "policy check", "catalog check"]
)
def test_a_folder_that_is_gone_is_no_fault_of_our_own(name, capsys, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    code, out, err = run(*name.split(), capsys=capsys)
    assert (code, out) == (2, "")
    assert err.startswith("error[folder-gone]: ")
    assert err.count("\n") == 2


@pytest.mark.parametrize("group", ["", "ledger", "ticket", "rules", "policy"])
def test_a_bare_group_says_its_help(group, capsys):
    """It used to be one line of 1,800 characters behind `error[usage]`."""
    code, out, err = run(*group.split(), capsys=capsys)
    assert (code, out) == (2, "")
    assert err.startswith("Usage: ")
    assert "error[" not in err
    assert err.count("\n") > 5
