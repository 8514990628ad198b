"""The screen of findings by provenance: the answer first, with how sure it is, then the counts."""

from __future__ import annotations

from typing import Any

from interlock.doors.cli.screens.columns import label, told
from interlock.doors.cli.text import pad, paint, plural, safe

Told = dict[str, Any]
_COLUMNS = (18, 9, 14, 12, 10)
_HEAD = ("provenance", "changes", "with findings", "added lines", "findings")


def shown(done: Told) -> list[str]:
    """The whole report."""
    count = done["count"]
    lines = told("ratio", _answer(count))
    if count["changes"]:
        lines.append(label("") + paint("".join(map(pad, _HEAD, _COLUMNS)) + "per 1,000 lines", bold=True))
    lines += [label("") + _row(one) for one in count["kinds"] if one["changes"]]
    lines += told("counted", _counted(done))
    if any(one["provenance"] in {"unknown", "human"} and one["changes"] for one in count["kinds"]):
        lines += told("human", "is what its author declared and nothing contradicts; unknown bears no mark of AI")
    return lines


def _answer(count: Told) -> str:
    if not count["changes"]:
        return (
            "nothing to count: no change on record was scanned by a trusted runner (interlock evidence run scan)"
        )
    by_lines, by_changes = count["by_lines"], count["by_changes"]
    if by_lines is None:
        return "none: no finding in either, or all changes are of one kind"
    if not by_lines["enough"]:
        return f"too few to say: {_ratio(by_lines, 'findings per added line')}"
    sure = by_changes is not None and by_changes["enough"] and _differs(by_changes)
    words = "the changes differ" if sure else "not shown to differ, for findings come together in changes"
    return (
        f"{_ratio(by_lines, 'findings per added line')}; {_ratio(by_changes, 'changes with a finding')}: {words}"
    )


def _ratio(one: Told, what: str) -> str:
    value = "no bound" if one["ratio"] is None else f"{one['ratio']:.2g} times"
    high = "∞" if one["high"] is None else f"{one['high']:.2g}"
    return f"AI to others {value} as many {what} ({one['low']:.2g} to {high}, {one['confidence']:.0%})"


def _differs(one: Told) -> bool:
    return bool(one["low"] > 1 or (one["high"] is not None and one["high"] < 1))


def _row(one: Told) -> str:
    numbers = (one["changes"], one["with_findings"], one["lines"], one["findings"])
    rate = "–" if one["per_thousand"] is None else f"{one['per_thousand']:.2f}"
    cells = (safe(one["provenance"]), *(f"{number:,}" for number in numbers))
    return "".join(map(pad, cells, _COLUMNS)) + rate


def _counted(done: Told) -> str:
    count = done["count"]
    words = [f"{plural(count['changes'], 'change')} since {done['since'][:10]}"]
    if count["unscanned"]:
        words.append(f"{count['unscanned']:,} more have no scan by a trusted runner")
    if count["unread"]:
        words.append(f"{count['unread']:,} cannot be read")
    if done["cut"]:
        words.append("older ones are left out")
    return " · ".join(words)
