from __future__ import annotations

import contextlib
import subprocess
from importlib import resources

import pytest

from interlock.core.change.errors import InterlockError, InvalidInput, NotFound
from interlock.registry import bundled_policies
from interlock.testing.replay.scenario import load, names, read
from interlock.testing.shop import PEOPLE, Shop

AMAZON = "amazon-2026-03-05"


def test_every_scenario_names_its_sources_and_what_nobody_knows():
    assert AMAZON in names()
    for name in names():
        scenario = load(name)
        assert len(scenario.sources) >= 2
        assert all(source.url.startswith("https://") for source in scenario.sources)
        assert scenario.reported
        assert scenario.unknown


def test_the_amazon_change_is_the_shops_first_attempt(tmp_path):
    """The diff of the folder and the change of the demonstration must not go apart."""
    keys = dict.fromkeys(PEOPLE, "ssh-ed25519 AAAA")
    shop = Shop(root=tmp_path / "shop", keys=keys, runner=("id", "pem"), policies=bundled_policies())
    shop.build()
    subprocess.run(["git", "apply", "-"], cwd=shop.root, input=load(AMAZON).diff(), check=True)
    applied = {path: (shop.root / path).read_bytes() for path in ("config/delivery.yaml", "src/promise.py")}
    subprocess.run(["git", "checkout", "--quiet", "."], cwd=shop.root, check=True)
    shop.first_attempt()
    assert applied == {path: (shop.root / path).read_bytes() for path in applied}


def test_an_unknown_name_lists_what_exists():
    with pytest.raises(NotFound, match=AMAZON) as unknown:
        load("titanic-1912")
    assert unknown.value.code == "replay-unknown"


def amazon():
    return resources.files("interlock").joinpath("replays", AMAZON, "scenario.yaml").read_bytes()


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"version: 1", b"version: 2", "input-shape"),
        (b"fault:", b"faults:", "input-shape"),
        (b"orders_per_second: 292", b"orders_per_second: 0", "replay-traffic"),
        (b"orders_per_second: 292", b"orders_per_second: 2001", "replay-traffic"),
        (b"canary_percent: 1", b"canary_percent: 100", "replay-traffic"),
        (b"canary_percent: 1", b"canary_percent: one", "input-shape"),
    ],
)
def test_a_scenario_that_does_not_fit_is_refused(old, new, code):
    assert amazon().count(old) == 1
    with pytest.raises(InvalidInput) as refused:
        read("scenario.yaml", amazon().replace(old, new))
    assert refused.value.code == code


def test_any_broken_bytes_are_an_error_of_ours():
    for cut in range(0, len(amazon()), 97):
        with contextlib.suppress(InterlockError):
            read("scenario.yaml", amazon()[:cut])
