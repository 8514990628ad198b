"""Real repositories, made on the spot by the real git."""

from __future__ import annotations

import os
import subprocess

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.plugins.readers.git import GitReader
from interlock.ports.reader import ReadRequest


class Repository:
    """A git repository in a folder of its own; each commit is a minute after the one before."""

    def __init__(self, root):
        self.root = root
        self._minute = 0
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments, given=None, **extra):
        moment = f"2026-03-05T10:{self._minute:02d}:00+01:00"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "Ana",
            "GIT_AUTHOR_EMAIL": "ana@example.com",
            "GIT_COMMITTER_NAME": "Ben",
            "GIT_COMMITTER_EMAIL": "ben@example.com",
            "GIT_AUTHOR_DATE": moment,
            "GIT_COMMITTER_DATE": moment,
            "GIT_ALLOW_PROTOCOL": "file",
        } | extra
        command = ["git", "-C", os.fspath(self.root), *arguments]
        done = subprocess.run(command, env=environment, input=given, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode("utf-8", "replace").strip()

    def write(self, path, content):
        target = self.root / os.fsdecode(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, message="work", **extra):
        self._minute += 1
        self.git("add", "-A", **extra)
        given = message.encode() if isinstance(message, str) else message
        self.git("commit", "-q", "--allow-empty", "-F", "-", given=given, **extra)
        return self.git("rev-parse", "HEAD")

    def read(self, base="HEAD^", head="HEAD", **more):
        return GitReader().read(ReadRequest(root=self.root, arguments={"base": base, "head": head, **more}))

    def part(self, base="HEAD^", head="HEAD", **more):
        return self.read(base, head, **more).part

    def refusal(self, base="HEAD^", head="HEAD", **more):
        with pytest.raises(InvalidInput) as caught:
            self.read(base, head, **more)
        assert "\n" not in caught.value.message
        assert caught.value.hint
        return caught.value.code


@pytest.fixture
def repository(tmp_path):
    """An empty repository with one commit that holds ``seed.txt``."""
    made = Repository(tmp_path / "repository")
    made.write("seed.txt", "one\ntwo\nthree\n")
    made.commit("seed")
    return made


@pytest.fixture
def another(tmp_path):
    """A maker of further repositories."""
    return lambda name: Repository(tmp_path / name)
