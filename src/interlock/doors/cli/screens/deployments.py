"""The screen of ``interlock report deployments``: who had what, where that stands, and what could not be found.

Rules:
1. The answer first: how many had all three. Then a line for each deployment, newest first; then each answer once,
   with its place and the deployments it is about.
2. *Unknown* has a sign of its own, so that nobody takes it for a no, or for a yes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from interlock.doors.cli.screens.columns import MARGIN, label
from interlock.doors.cli.text import columns, cut, fitting, pad, paint, plural, safe, width, wrap

Told = dict[str, Any]
QUESTIONS = (("rollback", "rollback tried"), ("canary", "canary"), ("alert", "business alert"))
SIGNS = {"yes": "✓", "no": "✗", "unknown": "?"}
_COLOURS = {"✓": "green", "✗": "red", "?": "yellow"}
FEW, MOST_NAME = 3, 24
NARROW, MOST_BY, LEAST_CELL, MOST_CELL = 78, 16, 10, 16


def screen(found: Told, *, wide: int | None = None) -> list[str]:
    """All of it."""
    room = wide or width()
    items = found["items"]
    lines = _labelled("looked", _headline(found), room, bold=True)
    if items:
        lines += ["", *_table(items, room), ""]
    for key, word in QUESTIONS:
        lines += _answers(word.partition(" ")[0] if key != "alert" else "alert", key, items, room)
    lines += _bottom(found, room)
    return lines


def _headline(found: Told) -> str:
    items, of = found["items"], f" of {safe(found['service'])}" if found["service"] else ""
    if not items:
        return f"no deployment{of} found, neither on record nor by a tag: nothing was audited"
    whole = sum(all(one["answers"][key]["said"] == "yes" for key, _ in QUESTIONS) for one in items)
    each = ", ".join(f"{word} {_yes(items, key)}" for key, word in QUESTIONS)
    unknown = sum(one["answers"][key]["said"] == "unknown" for one in items for key, _ in QUESTIONS)
    open_ = f" · {plural(unknown, 'answer')} unknown" if unknown else ""
    if len(items) == 1:
        return f"the last deployment{of} had {'' if whole else 'not '}all three ({each}){open_}"
    return f"{whole} of the last {len(items)}{of} had all three ({each}){open_}"


def _yes(items: list[Told], key: str) -> int:
    return sum(one["answers"][key]["said"] == "yes" for one in items)


def _table(items: list[Told], room: int) -> Iterator[str]:
    by = min(MOST_BY, max(columns(_by(one)) for one in items))
    longest = max(columns(safe(one["name"])) for one in items)
    # In a narrow terminal the name matters more than when it was and how it is known.
    beside = len("2026-03-05") + 2 + by + 2 if room >= NARROW else 0
    left = room - MARGIN - 2 - beside
    name = min(left - LEAST_CELL * len(QUESTIONS), longest)
    cell = min(MOST_CELL, (left - name) // len(QUESTIONS))
    words = [
        word if columns(word) < cell else word.split()[-1 if key == "alert" else 0] for key, word in QUESTIONS
    ]
    yield " " * (MARGIN + name + 2 + beside) + "".join(pad(word, cell) for word in words).rstrip()
    for one in items:
        facts = f"{one['at'][:10]}  {pad(_by(one), by)}  " if beside else ""
        cells = "".join(_cell(one["answers"][key]["said"], cell) for key, _ in QUESTIONS).rstrip()
        yield f"{' ' * MARGIN}{pad(safe(one['name']), name)}  {facts}{cells}"


def _by(one: Told) -> str:
    return safe("+".join(one["by"]))


def _cell(said: str, room: int) -> str:
    sign = SIGNS[said]
    return paint(sign, fg=_COLOURS[sign], bold=True) + pad(f" {said}", room - 1)


def _answers(word: str, key: str, items: list[Told], room: int) -> list[str]:
    """Each different answer once, in the order in which it first occurs."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for one in items:
        answer = one["answers"][key]
        places = answer["places"]
        more = f" and {len(places) - FEW} more" if len(places) > FEW else ""
        where = f"{', '.join(safe(each) for each in places[:FEW])}{more}"
        groups.setdefault((answer["said"], safe(answer["why"]), where), []).append(
            cut(safe(one["name"]), MOST_NAME)
        )
    lines: list[str] = []
    for (said, why, where), names in groups.items():
        whose = f" ({', '.join(names)})" if len(names) < len(items) else ""
        sign = SIGNS[said]
        inner = room - MARGIN - 2
        first, *rest = wrap(fitting(f"{why}{whose}", inner), inner)
        head = label(word if not lines else "")
        lines.append(f"{head}{paint(sign, fg=_COLOURS[sign], bold=True)} {first}")
        lines += [" " * (MARGIN + 2) + line for line in rest]
        shown = wrap(f"→ {fitting(where, inner - 2)}", inner) if where else ()
        lines += [" " * (MARGIN + 2) + line for line in shown]
    return lines


def _bottom(found: Told, room: int) -> Iterator[str]:
    items = found["items"]
    counted = next((one for one in items if one["counts"]), None)
    if counted:
        yield from _labelled(
            "read", f"at {cut(safe(counted['name']), MOST_NAME)}: {_counts(counted['counts'])}", room
        )
    missing = dict.fromkeys(safe(each) for one in items for each in one["missing"])
    if missing:
        yield from _labelled("not read", "; ".join(missing), room)
    git = found["git"]
    if git is None:
        yield from _labelled("tags", "no git repository here", room)
    else:
        left = ", ".join(f"{count} {why}" for why, count in git["left_out"].items())
        cut_off = "; a shallow clone: there may be more, git fetch --unshallow --tags" if git["shallow"] else ""
        none = "; name what was deployed: --at REV" if not items else ""
        yield from _labelled("tags", f"{git['tags']:,}{f', left out {left}' if left else ''}{cut_off}{none}", room)
    yield from _labelled("record", _record(found["record"]), room)


def _record(record: Told) -> str:
    if record["failed"]:
        return f"could not be asked: {safe(record['why'])}"
    if not record["asked"]:
        return "none here: interlock init, then every deployment answers for itself"
    return plural(record["found"], "deployment")


def _counts(counts: Told) -> str:
    found = [
        f"{plural(counts['files'], 'file')}, {counts['yaml']:,} YAML, {counts['ci']:,} CI",
        plural(counts["workloads"], "workload"),
        plural(counts["alerts"], "alert rule"),
    ]
    if counts["aside"]:
        found.append(f"{plural(counts['aside'], 'file')} among examples, tests or docs")
    return " · ".join(found)


def _labelled(word: str, text: str, room: int, *, bold: bool = False) -> list[str]:
    lines = wrap(fitting(text, room - MARGIN), room - MARGIN)
    painted = [paint(line, bold=True) if bold else line for line in lines]
    return [(label(word) if not place else " " * MARGIN) + cut(line, room) for place, line in enumerate(painted)]
