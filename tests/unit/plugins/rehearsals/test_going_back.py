"""The commands that drivers name for going back, run by a real shell: what a program is given, what is refused."""

from __future__ import annotations

import subprocess

import pytest

from interlock.core.audit.way_back import part
from interlock.core.rehearsal.going_back import Before
from interlock.core.rehearsal.plan import RehearsalPlan
from interlock.core.rollout.plan import PluginPlan
from interlock.plugins.rehearsals.git_artifact import GitArtifactRehearsal
from interlock.plugins.rehearsals.kubectl import KubectlRehearsal
from interlock.plugins.rehearsals.postgres_migration import PostgresMigration

KUBECTL = {"context": "staging-eu", "namespace": "shop-staging", "manifests": ["deploy/"]}
COMMIT = "0ea04a62" * 5


def back(made, settings, **known):
    plan = RehearsalPlan(
        path="rehearsals/shop.yaml",
        service="shop",
        environment="staging",
        driver=PluginPlan(kind="x", settings=settings),
        probes=(),
    )
    return part(made.going_back(plan, Before(**known)), driver="x")


@pytest.fixture
def shell(tmp_path):
    """``shell(line, **variables)``: exit code and what the program was given, one argument a line."""
    for name in ("kubectl", "alembic-python", "psql"):
        file = tmp_path / name
        file.write_text('#!/bin/sh\nprintf "%s\\n" "$0" "$@" "DATABASE_URL=$DATABASE_URL"\n')
        file.chmod(0o755)

    def run(line, **variables):
        found = subprocess.run(
            ["sh", "-c", line], env={"PATH": f"{tmp_path}:/usr/bin:/bin", **variables}, cwd=tmp_path,
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        return found.returncode, found.stdout.splitlines()[1:], found.stderr

    return run


def test_workloads_are_undone_in_a_cluster_that_is_put_in_and_never_in_the_rehearsals(shell):
    measured = {"revisions": {"deployment/shop": {"before": 3, "applied": 4, "back": 5}}}
    found = back(
        KubectlRehearsal, {**KUBECTL, "workloads": ["deployment/shop", "statefulset/db.main"]},
        measured=measured, shown_by="evd-1",
    )  # fmt: skip
    assert not [line for line in found.lines if "staging" in line]
    assert [line.rpartition("# ")[2] for line in found.lines[2:]] == [
        "statefulset/db.main", "verifies it", "deployment/shop", "verifies it"
    ]  # fmt: skip
    known = {"KUBE_CONTEXT": "eu", "KUBE_NAMESPACE": "shop", "REVISION_DB_MAIN": "7", "REVISION_SHOP": "9"}
    code, given, _ = shell(found.lines[4], **known)
    assert (code, given[:-1]) == (
        0,
        ["--context=eu", "--namespace=shop", "rollout", "undo", "deployment/shop", "--to-revision=9"],
    )
    for name in ("KUBE_CONTEXT", "KUBE_NAMESPACE", "REVISION_SHOP"):
        for without in ({**known, name: ""}, {key: value for key, value in known.items() if key != name}):
            code, given, error = shell(found.lines[4], **without)
            assert code != 0
            assert given == []
            assert f"{name}: " in error
    assert "was at 3, went to 4 and was back as 5" in found.told[1]
    assert found.told[0].startswith("rollout undo brings back no ConfigMap")


def alembic(**more):
    return {"tool": "alembic", "python": "alembic-python", **more}


def test_migrations_go_back_to_the_revision_that_was_measured_over_a_database_that_is_put_in(shell):
    run = ["alembic-python", "-m", "alembic", "-c", "alembic.ini", "downgrade", "a1"]
    measured = {
        "back": [{"name": "a2", "run": run}],
        "migrations": [
            {
                "name": "a2",
                "class": "irreversible",
                "findings": [{"class": "irreversible", "told": "notes are lost"}],
            }
        ],
    }
    found = back(PostgresMigration, alembic(), measured=measured, shown_by="evd-1")
    [line] = found.lines
    assert line.endswith("# a2")
    assert shell(line, DATABASE_URL="postgresql:///shop")[:2] == (0, [*run[1:], "DATABASE_URL=postgresql:///shop"])
    assert shell(line)[:2] == (2, [])
    assert found.told == ("a2 does not bring back everything (measured, evd-1): notes are lost",)


def test_before_a_rehearsal_the_revision_is_to_be_put_in(shell):
    found = back(PostgresMigration, alembic(directory="backend", python="venv/bin/python", passed_on=["SHOP_KEY"]))
    [line] = found.lines
    assert ' ../venv/bin/python -m alembic -c alembic.ini downgrade "${REVISION:?' in line
    assert found.told == (
        "in `backend` of a checkout of this change",
        "the project gets SHOP_KEY of the runner: set it too",
        "to which revision: a rehearsal of this change by a trusted runner says it",
    )
    django = back(PostgresMigration, {"tool": "django", "environment": {"STAGE": "{{x}}", "DB": "{host}"}})
    assert django.lines[0] == "export 'STAGE={x}'"
    assert 'manage.py migrate --noinput "${APP:?' in django.lines[1]
    assert django.lines[1].startswith('DB="${DB:?the host of the database that goes back}" python3 ')


def test_files_of_sql_go_back_by_their_own_down_files_and_those_without_are_named(shell):
    measured = {
        "back": [
            {"name": "0004", "run": ["psql", "--set=ON_ERROR_STOP=1", "--file=migrations/0004.down.sql"]},
            {"name": "0003", "part": "migrations/0003.sql"},
            {"name": "0002", "run": []},
        ]
    }
    found = back(PostgresMigration, {"tool": "sql", "folder": "migrations"}, measured=measured, shown_by="evd-1")
    [line] = found.lines
    code, given, _ = shell(line, DATABASE_URL="postgresql:///shop")
    assert (code, given[:3]) == (
        0,
        ["--set=ON_ERROR_STOP=1", "--file=migrations/0004.down.sql", "--dbname=postgresql:///shop"],
    )
    assert shell(line)[:2] == (2, [])
    assert found.told == (
        "0003 goes back by the part Down of `migrations/0003.sql`, by the tool that reads it",
        "0002 has no way back: nobody wrote one",
    )
    before = back(PostgresMigration, {"tool": "sql", "folder": "migrations"})
    assert (
        '"--file=${DOWN_FILE:?the .down.sql below migrations of each migration, the last first}"'
        in before.lines[0]
    )


def git(*words, cwd):
    own = ("-c", "user.name=Ana", "-c", "user.email=ana@shop.example")
    return subprocess.check_output(["git", *own, *words], cwd=cwd, text=True, timeout=30).strip()


def test_an_artefact_comes_back_by_its_commit_from_the_repository_itself(tmp_path):
    origin, here = tmp_path / "origin", tmp_path / "here"
    origin.mkdir()
    git("init", "--quiet", "--initial-branch=main", cwd=origin)
    (origin / "src").mkdir()
    for text in ("one", "two"):
        (origin / "src" / "a").write_text(text)
        (origin / "other").write_text(text)
        git("add", "--all", cwd=origin)
        git("commit", "--quiet", "--message", text, cwd=origin)
        git("tag", text, cwd=origin)
    before = git("rev-parse", "one", cwd=origin)
    git("clone", "--quiet", "--depth=1", origin.as_uri(), str(here), cwd=tmp_path)
    (here / "src" / "new").write_text("brought by the change")
    git("add", "--all", cwd=here)
    git("commit", "--quiet", "--message", "three", cwd=here)
    settings = {"repository": str(origin), "ref": "one", "paths": ["src"]}
    found = back(GitArtifactRehearsal, settings, base=before, measured={"commit": before}, shown_by="evd-1")
    assert not [line for line in found.lines if "ARTEFACT" in line]
    subprocess.run(["sh", "-e"], input="\n".join(found.lines), cwd=here, text=True, timeout=60, check=True)
    assert (here / "src" / "a").read_text() == "one"
    assert not (here / "src" / "new").exists(), "what the change brought is away"
    assert (here / "other").read_text() == "two", "what the plan does not name stays"
    assert "fetched by this commit in the rehearsal evd-1" in found.told


def test_an_artefact_without_a_known_commit_is_fetched_by_no_name(tmp_path):
    found = back(GitArtifactRehearsal, {"repository": "../origin.git", "ref": "v1"})
    done = subprocess.run(["sh", "-c", found.lines[0]], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, "PREVIOUS_COMMIT" in done.stderr) == (2, True)
    assert "the commit of the version before is not pinned: driver: commit in the plan says it" in found.told


def test_an_archive_is_held_against_its_digest(tmp_path):
    archive = {"url": "https://releases.example/shop 1.tgz?x=`id`", "sha256": "sha256:" + "0" * 64}
    found = back(GitArtifactRehearsal, {"repository": "r", "commit": COMMIT, "archives": [archive]})
    (tmp_path / "shop-1.tgz").write_text("another")
    check = subprocess.run(
        ["sh", "-c", found.lines[-1]], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (check.returncode, "shop-1.tgz: FAILED" in check.stdout) == (1, True)
    assert "'https://releases.example/shop 1.tgz?x=`id`'" in found.lines[-2]
