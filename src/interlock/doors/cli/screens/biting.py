"""The screen of tests: which of them need the change, which do not, and what is missing of the person's list."""

from __future__ import annotations

from typing import Any

from interlock.doors.cli.screens.columns import Row, table, told
from interlock.doors.cli.screens.rehearsal import evidence_lines
from interlock.doors.cli.text import plural, safe

Told = dict[str, Any]
SHOWN = 8
_SAYS = {
    "bites": "fails without the change",
    "kills": "fails without the change for want of a symbol, and on a mutant of it",
    "survives": "does not depend on what is new",
    "apart": "fails without the change, and reaches nothing of the change",
    "passes": "passes without the change",
    "flaky": "does not end alike each time",
    "fails": "does not pass",
    "skipped": "is skipped",
}
_HIDDEN = "ran on the old code, is still there and is not run: run it, or take it out of its file"
_MARKS = {"bites": True, "kills": True, "passes": None, "skipped": None}


def bitten(done: Told) -> list[str]:
    """One service's tests, with what became of it as evidence."""
    if done["verdict"] == "undecidable":
        answer = f"{safe(done['service'])}: whether the tests bite cannot be decided here"
        return [*told("UNKNOWN", answer, "yellow"), *told("why", safe(done["fault"])), *evidence_lines(done)]
    word, colour = ("BITES", "green") if done["good"] else ("REFUSED", "red")
    lines = told(word, _answer(done), colour)
    lines += table("list", [_behaviour(each) for each in done["behaviours"][:SHOWN]])
    lines += _more(done["counts"]["behaviours"] - SHOWN)
    lines += table("tests", [_test(each, done) for each in done["tests"][:SHOWN]])
    lines += _more(done["counts"]["looked_at"] - SHOWN)
    lines += _others(done)
    lines += _hidden(done)
    lines += told("changed", _covered(done["coverage"]))
    lines += _unseen(done["counts"]["unseen"])
    if not done["listed_first"]:
        lines += told(
            "doubt", "no person listed these tests before the code: who wrote the code may have chosen them"
        )
    return lines + evidence_lines(done)


def _answer(done: Told) -> str:
    counts, service = done["counts"], safe(done["service"])
    total = f"{counts['passed']} of {plural(counts['total'], 'test')} passed"
    biting = counts["bites"] + counts["kills"]
    if done["good"]:
        return f"{service}: {total}; {_failing(biting, counts['looked_at'])}"
    if counts["hidden"]:
        verb = "runs" if counts["hidden"] == 1 else "run"
        return f"{service}: {total}, and {plural(counts['hidden'], 'test')} from before no longer {verb}"
    if done["verdict"] != "passed":
        return f"{service}: {total}, and that is not enough"
    if not counts["looked_at"]:
        return f"{service}: {total}, none of them new, changed or listed"
    if counts["idle"]:
        verb = "shows" if counts["idle"] == 1 else "show"
        return f"{service}: {total}, of which {plural(counts['idle'], 'new one')} {verb} nothing of the change"
    return f"{service}: {total}; what was listed would pass without the change"


def _behaviour(one: Told) -> Row:
    return Row(met=not one["problem"], text=safe(one["name"]), remedy=safe(one["problem"] or _by(one)))


def _by(one: Told) -> str:
    return _failing(len(one["biting"]), one["tests"])


def _failing(count: int, total: int) -> str:
    return f"{count} of {plural(total, 'test')} {'fails' if count == 1 else 'fail'} without the change"


def _test(one: Told, done: Told) -> Row:
    state = one["state"]
    met: bool | None = _MARKS.get(state, False)
    if one["test"] in done["idle_tests"]:
        need = "passes without the change" if state == "passes" else f"shows nothing of it ({safe(one['why'])})"
        do = "test what the change does" if state == "apart" else "make it fail there"
        said = f"is new and {need}: {do}, or list it under `characterisation`"
        return Row(met=False, text=safe(one["test"]), remedy=said)
    why = f" ({safe(one['why'])})" if one["why"] and state in {"flaky", "fails", "skipped", "survives"} else ""
    times = f" ({one['passed']} passed with it, {one['failed']} failed without it)" if state == "flaky" else why
    return Row(met=met, text=safe(one["test"]), remedy=f"{_SAYS[state]}{times}")


def _others(done: Told) -> list[str]:
    """What failed and is in neither table."""
    named = {one["test"] for one in done["tests"]}
    others = [test for test in done["failed_tests"] if test not in named]
    lines = told("failed", ", ".join(safe(test) for test in others[:SHOWN])) if others else []
    return lines + _more(len(others) - SHOWN)


def _hidden(done: Told) -> list[str]:
    """What ran before, is still there, and did not run now."""
    rows = [Row(met=False, text=safe(test), remedy=_HIDDEN) for test in done["hidden_tests"][:SHOWN]]
    return table("hidden", rows) + _more(done["counts"]["hidden"] - SHOWN)


def _unseen(count: int) -> list[str]:
    if not count:
        return []
    whether = "whether it reaches the change" if count == 1 else "whether they reach the change"
    return told(
        "doubt",
        f"of {plural(count, 'test')} that {'fails' if count == 1 else 'fail'} without the change"
        f" nobody sees {whether}",
    )


def _more(count: int) -> list[str]:
    return told("", f"and {count} more") if count > 0 else []


def _covered(one: Told) -> str:
    if one["why"]:
        return f"lines reached were not counted: {safe(one['why'])}"
    return f"{one['run']} of {plural(one['lines'], 'line')} reached by these tests, which proves nothing"
