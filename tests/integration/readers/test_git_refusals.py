from __future__ import annotations

import os

import pytest

from interlock.core.change.errors import InvalidInput, Unavailable
from interlock.plugins.readers.git import GitReader
from interlock.ports.reader import ReadRequest


def test_without_base_and_head_there_is_nothing_to_read(repository):
    assert GitReader().read(ReadRequest(root=repository.root, arguments={})) is None


@pytest.mark.parametrize(
    ("base", "head", "code"),
    [
        ("", "HEAD", "git-base-missing"),
        ("HEAD", "HEAD", "git-range-empty"),
        ("nowhere", "HEAD", "git-revision-unknown"),
        ("HEAD", "nowhere", "git-revision-unknown"),
        ("HEAD", "HEAD:seed.txt", "git-revision-unknown"),
        ("--upload-pack=touch x", "HEAD", "git-revision-unknown"),
        ("HEAD", "--output=x", "git-revision-unknown"),
        ("HEAD\nHEAD", "HEAD", "revision-invalid"),
        ("HEAD", "a" * 1001, "revision-invalid"),
        ("\ud800", "HEAD", "revision-invalid"),
    ],
)
def test_a_revision_that_cannot_be_used_is_refused(repository, base, head, code):
    repository.write("seed.txt", "x\n")
    repository.commit()
    assert repository.refusal(base, head) == code
    assert not (repository.root / "x").exists()


def test_a_head_older_than_the_base_is_an_empty_range(repository):
    repository.write("seed.txt", "x\n")
    repository.commit()
    assert repository.refusal("HEAD", "HEAD^") == "git-range-empty"


def test_an_empty_commit_alone_is_a_range_without_files(repository):
    repository.commit("nothing in it")
    part = repository.part()
    assert (len(part.commits), part.files) == (1, ())


def test_unrelated_histories_are_refused(repository):
    repository.git("checkout", "-q", "--orphan", "stranger")
    repository.commit()
    assert repository.refusal("main", "stranger") == "git-unrelated"


def test_a_folder_without_repository_is_refused(tmp_path):
    with pytest.raises(InvalidInput) as caught:
        GitReader().read(ReadRequest(root=tmp_path, arguments={"base": "a", "head": "b"}))
    assert caught.value.code == "git-repository"


def test_a_repository_outside_the_root_is_refused(repository, another):
    another("secret")
    assert repository.refusal("HEAD^", "HEAD", path="../secret") == "path-outside"


def shallow_clone(repository, tmp_path, depth):
    target = tmp_path / "shallow"
    repository.git("clone", "-q", f"--depth={depth}", f"file://{repository.root}", os.fspath(target))
    clone = type(repository)(tmp_path / "unused")
    clone.root = target
    return clone


def test_a_shallow_clone_that_ends_inside_the_range_is_refused(repository, tmp_path):
    for count in range(4):
        repository.write("seed.txt", f"{count}\n")
        repository.commit()
    clone = shallow_clone(repository, tmp_path, 2)
    assert clone.refusal("ROOT", "HEAD") == "git-shallow"
    assert clone.refusal("HEAD~3", "HEAD") == "git-revision-unknown"
    assert clone.part("HEAD^", "HEAD").files == repository.part().files


def test_a_missing_object_is_named_and_nothing_is_fetched(repository, tmp_path):
    repository.write("seed.txt", "new and longer\n")
    repository.commit()
    repository.git("config", "uploadpack.allowFilter", "true")
    target = tmp_path / "partial"
    arguments = ["clone", "-q", "--bare", "--filter=blob:none", f"file://{repository.root}", os.fspath(target)]
    repository.git(*arguments)
    clone = type(repository)(tmp_path / "unused")
    clone.root = target
    assert clone.refusal() == "git-object-missing"


def test_a_file_above_the_limit_is_refused_when_it_is_read(repository):
    repository.write("large.bin", bytes(33 * 1024 * 1024))
    repository.commit()
    material = repository.read().material
    with pytest.raises(InvalidInput) as caught:
        material.after("large.bin")
    assert caught.value.code == "file-too-large"
    assert material.after("seed.txt") == b"one\ntwo\nthree\n"


def test_a_machine_without_git_is_told_so(repository, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    with pytest.raises(Unavailable) as caught:
        repository.read()
    assert (caught.value.code, caught.value.plugin) == ("git-missing", "git")


def test_a_git_that_does_not_answer_is_stopped(repository, monkeypatch, tmp_path):
    slow = tmp_path / "git"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr("interlock.plugins.readers.gitbox.TIMEOUT", 0.2)
    with pytest.raises(Unavailable) as caught:
        repository.read()
    assert caught.value.code == "git-timeout"


def test_a_shallow_clone_that_hides_the_true_merge_base_is_refused(repository):
    """The older common ancestor is still visible, and would have been taken."""
    old = repository.git("rev-parse", "HEAD")
    repository.write("m", "m\n")
    true = repository.commit()
    repository.git("checkout", "-q", "-b", "hidden")
    repository.write("b", "b\n")
    hidden = repository.commit()
    repository.git("checkout", "-q", "-b", "base", old)
    repository.write("z", "z\n")
    repository.commit()
    repository.git("merge", "-q", "--no-edit", "hidden")
    repository.git("checkout", "-q", "-b", "head", true)
    repository.write("h", "h\n")
    repository.commit()
    assert repository.part("base", "head").base == true
    (repository.root / ".git" / "shallow").write_text(f"{hidden}\n")
    assert repository.refusal("base", "head") == "git-shallow"
