"""A state that is closed to whoever runs the command: it is said whose it is, and never taken for a fault."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

NOBODY = 65534
ROOT = os.geteuid() == 0
LESS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if ROOT else ()
"""Root may read anything, so where the tests are root's the command is run without that right."""

PLAN = """\
service: shop
environment: production
router: {kind: command, set: [./set], get: [./get], exposure: [./exposure]}
meters: [{kind: push, metrics: {orders: {}}}]
judge: {metrics: {orders: {kind: good}}}
stages: [{percent: 1, bake: 1s, margin: 50%, limit: 1m}]
rollback:
  - {name: restore, kind: configuration, run: [cp, before.conf, now.conf], verify: [cmp, before.conf, now.conf]}
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / ".git").mkdir()
    home = tmp_path / ".interlock"
    home.mkdir(mode=0o700)
    (home / "interlock.db").touch()
    if ROOT:
        os.chown(home, NOBODY, NOBODY)
    else:
        home.chmod(0o000)
    yield tmp_path
    home.chmod(0o700)


def run(place: Path, *arguments: str, **more: str) -> tuple[int, str]:
    done = subprocess.run(
        [*LESS, sys.executable, "-m", "interlock", *arguments],
        cwd=place,
        env={name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")} | more,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def closed(place: Path, said: tuple[int, str], command: str) -> None:
    """Exit 2, the folder, its owner, and how to go on."""
    code, text = said
    assert code == 2, text
    assert f"error[state-closed]: expected to read `{place}/.interlock`, got no permission" in text
    if ROOT:
        assert "it belongs to `nobody`" in text
        assert command in text
    else:
        assert f"hint: let yourself in: chmod u+rwX {place}/.interlock" in text


@pytest.mark.parametrize("how", [(), ("--local",), ("--dry-run",), ("--local", "--dry-run")])
def test_going_back_from_anothers_state_says_whose_it_is(place: Path, how: tuple[str, ...]) -> None:
    """At night, with the server down, it was a fault of interlock itself."""
    closed(place, run(place, "rollback", "shop", *how), "sudo -u nobody interlock rollback shop")


@pytest.mark.parametrize("how", [("rollout", "list"), ("rollout", "watch"), ("change", "list"), ("token", "list")])
def test_looking_into_anothers_state_says_whose_it_is(place: Path, how: tuple[str, ...]) -> None:
    closed(place, run(place, *how), "sudo -u nobody before it")


def test_with_the_server_down_that_is_said_too_and_what_can_be_done_by_hand(place: Path) -> None:
    (place / "rollouts").mkdir()
    (place / "rollouts/shop.yaml").write_text(PLAN)
    said = run(place, "rollback", "shop", INTERLOCK_SERVER="http://127.0.0.1:9")
    closed(place, said, "sudo -u nobody interlock rollback shop")
    assert "the server did not answer: expected a server at `http://127.0.0.1:9`, got no connection" in said[1]
    assert "by hand, by rollouts/shop.yaml: set weight 0: ./set; cp before.conf now.conf" in said[1]
