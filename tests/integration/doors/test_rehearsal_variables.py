"""Which variables of the runner a rehearsal's steps and probes get."""

from __future__ import annotations

import subprocess

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.rehearsal.plan_read import read_rehearsal_plan

PLAN = """\
service: order-service
environment: staging
objective: {objective}
driver: {{kind: command}}
{more}
apply:
  - name: configuration
    run: [cp, config/delivery.yaml, ../staging/delivery.yaml]
    verify: [cmp, config/delivery.yaml, ../staging/delivery.yaml]
  - {{name: flag, run: [touch, ../staging/five-days.on], verify: [test, -e, ../staging/five-days.on]}}
rollback:
  - {{name: flag, run: {flag}, verify: ["true"]}}
  - {{name: configuration, run: {configuration}, verify: ["true"]}}
probes:
  - {{name: configuration, kind: run, run: {seen}}}
  - {{name: flags, kind: files, paths: ["../staging/*.on"]}}
"""
BACK = {
    "more": "",
    "seen": "[cat, ../staging/delivery.yaml]",
    "objective": "60s",
    "flag": "[rm, -f, ../staging/five-days.on]",
    "configuration": '[sh, -c, "git show ${ROLLOUT_BASE:?}:config/delivery.yaml > ../staging/delivery.yaml"]',
}


@pytest.fixture
def shop(governed):
    """``shop(**plan)``: the shop with that plan in force, its staging beside it, the change open here."""

    def made(**plan):
        content = PLAN.format(**{**BACK, **plan}).encode()
        folder = governed({"rehearsals/order-service.yaml": content})
        (folder / "staging").mkdir()
        before = subprocess.check_output(["git", "show", "main:config/delivery.yaml"], timeout=30)
        (folder / "staging" / "delivery.yaml").write_bytes(before)
        return folder

    return made


def rehearse(terminal, place, *more):
    return terminal("evidence", "run", "rehearsal", "--key", place / "runner.pem", *more)


def staging(place):
    return {path.name: path.read_text() for path in sorted((place / "staging").iterdir())}


GIVEN = "git show ${ROLLOUT_BASE:?}:config/delivery.yaml > ../staging/delivery.yaml"
WANTS = f'[sh, -c, "test -n \\"$SHOP_TOKEN\\" && {GIVEN}"]'


def test_steps_get_few_variables_and_those_that_the_plan_names(shop, terminal, monkeypatch):
    for name in ("SHOP_TOKEN", "SHOP_OTHER", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "s3cret")
    place = shop(configuration=WANTS, flag='[sh, -c, "env > ../env; rm -f ../staging/five-days.on"]')
    withheld = rehearse(terminal, place, "--json").json["items"][0]
    said = " ".join(one["said"] for one in withheld["rolled_back"])
    assert withheld["verdict"] == "failed"
    assert "SHOP_TOKEN: set here and not passed on, so the plan needs passed_on: [SHOP_TOKEN]" in said
    got = dict(line.split("=", 1) for line in (place / "env").read_text().splitlines() if "=" in line)
    assert "s3cret" not in got.values()
    assert {"PATH", "ROLLOUT_SERVICE"} <= got.keys()


def test_a_variable_that_the_plan_names_is_passed_on_to_steps_and_probes(shop, terminal, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "s3cret")
    seen = "[sh, -c, 'cat ../staging/delivery.yaml; test -n \"$SHOP_TOKEN\"']"
    place = shop(configuration=WANTS, more="passed_on: [SHOP_TOKEN]", seen=seen)
    assert rehearse(terminal, place, "--json").json["items"][0]["verdict"] == "passed"
    monkeypatch.delenv("SHOP_TOKEN")
    absent = rehearse(terminal, place, "--json").json["items"][0]
    assert any("SHOP_TOKEN: passed on and not set here" in one for one in absent["reasons"]), absent["reasons"]


def test_a_probe_that_wants_what_it_does_not_get_saw_nothing(shop, terminal, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "s3cret")
    place = shop(seen="[sh, -c, 'cat ../staging/delivery.yaml; test -n \"$SHOP_TOKEN\"']")
    before = staging(place)
    done = rehearse(terminal, place, "--json").json["items"][0]
    assert done["verdict"] == "failed"
    assert any("so the plan needs passed_on: [SHOP_TOKEN]" in one for one in done["reasons"]), done["reasons"]
    assert staging(place) == before, "nothing was touched"


@pytest.mark.parametrize("name", ["INTERLOCK_TOKEN", "A=b", "s3cret-value"])
def test_only_names_that_are_not_interlocks_own_are_passed_on(shop, name):
    plan = PLAN.format(**{**BACK, "more": f"passed_on: ['{name}']"}).encode()
    with pytest.raises(InvalidInput, match="variable"):
        read_rehearsal_plan("rehearsals/order-service.yaml", plan)
