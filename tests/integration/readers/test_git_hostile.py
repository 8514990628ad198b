"""Whatever lies in a repository or around it, the answer stays the same and nothing is executed."""

from __future__ import annotations

import os

import pytest


@pytest.fixture
def history(repository):
    repository.write("a.txt", "a\n" * 30)
    repository.write("b.bin", "text\n")
    repository.commit("add")
    repository.git("mv", "a.txt", "c.txt")
    repository.write("b.bin", "text\nmore\n")
    repository.commit("move\n\nReviewed-by: D <d@example.com>\n")
    return repository


def trap(repository, name="trap"):
    script = repository.root.parent / name
    sign = repository.root.parent / f"{name}.sprung"
    script.write_text(f"#!/bin/sh\ntouch '{sign}'\ncat\n")
    script.chmod(0o755)
    return os.fspath(script), sign


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("diff.renames", "false"),
        ("diff.renameLimit", "1"),
        ("diff.noprefix", "true"),
        ("diff.relative", "true"),
        ("diff.orderFile", "/dev/null"),
        ("diff.ignoreSubmodules", "all"),
        ("core.quotePath", "true"),
        ("core.abbrev", "4"),
        ("core.bigFileThreshold", "1"),
        ("log.showSignature", "true"),
        ("log.mailmap", "true"),
        ("log.date", "relative"),
        ("log.decorate", "full"),
        ("log.follow", "true"),
        ("format.pretty", "oneline"),
        ("i18n.logOutputEncoding", "UTF-16"),
        ("trailer.separators", "%#"),
        ("notes.displayRef", "refs/notes/*"),
        ("color.ui", "always"),
        ("include.path", "/dev/zero"),
        ("extensions.worktreeConfig", "true"),
    ],
)
def test_configuration_does_not_change_the_answer(history, key, value):
    expected = history.part()
    if key == "include.path":
        value = os.fspath(history.root.parent / "included")
        (history.root.parent / "included").write_text("[diff]\n\trenames = false\n")
    history.git("config", key, value)
    assert history.part() == expected


PROGRAMS = [
    "core.fsmonitor",
    "core.pager",
    "core.editor",
    "core.sshCommand",
    "core.askPass",
    "gpg.program",
    "credential.helper",
    "diff.external",
    "diff.trap.command",
    "diff.trap.textconv",
    "alias.log",
    "alias.diff-tree",
    "filter.trap.clean",
    "filter.trap.smudge",
    "filter.trap.process",
]


def test_no_program_of_the_configuration_runs(history):
    expected = history.part()
    script, sign = trap(history)
    for key in PROGRAMS:
        history.git("config", key, f"!{script}" if key.startswith("alias") else script)
    (history.root / ".git" / "info").mkdir(exist_ok=True)
    (history.root / ".git" / "info" / "attributes").write_text("* diff=trap filter=trap\n")
    for hook in ("post-index-change", "reference-transaction", "fsmonitor-watchman", "post-checkout"):
        (history.root / ".git" / "hooks" / hook).write_text(f"#!/bin/sh\nexec {script}\n")
        (history.root / ".git" / "hooks" / hook).chmod(0o755)
    assert history.part() == expected
    history.write("new.txt", "n\n")
    assert "new.txt" in [file.path for file in history.part(head="WORKTREE").files]
    assert not sign.exists()


def test_attributes_replacements_grafts_and_mailmaps_do_not_count(history):
    expected = history.part()
    head, parent, seed = (history.git("rev-parse", name) for name in ("HEAD", "HEAD^", "HEAD~2"))
    git = history.root / ".git"
    (git / "info" / "attributes").write_text("* -diff -text\n")
    (git / "info" / "grafts").write_text(f"{head} {seed}\n")
    (history.root / ".mailmap").write_text("Eve <eve@example.com> <ana@example.com>\n")
    (history.root / ".gitattributes").write_text("* -diff\n")
    history.git("replace", "-f", parent, seed)
    assert history.part(parent, head) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GIT_DIR", "/nonexistent"),
        ("GIT_WORK_TREE", "/nonexistent"),
        ("GIT_INDEX_FILE", "/nonexistent"),
        ("GIT_OBJECT_DIRECTORY", "/nonexistent"),
        ("GIT_EXTERNAL_DIFF", "/bin/false"),
        ("GIT_DIFF_OPTS", "--unified=0"),
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_TRACE", "1"),
        ("GIT_NAMESPACE", "x"),
        ("GIT_LITERAL_PATHSPECS", "1"),
        ("LC_ALL", "de_DE.UTF-8"),
        ("TZ", "Asia/Tokyo"),
    ],
)
def test_the_environment_does_not_change_the_answer(history, monkeypatch, name, value):
    history.write("change.md", "plan\n")
    history.commit()
    expected = history.part()
    monkeypatch.setenv(name, value)
    if name == "GIT_CONFIG_COUNT":
        monkeypatch.setenv("GIT_CONFIG_KEY_0", "diff.renames")
        monkeypatch.setenv("GIT_CONFIG_VALUE_0", "false")
    assert history.part() == expected


def test_a_commit_graph_that_lies_is_not_believed(history):
    expected = history.part()
    history.git("commit-graph", "write", "--reachable")
    graph = history.root / ".git" / "objects" / "info" / "commit-graph"
    graph.chmod(0o644)
    graph.write_bytes(graph.read_bytes()[:-100] + bytes(100))
    assert history.part() == expected


def test_a_corrupt_object_is_an_error_and_no_part(history):
    blob = history.git("rev-parse", "HEAD:b.bin")
    loose = history.root / ".git" / "objects" / blob[:2] / blob[2:]
    loose.chmod(0o644)
    loose.write_bytes(b"garbage")
    assert history.refusal() == "git-object-missing"
