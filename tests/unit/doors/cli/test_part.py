"""``--part``: any installed reader, by its name and its own arguments."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from interlock.doors.cli.main import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("INTERLOCK_SERVER", "INTERLOCK_DATABASE", "INTERLOCK_KEYS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "old stock.yaml").write_text("berths: 7\n")
    (tmp_path / "new.yaml").write_text("berths: 8\nquays: 1\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    return int(left.value.code or 0)


def test_a_reader_is_reached_by_its_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An installed reader once could be used by no command."""
    part = "configuration before='old stock.yaml' after=new.yaml"
    assert run("describe", "--part", part, "--json") == 0
    by_name = json.loads(capsys.readouterr().out)
    assert run("describe", "--config", "old stock.yaml", "new.yaml", "--json") == 0
    assert by_name == json.loads(capsys.readouterr().out)
    assert by_name["size"]["keys"] == 2


@pytest.mark.parametrize(
    ("part", "code", "says"),
    [
        ("", "part-shape", "a reader and its arguments"),
        ("configuration", "part-shape", "got `configuration`"),
        ("configuration after", "part-shape", "KEY=VALUE"),
        ("configuration =new.yaml", "part-shape", "KEY=VALUE"),
        ("configuration after='new.yaml", "part-shape", "KEY=VALUE"),
        ("configuration after=new.yaml after=new.yaml", "part-shape", "each argument of `configuration` once"),
        ("configuratoin after=new.yaml", "plugin-unknown", "did you mean `configuration`"),
        ("configuration after=../new.yaml", "file-missing", "got nothing at"),
    ],
)
def test_what_no_reader_could_use_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], part: str, code: str, says: str
) -> None:
    assert run("describe", "--part", part) == 2
    said = capsys.readouterr().err
    assert f"error[{code}]" in said
    assert says in said
    assert "hint:" in said
