"""From runs to an answer: what bites, for whom it counts, and what is left out of a predicate."""

from __future__ import annotations

import pytest

from interlock.core.bite.cover import changed_lines, covered
from interlock.core.bite.judge import Judged, Looked, behaviours, undeclared
from interlock.core.bite.modules import from_elsewhere, module_names
from interlock.core.bite.outcome import Listed, outcome, predicate
from interlock.core.bite.seen import Result, Seen, from_junit, read_witness, spelled
from interlock.core.change.canonical import canonical
from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.junit import Case, read_junit
from interlock.core.evidence.summary import MAX_OWN

RESULTS = {
    "p": Result(outcome="passed"),
    "s": Result(outcome="strong"),
    "w": Result(outcome="weak"),
    "k": Result(outcome="skipped"),
}


def runs(**tests):
    """Each test's ends, a letter for each run; ``-`` where it was not there."""
    count = max(len(ends) for ends in tests.values())
    return tuple(
        Seen(results={name: RESULTS[ends[at]] for name, ends in tests.items() if ends[at : at + 1] in RESULTS})
        for at in range(count)
    )


def state(head, base, kills=()):
    looked = Looked(head=runs(t=head), base=runs(t=base), standings={"t": "new"}, kills={"t": frozenset(kills)})
    return Judged(looked).rows["t"].state


@pytest.mark.parametrize(
    ("head", "base", "kills", "expected"),
    [
        ("ppp", "sss", (), "bites"),
        ("ppp", "sws", (), "survives"),
        ("ppp", "sws", ("none",), "kills"),
        ("ppp", "www", ("raises",), "survives"),
        ("ppp", "---", ("stranger",), "kills"),
        ("ppp", "ppp", (), "passes"),
        ("ppp", "ssp", (), "flaky"),
        ("ppp", "ssk", (), "flaky"),
        ("ppp", "kkk", (), "skipped"),
        ("pps", "sss", (), "flaky"),
        ("pp-", "sss", (), "flaky"),
        ("sss", "sss", (), "fails"),
        ("kkk", "sss", (), "skipped"),
        ("kks", "sss", (), "fails"),
    ],
)
def test_each_time_with_it_and_never_without_it(head, base, kills, expected):
    assert state(head, base, kills) == expected


def judged(head, base, standing="new"):
    return Judged(Looked(head=runs(**head), base=runs(**base), standings=dict.fromkeys(base, standing)))


def test_the_list_is_one_for_all_services():
    """Each plan runs its own tests; a name on the list may be in either, and each answer is about all of it."""
    cart, order = judged({"a": "ppp"}, {"a": "sss"}), judged({"b": "ppp"}, {"b": "ppp"}, "changed")
    named = behaviours(["a", "b"], [cart, order])
    assert [one.problem for one in named] == ["", "passes without the change"]
    for mine in (cart, order):
        found = outcome(mine, named, (), everywhere=[cart, order])
        assert (found.verdict, found.bites) == ("passed", False)
    missing = behaviours(["a", "c"], [cart])
    assert outcome(cart, missing, (), everywhere=[cart]).verdict == "failed"


def test_without_a_list_one_test_must_bite():
    good, idle = judged({"a": "ppp"}, {"a": "sss"}), judged({"a": "ppp"}, {"a": "ppp"}, "changed")
    assert outcome(good, (), (), everywhere=[good]).bites
    assert not outcome(idle, (), (), everywhere=[idle]).bites


def test_a_new_test_that_needs_no_change_must_be_declared():
    rows = [*judged({"a": "ppp", "b": "ppp"}, {"a": "ppp", "b": "sss"}).rows.values()]
    assert [row.test for row in undeclared(rows, ())] == ["a"]
    assert undeclared(rows, ["a"]) == ()


def test_a_new_test_that_looks_at_nothing_is_refused_beside_one_that_bites_and_an_unclear_one_is_named():
    looked = Looked(
        head=runs(bites="ppp", looks_away="ppp", stood_in="ppp", unclear="ppp", edited="ppp"),
        base=runs(bites="sss", looks_away="www", stood_in="www", unclear="www", edited="ppp"),
        standings={"bites": "new", "looks_away": "new", "stood_in": "new", "unclear": "new", "edited": "changed"},
        kills={"looks_away": frozenset({"raises"})},
        stood_in={"stood_in": "idle"},
        mutants=2,
    )
    mine = Judged(looked)
    named = behaviours(["bites"], [mine])
    found = outcome(mine, named, (), everywhere=[mine])
    assert (found.verdict, found.bites) == ("passed", False)
    assert {row.test for row in found.idle} == {"looks_away", "stood_in"}
    assert {row.test for row in found.unexplained} == {"looks_away", "stood_in", "unclear", "edited"}
    said = predicate(found, Listed())
    assert sorted(said["unexplained_tests"]) == ["edited", "looks_away", "stood_in", "unclear"]
    assert sorted(said["idle_tests"]) == ["looks_away", "stood_in"]
    explained = outcome(mine, named, ("looks_away", "stood_in"), everywhere=[mine])
    assert (explained.bites, [row.test for row in explained.unexplained]) == (True, ["edited", "unclear"])


def test_a_predicate_has_room_for_what_policy_reads_and_counts_the_rest():
    names = [f"tests/test_{number}.py::test_{'x' * 200}[{number}]" for number in range(3_000)]
    mine = judged(dict.fromkeys(names, "ppp"), dict.fromkeys(names, "ppp"))
    wanted = names[-1]
    named = behaviours([wanted], [mine])
    found = predicate(outcome(mine, named, (), everywhere=[mine]), Listed())
    assert len(canonical(found)) < MAX_OWN - 4_096
    assert found["passed_tests"][0] == wanted
    assert found["counts"]["looked_at"] == 3_000
    assert found["left_out"]["tests"] == 3_000 - len(found["tests"]) > 0
    assert found["left_out"]["idle_tests"] == 3_000 - len(found["idle_tests"]) > 0


@pytest.mark.parametrize(
    ("test", "name"),
    [
        ("tests/test_a.py::TestA::test_x[1]", "test_x"),
        ("tests/test_a.py::TestA::test_x[1]", "tests/test_a.py::TestA::test_x"),
        ("tests/test_a.py::TestA::test_x[a::b]", "tests/test_a.py::TestA::test_x[a::b]"),
        ("tests/test_a.py::testing::test_x", "tests/test_a.py::testing"),
        ("tests/test_a.py::test_x", "tests/test_a.py"),
        ("tests/test_a.py::test_x", "tests.test_a::test_x"),
        ("shop.CartTest::pays", "pays"),
    ],
)
def test_a_test_is_known_by_every_name_people_use(test, name):
    assert name in spelled(test)


JUNIT = """<testsuite>
<testcase classname="shop" name="a"/>
<testcase classname="shop" name="b"><failure type="AssertionError" message="1 != 2&#10;more">x</failure></testcase>
<testcase classname="shop" name="c"><error type="ModuleNotFoundError" message="no promise"/></testcase>
<testcase classname="shop" name="d"><failure message="AttributeError: window"/></testcase>
<testcase classname="shop" name="e"><skipped/></testcase>
</testsuite>"""


def test_another_runner_tells_by_its_report():
    found = from_junit(read_junit(JUNIT.encode()).cases).results
    assert {name.removeprefix("shop::"): one.outcome for name, one in found.items()} == {
        "a": "passed", "b": "strong", "c": "weak", "d": "weak", "e": "skipped",
    }  # fmt: skip
    assert found["shop::b"].said == "AssertionError: 1 != 2"


@pytest.mark.parametrize(
    "said",
    [
        "TypeError: window is not a function",
        "TypeError: shop.window is not a function",
        "TypeError: shop.Window is not a constructor",
        "TypeError: Cannot read properties of undefined (reading 'window')",
        "ReferenceError: window is not defined",
        "SyntaxError: The requested module './shop.js' does not provide an export named 'window'",
        "Error: Cannot find module './window'",
        "NoMethodError: undefined method `window' for Shop:Module",
        "undefined local variable or method 'window'",
        "NameError: uninitialized constant Shop::Window",
        "Error: Call to undefined function window()",
        "Error: Call to undefined method Shop::window()",
        'Error: Class "Window" not found',
        "Error: Undefined constant WINDOW",
        "error TS2305: Module './shop' has no exported member 'window'.",
        "error TS2339: Property 'window' does not exist on type 'Shop'.",
        "java.lang.NoSuchMethodError: shop.window()",
        "java.lang.NoSuchFieldError: WINDOW",
        "java.lang.NoClassDefFoundError: shop/Window",
        "java.lang.ClassNotFoundException: shop.Window",
        "error: cannot find symbol",
        "./shop_test.go:9:2: undefined: Window",
        "shop.Window undefined (type Shop has no field or method Window)",
        "error[E0425]: cannot find function `window` in this scope",
        "error CS0103: The name 'Window' does not exist in the current context",
        "System.MissingMethodException: Method not found",
        "function Shop.window/1 is undefined or private",
    ],
)
def test_a_symbol_that_is_missing_is_weak_in_any_runners_words(said):
    found = from_junit([Case(where="shop", name="t", outcome="failed", said=said)])
    assert found.results["shop::t"].outcome == "weak"


@pytest.mark.parametrize(
    "said",
    [
        "expected 3 to equal 2",
        "AssertionError: expected undefined to equal 3",
        "org.opentest4j.AssertionFailedError: expected: <2> but was: <3>",
        "Failed asserting that 3 matches expected 2.",
        "promise_test.go:9: got 3, want 2",
    ],
)
def test_an_answer_that_is_wrong_is_strong_in_any_runners_words(said):
    found = from_junit([Case(where="shop", name="t", outcome="failed", said=said)])
    assert found.results["shop::t"].outcome == "strong"


def test_what_cannot_be_looked_at_further_does_not_bite_and_says_so():
    mine = judged({"a": "ppp"}, {"a": "www"})
    (row,) = mine.rows.values()
    assert (row.state, outcome(mine, (), (), everywhere=[mine]).bites) == ("survives", False)
    assert row.why == "it fails for want of a symbol, and nothing here can be replaced to look further"


@pytest.mark.parametrize(
    ("base", "stands", "kills", "expected"),
    [
        ("sss", "idle", ("none",), "survives"),
        ("www", "idle", ("none",), "survives"),
        ("sss", "looks", (), "bites"),
        ("sss", "unclear", (), "survives"),
        ("sss", "unclear", ("none",), "kills"),
        ("www", "looks", (), "survives"),
        ("www", "looks", ("none",), "kills"),
    ],
)
def test_what_the_old_code_with_stand_ins_says(base, stands, kills, expected):
    looked = Looked(
        head=runs(t="ppp"),
        base=runs(t=base),
        standings={"t": "new"},
        kills={"t": frozenset(kills)},
        stood_in={"t": stands},
        mutants=1,
    )
    assert Judged(looked).rows["t"].state == expected


@pytest.mark.parametrize(
    "line", ["[]", '{"kind": "song"}', '{"kind": "test", "outcome": "fine"}', '{"kind": "test", "id": 1}']
)
def test_what_is_no_report_makes_the_run_unreadable(line):
    with pytest.raises(InvalidInput, match="reports of tests") as refused:
        read_witness(line.encode(), root="/copy")
    assert refused.value.code == "witness-unreadable"


def test_modules_are_known_by_their_folders():
    paths = ["src/shop/__init__.py", "src/shop/promise.py", "tools/make.py", "src/bad-name.py", "README.md"]
    names = module_names(paths, ("src", "."))
    assert names == ("shop", "shop.promise", "src.shop", "src.shop.promise", "tools.make")
    origins = {"shop": "/copy/src/shop/__init__.py", "shop.promise": "/copy-of/site/promise.py"}
    assert from_elsewhere(origins, "/copy") == (("shop.promise", "/copy-of/site/promise.py"),)


PATCH = b"""\
diff --git a/src/a.py b/src/a.py
--- a/src/a.py
+++ b/src/a.py
@@ -1 +1,2 @@
-x
+y
+z
@@ -9,2 +10,0 @@
-gone
"""


def test_covered_lines_are_those_of_the_change_that_can_be_run():
    assert changed_lines(PATCH) == {"src/a.py": {1, 2}}
    report = b'{"files": {"src/a.py": {"executed_lines": [1, 7], "missing_lines": [2, 3]}}}'
    found = covered(report, changed_lines(PATCH))
    assert (found.lines, found.run) == (2, 1)
