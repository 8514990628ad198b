"""Test plans: what a file says, and every way in which it says it wrongly, with its line."""

from __future__ import annotations

import pytest

from interlock.core.bite.plan import ROOTS, TESTS, longest
from interlock.core.bite.plan_read import read_test_plan, read_test_plans
from interlock.core.change.errors import InvalidInput
from interlock.core.rollout.plan_faults import PlanFaults

PLAN = """\
service: harbour
product: [src/, "!src/vendor/"]
arguments: [-m, not slow]
timeout: 5m
repeats: 4
coverage: false
environment: [DATABASE_URL]
"""


def read(text=PLAN):
    return read_test_plan("test-plans/harbour.yaml", text.encode())


def wrong(text):
    with pytest.raises(InvalidInput) as refused:
        read(text)
    return refused.value


def test_what_a_plan_says():
    plan = read()
    assert (plan.service, plan.product, plan.arguments) == (
        "harbour",
        ("src/", "!src/vendor/"),
        ("-m", "not slow"),
    )
    assert (plan.timeout, plan.repeats, plan.coverage, plan.passed_on) == (300.0, 4, False, ("DATABASE_URL",))
    assert (plan.tests, plan.roots, plan.command, plan.python) == (TESTS, ROOTS, (), "python3")
    assert longest(plan, 3) == 300.0 * 16 + 60.0


@pytest.mark.parametrize(
    ("path", "product"),
    [
        ("src/promise.py", True),
        ("src/vendor/promise.py", False),
        ("src/tests/test_promise.py", False),
        ("src/conftest.py", False),
        ("src/promise_test.py", False),
        ("lib/promise.py", False),
        ("pyproject.toml", False),
    ],
)
def test_product_is_what_the_plan_calls_so_and_is_no_test(path, product):
    assert read().is_product(path) is product


@pytest.mark.parametrize(
    ("line", "instead", "code", "said"),
    [
        (
            "service: harbour",
            "services: harbour",
            "test-plan",
            "known key of `the file` (did you mean `service`?)",
        ),
        ('product: [src/, "!src/vendor/"]', "product: []", "test-plan", "a list at `product`"),
        ('product: [src/, "!src/vendor/"]', "product: [/]", "test-plan", "a glob at `product.0`"),
        ("timeout: 5m", "timeout: 3h", "test-range", "1s to 2h"),
        ("repeats: 4", "repeats: 1", "test-range", "2 to 10"),
        ("repeats: 4", "repeats: often", "test-plan", "a whole number"),
        ("coverage: false", "coverage: 'no'", "test-plan", "true or false"),
        ("coverage: false", "roots: [../up]", "test-plan", "a folder of the repository"),
        ("DATABASE_URL", "INTERLOCK_RUNNER_KEY", "test-plan", "a variable that is not interlock's own"),
        ("DATABASE_URL", "A=B", "test-plan", "the name of a variable"),
        ("arguments: [-m, not slow]", "command: [make, test]", "test-plan", "`{junit}` in `command`"),
        ("coverage: false", "command: [make, '{junit}']", "test-plan", "either `arguments` or `command`"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(line, instead, code, said):
    text = PLAN.replace(line, instead)
    error = wrong(text)
    assert error.code == code
    assert said in error.message
    assert f"test-plans/harbour.yaml:{text[: text.index(instead)].count(chr(10)) + 1}" in error.message


def test_all_that_is_wrong_is_said_at_once():
    error = wrong(PLAN.replace("repeats: 4", "repeats: 99").replace("timeout: 5m", "timeout: soon"))
    assert isinstance(error, PlanFaults)
    assert [each.code for each in error.faults] == ["test-plan", "test-range"]


def test_one_plan_for_each_service_of_the_catalog():
    files = {"test-plans/a.yaml": PLAN.encode(), "test-plans/b.yaml": PLAN.encode()}
    assert read_test_plans({"test-plans/a.yaml": PLAN.encode()}, ["harbour"])["harbour"].repeats == 4
    for services, code in ((["harbour"], "test-twice"), (["harbor"], "test-service")):
        with pytest.raises(InvalidInput) as refused:
            read_test_plans(files if code == "test-twice" else {"a.yaml": PLAN.encode()}, services)
        assert refused.value.code == code
