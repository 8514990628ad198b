"""``interlock describe`` where there are no rules, no state and no repository."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from interlock.doors.cli.main import main
from interlock.registry import bundled_policies

PLAN = Path(__file__).parents[3] / "data" / "terraform-plans" / "terraform-json" / "testdata__110_basic__plan.json"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("INTERLOCK_SERVER", "INTERLOCK_DATABASE", "INTERLOCK_KEYS"):
        monkeypatch.delenv(name, raising=False)
    shutil.copy(PLAN, tmp_path / "plan.json")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    return int(left.value.code or 0)


def test_a_plan_is_described_by_the_defaults_and_nothing_is_left_behind(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It asked for an ``interlock.yaml``, which a plan does not need in order to be read."""
    assert run("describe", "--plan", "plan.json") == 0
    said = capsys.readouterr().out
    assert "7 resources" in said
    assert "described by the defaults" in said
    assert sorted(path.name for path in folder.iterdir()) == ["plan.json"]


def test_json_is_the_description_alone_and_the_note_goes_beside_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("describe", "--plan", "plan.json", "--json") == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["size"]["resources"] == 7
    assert "described by the defaults" in said.err


def test_where_there_is_state_but_no_rules_it_is_described_all_the_same(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("check", "--plan", "plan.json") == 2
    assert "rules-missing" in capsys.readouterr().err
    assert run("describe", "--plan", "plan.json") == 0
    assert "described by the defaults" in capsys.readouterr().out


def test_rules_that_cannot_be_read_are_no_absent_rules(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "interlock.yaml").write_text("catalog: 3\n")
    assert run("describe", "--plan", "plan.json") == 2
    assert "input-shape" in capsys.readouterr().err


def test_with_rules_nothing_is_said_of_defaults(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "interlock.yaml").write_text("version: 1\n")
    for path, content in bundled_policies().items():
        file = folder / "policies" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    code = run("describe", "--plan", "plan.json")
    said = capsys.readouterr()
    assert "described by the defaults" not in said.out
    assert (code, said.err) == (0, "")
