"""Migrations that lose something and hide it well, and honest ones: each tried in a real PostgreSQL."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
import yaml

from interlock.core.rehearsal.plan import RehearsalPlan
from interlock.core.rollout.plan import PluginPlan
from interlock.plugins.rehearsals.migration_place import ThrowAway
from interlock.plugins.rehearsals.postgres_migration import PostgresMigration
from interlock.plugins.world.programs import SystemPrograms
from interlock.ports.rehearsal import RehearsalScene
from interlock.road.rehearse import Stage, rehearse

CASES = yaml.safe_load((Path(__file__).parent / "migrations.yaml").read_text())
BASE, LOSSY, HONEST = CASES["base"], CASES["lossy"], CASES["honest"]


class Shared(ThrowAway):
    """A place on a server that goes on for other cases; its databases are this case's own."""

    server = None

    def start(self):
        self._server = type(self).server
        self.scratch = self._server.folder / "scratch"
        subprocess.run(["rm", "-rf", self.scratch], check=True)
        self.scratch.mkdir()
        with self.connect("postgres") as connection:
            self.version = connection.info.server_version
            connection.execute(b"ALTER SYSTEM SET fsync = off")
            connection.execute(b"SELECT pg_reload_conf()")
            for name in ("base", "work", "busy", "behind", "scout"):
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
            connection.execute(b"CREATE DATABASE base")

    def close(self):
        self._server = None


@pytest.fixture
def tried(server, tmp_path):
    """``tried(up, down)``: what came of that migration."""
    Shared.server = server

    def made(up, down, *, base=BASE, **settings):
        root = tmp_path / "shop"
        files = ({"1_shop.up.sql": base}, {"2_more.up.sql": up, "2_more.down.sql": down})
        subprocess.run(["git", "init", "--quiet", root], check=True)
        own = ("-c", "user.name=Ana", "-c", "user.email=ana@shop.example")
        for each in files:
            for name, text in each.items():
                (root / name).write_text(text)
            subprocess.run(["git", "-C", root, "add", "--all"], check=True)
            subprocess.run(["git", "-C", root, *own, "commit", "--quiet", "--message", "More"], check=True)
        first = subprocess.check_output(["git", "-C", root, "rev-parse", "HEAD^"], text=True).strip()
        return rehearsed(root, first, {"tool": "sql", "folder": ".", "rows": 600, "reader": 0.2, **settings})

    return made


def rehearsed(root: Path, base: str, settings):
    scene = RehearsalScene(
        root=str(root), run="reh-1", change="chg-1", digest="sha256:0", service="shop", environment="staging",
        programs=SystemPrograms(str(root)), base=base,
    )  # fmt: skip
    plan = RehearsalPlan(
        path="p.yaml", service="shop", environment="staging", probes=(),
        driver=PluginPlan(kind="postgres-migration", settings=settings),
    )  # fmt: skip
    driver = PostgresMigration(plan, scene, Shared)
    try:
        stage = Stage(
            driver=driver, probes=driver.probes(), write=lambda line: None, steady=time.monotonic,
            told=lambda text: None,
        )  # fmt: skip
        return rehearse(stage, 60.0)
    finally:
        driver.close()


def classes(seen):
    return {one["class"] for each in seen.measured["migrations"] for one in each["findings"]}


@pytest.mark.parametrize("case", LOSSY)
def test_what_is_lost_is_seen(tried, case):
    seen, found = tried(**LOSSY[case])
    assert not seen.measured["reversible"], seen.measured
    assert found.verdict == "failed", (found.reasons, seen.measured)
    assert found.left, found


@pytest.mark.parametrize("case", HONEST)
def test_what_comes_back_is_called_reversible(tried, case):
    seen, found = tried(**HONEST[case])
    assert (found.verdict, found.reasons) == ("passed", ()), seen.measured
    assert seen.measured["reversible"]
    assert not classes(seen) & {"irreversible", "unshown"}
