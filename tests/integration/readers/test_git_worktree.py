from __future__ import annotations

import os

import pytest

from interlock.core.change.change import change_digest


def head_of(repository):
    return repository.git("rev-parse", "HEAD")


def test_a_clean_work_tree_is_its_commit(repository):
    repository.write("a", "a\n")
    repository.commit()
    assert repository.part("HEAD^", "WORKTREE") == repository.part("HEAD^", "HEAD")


def test_uncommitted_staged_untracked_and_deleted_files_are_described(repository):
    repository.write("staged", "s\n")
    repository.git("add", "staged")
    repository.write("untracked/deep", "u\n")
    (repository.root / "seed.txt").unlink()
    reading = repository.read("HEAD", "WORKTREE")
    assert [(file.path, file.status) for file in reading.part.files] == [
        ("seed.txt", "deleted"),
        ("staged", "added"),
        ("untracked/deep", "added"),
    ]
    assert reading.part.commits == ()
    assert reading.material.after("untracked/deep") == b"u\n"
    assert reading.material.before("seed.txt") == b"one\ntwo\nthree\n"


def test_the_identity_is_no_commits_and_moves_with_the_content(repository):
    repository.write("a", "1\n")
    first = repository.part("HEAD", "WORKTREE")
    repository.write("a", "2\n")
    second = repository.part("HEAD", "WORKTREE")
    assert first.head == f"worktree:{first.head_tree}"
    assert change_digest((first,)) != change_digest((second,))
    repository.commit()
    committed = repository.part("HEAD^", "HEAD")
    assert committed.head_tree == second.head_tree
    assert change_digest((committed,)) != change_digest((second,))


def test_commits_and_uncommitted_work_are_one_range(repository):
    base = head_of(repository)
    repository.write("a", "1\n")
    repository.commit()
    repository.write("change.md", "plan\n")
    part = repository.part(base, "WORKTREE")
    assert len(part.commits) == 1
    assert [file.path for file in part.files] == ["a", "change.md"]
    assert [(doc.path, doc.commit) for doc in part.documents] == [("change.md", None)]


def state(root):
    files = [path for path in (root / ".git").rglob("*") if path.is_file()]
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in files}


def test_the_users_repository_is_not_touched(repository):
    repository.write("staged", "s\n")
    repository.git("add", "staged")
    repository.write("staged", "changed after staging\n")
    repository.write("untracked", "u\n")
    before = state(repository.root)
    repository.part("HEAD", "WORKTREE")
    assert state(repository.root) == before


def test_ignored_files_stay_out(repository):
    repository.write(".gitignore", "*.log\n")
    repository.write("noise.log", "n\n")
    repository.write("private", "p\n")
    (repository.root / ".git" / "info").mkdir(exist_ok=True)
    (repository.root / ".git" / "info" / "exclude").write_text("private\n")
    assert [file.path for file in repository.part("HEAD", "WORKTREE").files] == [".gitignore"]


def test_a_nested_repository_stays_out(repository, another):
    nested = type(repository)(repository.root / "nested")
    nested.write("x", "x\n")
    nested.commit()
    repository.write("a", "a\n")
    assert [file.path for file in repository.part("HEAD", "WORKTREE").files] == ["a"]


def test_a_linked_work_tree_and_a_subfolder_are_found(repository, tmp_path):
    repository.git("worktree", "add", "-q", os.fspath(tmp_path / "linked"), "-b", "linked")
    linked = type(repository)(tmp_path / "unused")
    linked.root = tmp_path / "linked"
    linked.write("sub/a", "a\n")
    assert [file.path for file in linked.part("HEAD", "WORKTREE", path="sub").files] == ["sub/a"]


def test_a_repository_without_index_is_read(repository):
    (repository.root / ".git" / "index").unlink()
    repository.write("a", "a\n")
    assert [file.path for file in repository.part("HEAD", "WORKTREE").files] == ["a"]


def test_a_split_index_is_read(repository):
    repository.git("update-index", "--split-index")
    repository.write("a", "a\n")
    assert [file.path for file in repository.part("HEAD", "WORKTREE").files] == ["a"]


def test_a_link_out_of_the_tree_is_a_link_and_not_followed(repository):
    (repository.root / "out").symlink_to("/etc/hostname")
    reading = repository.read("HEAD", "WORKTREE")
    assert reading.part.files[0].new_mode == "120000"
    assert reading.material.after("out") == b"/etc/hostname"


def test_an_untracked_pipe_is_left_out_and_a_tracked_name_that_became_one_is_refused(repository):
    os.mkfifo(repository.root / "pipe")
    repository.write("a", "a\n")
    assert [file.path for file in repository.part("HEAD", "WORKTREE").files] == ["a"]
    (repository.root / "seed.txt").unlink()
    os.mkfifo(repository.root / "seed.txt")
    assert repository.refusal("HEAD", "WORKTREE") == "git-worktree"


def test_a_file_above_the_limit_is_refused_before_it_is_read(repository):
    with (repository.root / "large").open("wb") as stream:
        stream.truncate(33 * 1024 * 1024)
    assert repository.refusal("HEAD", "WORKTREE") == "file-too-large"


def test_a_bare_repository_has_no_work_tree(repository, tmp_path):
    repository.git("clone", "-q", "--bare", os.fspath(repository.root), os.fspath(tmp_path / "bare"))
    repository.root = tmp_path / "bare"
    assert repository.refusal("HEAD", "WORKTREE") == "git-worktree"


def test_a_repository_without_commits_is_described_from_nothing(another):
    fresh = another("fresh")
    fresh.write("a", "a\n")
    fresh.write("change.md", "plan\n")
    part = fresh.part("ROOT", "WORKTREE")
    assert ([file.path for file in part.files], part.commits) == (["a", "change.md"], ())
    assert [(doc.path, doc.commit) for doc in part.documents] == [("change.md", None)]
    assert part.head == f"worktree:{part.head_tree}"
    assert fresh.refusal("HEAD", "WORKTREE") == "git-revision-unknown"
    assert fresh.refusal("ROOT", "HEAD") == "git-revision-unknown"


def test_an_empty_repository_has_nothing_to_describe(another):
    assert another("fresh").refusal("ROOT", "WORKTREE") == "git-range-empty"


@pytest.mark.parametrize("content", [b"a\r\nb\r\n", b"\xff\x00"])
def test_content_enters_as_a_plain_add_would_take_it(repository, content):
    repository.write("file", content)
    part = repository.part("HEAD", "WORKTREE")
    repository.commit()
    assert repository.part().files == part.files


def test_a_disk_without_modes_or_with_other_line_ends_is_read_as_git_would(repository):
    repository.git("config", "core.fileMode", "false")
    repository.git("config", "core.autocrlf", "true")
    (repository.root / "seed.txt").chmod(0o755)
    repository.write("seed.txt", "one\r\ntwo\r\nthree\r\n")
    repository.write("a", "a\r\n")
    part = repository.part("HEAD", "WORKTREE")
    assert [file.path for file in part.files] == ["a"]
    assert repository.read("HEAD", "WORKTREE").material.after("a") == b"a\n"
