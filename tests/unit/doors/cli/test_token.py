"""``interlock token create``: beside which database, and for whom the token is good."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.doors.cli.main import main

CREATE = ("token", "create", "ana", "--kind", "person", "--scope", "read")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("INTERLOCK_SERVER", "INTERLOCK_TOKEN", "INTERLOCK_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("INTERLOCK_KEYS", str(tmp_path / "keys"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    return int(left.value.code or 0)


def test_the_first_token_is_made_beside_the_database_that_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside a server on PostgreSQL it was once made in a new SQLite file, and the server did not know it."""
    monkeypatch.setenv("INTERLOCK_SERVER", "http://127.0.0.1:9")
    assert run(*CREATE) == 3
    capsys.readouterr()
    named = f"sqlite:///{folder / 'team.db'}"
    assert run(*CREATE, "--database", named) == 0
    said = capsys.readouterr()
    assert said.out.startswith("ilk_")
    assert f"good for {named}\n" in said.err
    monkeypatch.delenv("INTERLOCK_SERVER")
    monkeypatch.setenv("INTERLOCK_DATABASE", named)
    assert run("token", "list") == 0
    assert "ana" in capsys.readouterr().out


def test_the_answer_names_no_password(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*CREATE, "--database", "postgresql://interlock:hunter2@127.0.0.1:9/nothing") == 3
    said = capsys.readouterr()
    assert "hunter2" not in said.out + said.err
