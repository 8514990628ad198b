"""Where a process finds its state."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from interlock.config import from_environment


def git(folder: Path, *arguments: str) -> None:
    command = ["git", "-c", "user.name=ana", "-c", "user.email=ana@shop.example", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one commit, in ``main``."""
    root = tmp_path / "main"
    (root / "shop").mkdir(parents=True)
    (root / "shop" / "interlock.yaml").write_text("")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "begin")
    return root


def test_a_worktree_has_the_state_and_the_name_of_the_main_checkout_and_its_own_rules(
    checkout: Path, tmp_path: Path
) -> None:
    git(checkout, "worktree", "add", "-q", "../other")
    here, there = (from_environment({}, place / "shop") for place in (tmp_path / "other", checkout))
    assert here.root == tmp_path / "other" / "shop"
    assert here.home == checkout / "shop" / ".interlock"
    assert (here.database, here.keys, here.origin) == (there.database, there.keys, there.origin)


def test_a_worktree_of_a_bare_repository_has_its_own_state(checkout: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(checkout), "bare.git")
    git(tmp_path / "bare.git", "worktree", "add", "-q", "../other")
    assert from_environment({}, tmp_path / "other").home == tmp_path / "other" / ".interlock"


@pytest.mark.parametrize("text", ["", "gitdir: nowhere", "gitdir: ../main", "\0", "nonsense: .git"])
def test_a_git_file_that_leads_nowhere_moves_nothing(checkout: Path, tmp_path: Path, text: str) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / ".git").write_text(text)
    assert from_environment({}, folder).home == folder / ".interlock"


def test_what_was_set_is_known(tmp_path: Path) -> None:
    assert from_environment({"INTERLOCK_ORIGIN": "shop", "INTERLOCK_KEYS": ""}, tmp_path).chosen == {
        "INTERLOCK_ORIGIN"
    }
