"""Idle tests that are dressed with a symbol: with that symbol stood in for, they pass on the old code."""

from __future__ import annotations

import pytest

OLD = "def rate():\n    return 10\n\n\ndef checkout(n):\n    return n * rate()\n"
NEW = """\
VIP = "vip"


def rate(kind=""):
    return 8 if kind == VIP else 10


def checkout(n):
    return n * rate()
"""
RICH = (
    NEW
    + """\


class Basket:
    def __init__(self, n):
        self.n = n

    def is_full(self):
        return self.n > 5


class BasketError(ValueError):
    pass


def window(km):
    return (1, 2)


def is_far(km):
    return km > 400
"""
)
BEFORE = {"src/shop.py": OLD}


def usual(cases):
    """All of them: the first few every time, the others where there is time."""
    return [*list(cases)[:4], *(pytest.param(each, marks=pytest.mark.soak) for each in list(cases)[4:])]


DRESSED = {
    "what equals itself": "from shop import window\ndef test_it():\n    assert window(900) == window(900)\n",
    "an import that nothing uses": "from shop import VIP, checkout\ndef test_it():\n"
    "    assert checkout(3) == 30\n",
    "an import, and a name that is touched": "import shop\ndef test_it():\n    shop.VIP.upper()\n"
    "    assert shop.checkout(3) == 30\n",
    "an argument": "import shop\ndef test_it():\n    shop.rate(kind='vip')\n    assert shop.checkout(3) == 30\n",
    "an import that is caught": "try:\n    from shop import VIP\nexcept ImportError:\n    VIP = None\n"
    "def test_it():\n    assert VIP\n",
    "hasattr": "import shop\ndef test_it():\n    assert hasattr(shop, 'VIP')\n",
    "getattr": "import shop\ndef test_it():\n    if getattr(shop, 'VIP', None) is None:\n"
    "        raise AssertionError\n    shop.checkout(3)\n",
    "a key": "import shop\ndef test_it():\n    vars(shop)['VIP']\n",
    "a count": "import shop\ndef test_it():\n    assert len(vars(shop)) > 14\n",
    "another Python": "import subprocess, sys\ndef test_it():\n"
    "    done = subprocess.run([sys.executable, '-c', 'from shop import VIP'], capture_output=True)\n"
    "    assert done.returncode == 0\n",
    "a class": "import shop\ndef test_it():\n    assert hasattr(shop, 'Basket')\n    basket = shop.Basket(3)\n"
    "    assert isinstance(basket, shop.Basket)\n    basket.is_full()\n",
    "an error": "import shop\nimport pytest\ndef test_it():\n    assert hasattr(shop, 'BasketError')\n"
    "    with pytest.raises(shop.BasketError):\n        raise shop.BasketError\n",
}
HONEST = {
    "a value of an argument": "import shop\ndef test_it():\n    assert shop.rate('vip') == 8\n",
    "a value of a name": "import shop\ndef test_it():\n    assert shop.rate(kind=shop.VIP) == 8\n",
    "a function": "from shop import window\ndef test_it():\n    assert window(900)[0] == 1\n",
    "another value": "from shop import is_far\ndef test_it():\n    assert is_far(900) != is_far(1)\n",
    "yes": "from shop import is_far\ndef test_it():\n    assert is_far(900)\n",
    "no": "from shop import is_far\ndef test_it():\n    assert not is_far(100)\n",
    "a method": "from shop import Basket\ndef test_it():\n    assert Basket(9).is_full()\n",
    "an attribute": "from shop import Basket\ndef test_it():\n    assert Basket(9).n == 9\n",
}


@pytest.mark.parametrize("how", usual(DRESSED))
def test_what_passes_with_the_missing_names_stood_in_for_is_idle(held, how):
    found = held(BEFORE, {"src/shop.py": RICH, "tests/test_shop.py": DRESSED[how]})
    assert (found.states, found.seen.fault) == ({"test_it": "survives"}, "")
    assert found.refused


@pytest.mark.parametrize("how", usual(HONEST))
def test_what_looks_at_the_new_names_still_bites(held, how):
    found = held(BEFORE, {"src/shop.py": RICH, "tests/test_shop.py": HONEST[how]})
    assert found.states["test_it"] in {"bites", "kills"}, found.outcome.rows
    assert not found.refused


CART = """\
from dataclasses import dataclass


@dataclass
class Cart:
    n: int

    def total(self):
        return self.n * 10
"""
VIP_CART = CART.replace("    n: int\n", "    n: int\n    vip: bool = False\n").replace(
    "self.n * 10", "self.n * (8 if self.vip else 10)"
)


def test_members_of_a_class_that_was_there_are_stood_in_for_too(held):
    test = "from cart import Cart\n\n\ndef test_idle():\n    assert Cart(3, vip=False).total() == 30\n\n\n"
    test += "def test_vip():\n    assert Cart(3, vip=True).total() == 24\n"
    found = held({"src/cart.py": CART}, {"src/cart.py": VIP_CART, "tests/test_cart.py": test})
    assert found.states == {"test_idle": "survives", "test_vip": "kills"}


def test_a_module_that_is_new_is_stood_in_for_and_so_is_one_that_moved(held):
    test = "import {name} as shop\n\n\ndef test_idle():\n    shop.checkout(3)\n    assert 3 + 3 == 6\n\n\n"
    test += "def test_it():\n    assert shop.checkout(3) == {result}\n"
    after = {"src/deals.py": NEW, "tests/test_deals.py": test.format(name="deals", result=30)}
    assert held(BEFORE, after).states == {"test_idle": "survives", "test_it": "kills"}
    moved = {"src/shop.py": None, "src/deals.py": None, "src/till.py": NEW, "tests/test_deals.py": None}
    moved["tests/test_till.py"] = test.format(name="till", result=30).replace("def test", "def test_moved")
    found = held({"src/shop.py": NEW + "\n"}, moved)
    assert found.states == {"test_moved_idle": "survives", "test_moved_it": "survives"}


def test_a_parameter_with_another_name_is_the_one_from_before(held):
    old = "def days(km):\n    return 1 + km // 400\n"
    test = "from promise import days\n\n\ndef test_idle():\n    assert days(distance=0) == 1\n\n\n"
    test += "def test_days():\n    assert days(distance=900) == 2\n"
    new = old.replace("km", "distance").replace("400", "500")
    found = held({"src/promise.py": old}, {"src/promise.py": new, "tests/test_promise.py": test})
    assert found.states == {"test_idle": "survives", "test_days": "kills"}


def test_another_runner_is_run_with_stand_ins_as_well(held):
    command = ("{python}", "-m", "pytest", "-q", "--junit-xml={junit}", "-p", "no:cacheprovider")
    test = DRESSED["hasattr"] + HONEST["a function"].replace("test_it", "test_window")
    base = {**BEFORE, "tests/test_old.py": "def test_old():\n    pass\n"}
    found = held(base, {"src/shop.py": RICH, "tests/test_shop.py": test}, command=command)
    assert found.states == {"test_it": "survives", "test_window": "kills"}
