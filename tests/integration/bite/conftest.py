"""Two commits of a small repository, and its tests run with the second and without it: real git, real pytest."""

from __future__ import annotations

import secrets
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from interlock.core.bite.judge import Judged, behaviours
from interlock.core.bite.outcome import outcome
from interlock.core.bite.plan import TestPlan
from interlock.plugins.bite.bench import GitBench
from interlock.plugins.bite.copies import Copies
from interlock.plugins.readers.gitbox import Glass, locate
from interlock.road.bite import bite

QUICK = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
"""What others have installed beside pytest is not loaded: each run takes a third of the time."""
PLAN = TestPlan(
    path="test-plans/shop.yaml",
    service="shop",
    product=("src/", "shop/", "config/"),
    python=sys.executable,
    repeats=2,
    coverage=False,
    timeout=60.0,
    passed_on=(QUICK,),
)


class Repository:
    """A repository at ``root``, with what was told while its tests ran."""

    def __init__(self, root):
        self.root, self.told = root, []
        root.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments):
        own = ("-c", "user.name=Ana", "-c", "user.email=ana@shop.example", "-c", "commit.gpgSign=false")
        done = subprocess.run(
            ["git", *own, *arguments], cwd=self.root, check=True, timeout=30, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, files):
        for path, text in files.items():
            place = self.root / path
            if text is None:
                place.unlink()
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a commit")
        return self.git("rev-parse", "HEAD")

    def bitten(self, base, head, **changed):
        """What is seen, by a plan with this changed; and the folder of the copies, which is gone by then."""
        plan = replace(PLAN, **{name: value for name, value in changed.items() if name != "required"})
        located = locate(self.root)
        with closing(Glass(located)) as glass:
            copies = Copies(glass, base, head, plan.is_product)
            self.folder = copies.folder
            with GitBench(copies, plan, self.root) as bench:
                asked = changed.get("required", ())
                return bite(plan, bench, asked, pick=secrets.randbelow, told=self.told.append)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.setenv(QUICK, "1")
    return Repository(tmp_path / "shop")


class Found:
    """What came of it: ``states`` by a test's name without its file."""

    def __init__(self, seen, required, characterisation):
        self.seen = seen
        judged = Judged(seen.looked)
        named = behaviours(required, [judged])
        self.outcome = outcome(judged, named, characterisation, everywhere=[judged])
        self.states = {row.test.partition("::")[2]: row.state for row in self.outcome.rows}
        self.idle = [row.test.partition("::")[2] for row in self.outcome.idle]
        self.unexplained = [row.test.partition("::")[2] for row in self.outcome.unexplained]
        self.problems = {one.name: one.problem for one in self.outcome.behaviours}

    @property
    def refused(self):
        return not self.outcome.bites


@pytest.fixture
def held(repository):
    """``held(before, after)``: the files of two commits, the second one's tests held against the first's code."""

    def made(before, after, required=(), characterisation=(), **changed):
        base = repository.commit(before)
        head = repository.commit(after)
        seen = repository.bitten(base, head, required=required, **changed)
        assert not Path(repository.folder).exists(), "nothing is left"
        return Found(seen, required, characterisation)

    return made
