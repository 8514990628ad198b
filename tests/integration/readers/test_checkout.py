"""What the gate sees of the checkout it stands in: edits that are in no commit, whatever the index claims."""

from __future__ import annotations

import hashlib
import os

import pytest

from interlock.core.ticket.shipped import MAX_NAMED, Tip
from interlock.doors.cli.checkout import unseen, watched
from interlock.plugins.readers.checkout import beginning, survey


def look(repository, root=None):
    return survey(root or repository.root, (), (), ("main",))


def edited(repository):
    return list(look(repository).edited)


@pytest.fixture
def shop(repository):
    repository.write("config/delivery.yaml", "max_days: 7\n")
    repository.write("src/promise.py", "DAYS = 7\n")
    repository.write(".gitignore", "build/\n")
    repository.commit("first")
    return repository


def test_a_clean_checkout_has_none(shop):
    found = look(shop)
    assert (found.edited, found.edited_count, found.untracked, found.untracked_count) == ((), 0, (), 0)


def test_an_edit_is_seen(shop):
    shop.write("config/delivery.yaml", "max_days: null\n")
    assert edited(shop) == ["config/delivery.yaml"]


def test_an_edit_of_the_same_size_and_time_is_seen(shop):
    shop.git("update-index", "--refresh")
    place = shop.root / "config/delivery.yaml"
    before = place.stat()
    place.write_text("max_days: 9\n")
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert edited(shop) == ["config/delivery.yaml"]


@pytest.mark.parametrize("claim", ["--assume-unchanged", "--skip-worktree"])
def test_the_index_hides_no_edit(shop, claim):
    shop.write("config/delivery.yaml", "max_days: null\n")
    shop.git("update-index", claim, "config/delivery.yaml")
    assert edited(shop) == ["config/delivery.yaml"]


def test_what_is_staged_and_in_no_commit_is_an_edit(shop):
    shop.write("config/delivery.yaml", "max_days: null\n")
    shop.git("add", "-A")
    assert edited(shop) == ["config/delivery.yaml"]


def test_a_file_that_is_gone_is_an_edit(shop):
    (shop.root / "src/promise.py").unlink()
    assert edited(shop) == ["src/promise.py"]


def test_another_mode_and_a_link_are_edits(shop):
    (shop.root / "src/promise.py").chmod(0o755)
    (shop.root / "config/delivery.yaml").unlink()
    (shop.root / "config/delivery.yaml").symlink_to("elsewhere.yaml")
    assert edited(shop) == ["config/delivery.yaml", "src/promise.py"]


def test_what_a_sparse_checkout_leaves_out_is_none(shop):
    shop.git("sparse-checkout", "set", "--no-cone", "/src/", "/.gitignore")
    assert not (shop.root / "config").exists()
    assert edited(shop) == []


def test_what_nested_cones_leave_out_is_none(shop):
    for name in ("a/x.txt", "a/b/x.txt", "a/c/x.txt"):
        shop.write(name, "x")
    shop.commit("nested")
    shop.git("sparse-checkout", "set", "--cone", "a/b")
    assert not (shop.root / "a/c").exists()
    assert edited(shop) == []
    (shop.root / "a/b/x.txt").unlink()
    assert edited(shop) == ["a/b/x.txt"]


def test_a_file_that_the_index_says_may_be_gone_is_an_edit(shop):
    shop.git("update-index", "--skip-worktree", "config/delivery.yaml")
    (shop.root / "config/delivery.yaml").unlink()
    assert edited(shop) == ["config/delivery.yaml"]


def test_a_sparse_checkout_excuses_only_what_its_patterns_leave_out(shop):
    shop.git("sparse-checkout", "set", "--no-cone", "/config/", "/.gitignore")
    shop.git("update-index", "--skip-worktree", "config/delivery.yaml")
    (shop.root / "config/delivery.yaml").unlink()
    assert not (shop.root / "src").exists()
    assert edited(shop) == ["config/delivery.yaml"]


def test_line_ends_that_the_repository_asks_for_are_none(shop):
    shop.write(".gitattributes", "*.txt text eol=crlf\n")
    shop.write("notes.txt", "a\r\nb\r\n")
    shop.commit("text")
    assert edited(shop) == []


def test_a_large_file_kept_elsewhere_is_held_against_its_pointer(shop):
    content = b"large " * 100
    name = hashlib.sha256(content).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{name}\nsize {len(content)}\n"
    shop.write("model.bin", pointer)
    shop.commit("pointer")
    shop.write("model.bin", content)
    assert edited(shop) == []
    shop.write("model.bin", content + b"more")
    assert edited(shop) == ["model.bin"]


def test_what_is_neither_tracked_nor_ignored_is_named(shop):
    shop.write("build/out.bin", "made")
    shop.write("stray.yaml", "a: 1\n")
    (shop.root / ".git/info").mkdir(exist_ok=True)
    (shop.root / ".git/info/exclude").write_text("mine/\n")
    shop.write("mine/notes", "x")
    found = look(shop)
    assert (found.untracked, found.untracked_count, found.edited) == (("stray.yaml",), 1, ())


@pytest.mark.parametrize("hidden", ["", ".git/info/exclude", ".gitignore"])
def test_configuration_in_no_commit_is_an_edit_whoever_ignores_it(shop, hidden):
    if hidden:
        (shop.root / ".git/info").mkdir(exist_ok=True)
        (shop.root / hidden).write_text("config/extra.yaml\n")
    if hidden == ".gitignore":
        shop.commit("ignored")
    shop.write("config/extra.yaml", "max_days: null\n")
    shop.write("stray.yaml", "a: 1\n")
    found = survey(shop.root, (), (), ("main",), ["config/**"])
    assert (found.edited, found.edited_count, found.untracked) == (("config/extra.yaml",), 1, ("stray.yaml",))


def test_what_is_watched_is_configuration_and_what_a_validator_checks():
    checked = {"json-schema": {"schemas": [{"match": "a.yaml", "schema": "s.json"}]}, "sizes": {"most": 3}}
    settings = {"configuration": [{"match": "config/**", "service": None}], "validators": checked}
    assert watched(settings) == ["config/**", "a.yaml"]


def test_what_a_clone_does_not_compare_is_said(shop):
    assert unseen(shop.root) == []
    shop.git("config", "core.filemode", "false")
    shop.git("config", "core.symlinks", "No")
    assert unseen(shop.root) == [
        "core.filemode is off in this clone: whether a file is executable is not compared with HEAD",
        "core.symlinks is off in this clone: what is a link is not compared with HEAD",
    ]


def test_only_so_many_are_named_and_all_are_counted(shop):
    for number in range(MAX_NAMED + 5):
        shop.write(f"many/{number:02d}.txt", "a")
    shop.commit("many")
    for number in range(MAX_NAMED + 5):
        shop.write(f"many/{number:02d}.txt", "b")
    found = look(shop)
    assert (len(found.edited), found.edited_count) == (MAX_NAMED, MAX_NAMED + 5)


def test_a_submodule_that_was_not_fetched_is_none(shop, tmp_path):
    shop.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendor/lib")
    shop.git("commit", "-q", "-m", "submodule")
    (shop.root / "vendor/lib").mkdir(parents=True)
    assert edited(shop) == []


def test_nothing_is_left_in_the_repository(shop):
    before = sorted(path for path in (shop.root / ".git").rglob("*") if path.is_file())
    shop.write("config/delivery.yaml", "max_days: null\n")
    look(shop)
    assert sorted(path for path in (shop.root / ".git").rglob("*") if path.is_file()) == before


def test_outside_a_repository_and_before_the_first_commit_there_is_none(repository, tmp_path):
    (tmp_path / "bare").mkdir()
    assert look(repository, tmp_path / "bare") is None
    repository.git("init", "-q", str(tmp_path / "new"))
    assert look(repository, tmp_path / "new") is None
    assert beginning(tmp_path / "bare", ()) is None


def test_a_head_that_was_a_working_tree_begins_nothing(shop):
    tip = Tip(head=f"worktree:{'1' * 40}", tree="1" * 40, base="2" * 40, change="chg-1", ticket="tkt-1")
    assert beginning(shop.root, (tip,)) is None
