"""The driver ``git-artifact`` on real repositories: what is pinned is fetched, or it is said why not."""

from __future__ import annotations

import http.server
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest

from interlock import registry
from interlock.core.change.errors import InvalidInput
from interlock.core.rehearsal.plan_read import read_rehearsal_plan
from interlock.plugins.world.programs import SystemPrograms
from interlock.plugins.world.system import steady
from interlock.ports.rehearsal import RehearsalScene
from interlock.road.rehearsal_stage import staged
from interlock.road.rehearse import rehearse

PLAN = """\
service: order-service
environment: staging
driver:
  kind: git-artifact
  repository: ../origin.git
{driver}
{more}
"""


def git(folder: Path, *arguments: str) -> str:
    named = ("-c", "user.name=Ana", "-c", "user.email=ana@shop.example", "-c", "init.defaultBranch=main")
    command = ["git", "-C", str(folder), *named, *arguments]
    return subprocess.check_output(command, text=True, timeout=60, stderr=subprocess.STDOUT).strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout on a change, whose base is tagged ``v1`` here and in ``../origin.git``."""
    root = tmp_path / "shop"
    (root / "src").mkdir(parents=True)
    git(root, "init", "--quiet")
    (root / "src" / "app.py").write_text("print('one')\n")
    (root / "run.sh").write_text("echo one\n")
    (root / "run.sh").chmod(0o755)
    (root / "current").symlink_to("src")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "one")
    git(root, "tag", "--annotate", "v1", "--message", "first")
    git(root, "clone", "--quiet", "--bare", str(root), str(tmp_path / "origin.git"))
    (root / "src" / "app.py").write_text("print('two')\n")
    (root / "src" / "more.py").write_text("more = 1\n")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "two")
    return root


@pytest.fixture
def tried(checkout: Path):
    """``tried(driver, more)``: what was seen of that plan and what it comes to."""

    def done(driver: str = "", more: str = "", base: str | None = None):
        plan = read_rehearsal_plan("rehearsals/shop.yaml", PLAN.format(driver=driver, more=more).encode())
        scene = RehearsalScene(
            root=str(checkout),
            run="reh-test",
            change="chg-test",
            digest="sha256:" + "0" * 64,
            service="order-service",
            environment="staging",
            programs=SystemPrograms(str(checkout)),
            base=git(checkout, "rev-parse", "HEAD~1") if base is None else base,
        )
        lines: list[bytes] = []
        with staged(
            plan,
            scene,
            drivers=registry.rehearsals(),
            probes=registry.probes(),
            write=lines.append,
            steady=steady,
            told=lambda _: None,
        ) as stage:
            return rehearse(stage, 300.0)

    return done


def because(done) -> str:
    return " | ".join(done[1].reasons)


def test_what_is_pinned_is_fetched_and_is_what_it_was(checkout, tried):
    before = git(checkout, "status", "--porcelain"), git(checkout, "rev-parse", "HEAD")
    seen, found = tried("  ref: v1")
    assert (found.verdict, found.reasons) == ("passed", ())
    assert [one.item for one in found.did] == ["src/app.py", "src/more.py"]
    assert set(seen.after["artefact"].items) == {"current", "run.sh", "src/app.py"}
    assert seen.after["artefact"].items["current"] == "link to src"
    assert "mode 0755" in seen.after["artefact"].items["run.sh"]
    assert [one.name for one in seen.rolled_back] == ["the pin", "fetch"]
    assert before == (git(checkout, "status", "--porcelain"), git(checkout, "rev-parse", "HEAD"))


def test_a_commit_that_no_ref_leads_to_any_more_is_fetched_or_named(checkout, tried, tmp_path):
    origin = tmp_path / "origin.git"
    assert tried()[1].verdict == "passed", "the newest of a branch"
    git(origin, "tag", "--delete", "v1")
    git(origin, "update-ref", "-d", "refs/heads/main")
    git(origin, "reflog", "expire", "--expire=now", "--all")
    git(origin, "gc", "--quiet", "--prune=now")
    done = tried()
    assert done[1].verdict == "failed"
    assert "rollback step fetch: " in because(done)
    assert "cannot be fetched from `../origin.git`" in because(done)


def test_a_tag_that_was_moved_is_no_pin(checkout, tried, tmp_path):
    git(checkout, "push", "--quiet", str(tmp_path / "origin.git"), "+HEAD:refs/tags/v1")
    done = tried("  ref: v1")
    base, head = (git(checkout, "rev-parse", each)[:12] for each in ("HEAD~1", "HEAD"))
    assert done[1].verdict == "failed"
    assert f"rollback step the pin: `v1` leads to {head} and is pinned to {base}: it was moved" in because(done)
    assert "has no `v9`" in because(tried("  ref: v9"))


def test_a_repository_that_is_gone_is_said(tried, tmp_path):
    (tmp_path / "origin.git").rename(tmp_path / "moved.git")
    for driver in ("", "  ref: v1"):
        done = tried(driver)
        assert done[1].verdict == "failed"
        assert "'../origin.git' does not appear to be a git repository" in because(done)


def test_paths_that_the_change_leaves_alone_show_nothing(tried):
    done = tried('  paths: ["run.sh"]')
    assert because(done) == "no probe sees the change, so going back from it shows nothing"


def test_a_commit_that_is_not_here_is_undecided(tried):
    done = tried("  commit: " + "a" * 40)
    assert done[1].verdict == "undecidable"
    assert "needs the commit aaaaaaaaaaaa in this checkout" in because(done)
    assert "name it under driver: commit" in because(tried(base=""))


CHECK = """\
rollback:
  - {name: starts, run: [sh, -c, 'cd "$ARTEFACT" && ./run.sh'], verify: [sh, -c, 'grep -q one "$ARTEFACT/run.sh"']}
"""


def test_what_was_fetched_is_checked(tried):
    seen, found = tried(more=CHECK)
    assert (found.verdict, [one.name for one in seen.rolled_back][-1]) == ("passed", "starts")
    done = tried(more=CHECK.replace("./run.sh", "./start.sh"))
    assert done[1].verdict == "failed"
    assert because(done).startswith("rollback step starts: sh ended with 127")
    assert "not verified: sh ended with 1" in because(tried(more=CHECK.replace("-q one", "-q two")))
    assert "needs `no-such`" in because(tried(more=CHECK.replace("run: [sh,", "run: [no-such,")))


@pytest.fixture
def releases(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server of archives, and their folder."""
    folder = tmp_path / "releases"
    folder.mkdir()
    handler = partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", folder
        server.shutdown()
        thread.join(30)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *said: object) -> None:
        del said


def test_archives_are_fetched_and_have_the_digest_that_is_pinned(tried, releases):
    address, folder = releases
    content = b"release" * 1_000
    (folder / "app-1.tgz").write_bytes(content)
    pin = f"sha256:{sha256(content).hexdigest()}"
    for url in (f"{address}/app-1.tgz", str(folder / "app-1.tgz"), "../releases/app-1.tgz"):
        done = tried(f'  archives: [{{url: "{url}", sha256: "{pin}"}}]')
        assert (done[1].verdict, because(done)) == ("passed", "")
    driver = f'  archives: [{{url: "{address}/app-1.tgz", sha256: "{pin}"}}]'
    (folder / "app-1.tgz").write_bytes(content + b"!")
    other = tried(driver)
    assert other[1].verdict == "failed"
    assert "app-1.tgz is sha256:" in because(other)
    assert f"and is pinned to {pin[:19]}…" in because(other)
    (folder / "app-1.tgz").unlink()
    assert "the server answers 404" in because(tried(driver))
    assert not tried(driver)[1].dirty, "its place is gone"


@pytest.mark.parametrize(
    ("driver", "told"),
    [
        (
            "  ref: --upload-pack=x",
            "expected a tag or a branch, got `'--upload-pack=x'` at `rehearsals/shop.yaml:6`",
        ),
        ("  commit: abc123", "expected a whole commit id"),
        ("  paths: []", "expected at least one path"),
        ("  archives: [{url: x, sha256: abc}]", "expected the archive's digest"),
        ("  archive: []", "rehearsals/shop.yaml"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_with_their_line(tried, driver, told):
    with pytest.raises(InvalidInput) as refused:
        tried(driver)
    assert told in refused.value.message


def test_a_repository_that_would_run_a_program_is_refused(tried, monkeypatch):
    monkeypatch.setitem(globals(), "PLAN", PLAN.replace("../origin.git", "ext::sh -c touch% owned"))
    with pytest.raises(InvalidInput, match="a repository that git fetches from"):
        tried()


def test_what_a_check_builds_in_the_artefact_is_no_difference(tried):
    """A build in the folder failed the rehearsal: what it made was not there before."""
    build = 'cd "$ARTEFACT" && mkdir build && cp src/app.py build/ && echo stamped >> src/app.py'
    there = 'test -e "$ARTEFACT/build/app.py"'
    more = f"rollback:\n  - {{name: builds, run: [sh, -c, '{build}'], verify: [sh, -c, '{there}']}}"
    seen, found = tried("  ref: v1", more)
    assert (found.verdict, found.reasons, found.left) == ("passed", (), ())
    assert set(seen.after["artefact"].items) == {"current", "run.sh", "src/app.py"}
