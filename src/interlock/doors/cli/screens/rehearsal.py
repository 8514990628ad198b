"""The screens of a rehearsal: whether going back works, how long it takes, and what it leaves behind."""

from __future__ import annotations

from typing import Any

from interlock.core.rehearsal.outcome import UNRESTORED
from interlock.doors.cli.screens.columns import Row, table, told
from interlock.doors.cli.screens.migrations import migrations
from interlock.doors.cli.screens.rollout_bars import span
from interlock.doors.cli.text import plural, safe, short

Told = dict[str, Any]
SHOWN = 6


def rehearsed(done: Told) -> list[str]:
    """One rehearsal, with what became of it as evidence."""
    word, colour = _word(done)
    lines = told(word, _answer(done), colour)
    for number, one in enumerate(done.get("irreversible", [])):
        lines += told("ONE WAY" if number == 0 else "", _one_way(one))
    # What going back leaves is listed below, item by item.
    told_apart = [one for one in done["reasons"] if not (done["left"] and one.startswith(UNRESTORED))]
    for number, reason in enumerate(told_apart[:SHOWN]):
        lines += told("because" if number == 0 else "", safe(reason))
    lines += _items("changed", done["changed"], done["changed_count"])
    lines += _items("left", done["left"], done["left_count"])
    lines += migrations(done["measured"])
    lines += table("steps", [*_steps(done["applied"], "there"), *_steps(done["rolled_back"], "back")])
    return lines + evidence_lines(done)


def not_rehearsed(done: list[Told]) -> list[str]:
    """The services whose plans had nothing to go back from: nobody may take them for rehearsed."""
    tried = {one["service"] for one in done if not one.get("idle")}
    left = sorted({one["service"] for one in done} - tried)
    return [
        line
        for name in left
        for line in told(
            "doubt", f"nothing of this change was rehearsed for {safe(name)}: no plan has a step for it"
        )
    ]


def _one_way(one: Told) -> str:
    return f"nobody can take back {safe(one['member'])}: {safe(one['because'])}"


def brought_back(found: list[Told]) -> list[str]:
    """What was half-way."""
    if not found:
        return ["nothing is half-way: no rehearsal was left before it was over, here or on record"]
    lines: list[str] = []
    for one in found:
        about = f"{safe(one['run'])} by {safe(one['change'])} in {safe(one['environment'])}"
        if one["ended"] == "accepted":
            lines += told("CLOSED", f"{about}: what is there is taken for what should be")
        elif one["ended"] in _ON_RECORD:
            lines += _without_journal(one, about)
        elif not one["left"]:
            lines += told("BACK", f"{about}: every probe sees what it saw before")
        else:
            lines += told("DIRTY", f"{about}: {plural(len(one['left']), 'thing')} not as before")
            lines += _items("left", one["left"], len(one["left"]))
            again = f"interlock evidence recover {safe(one['environment'])}"
            lines += told(
                "next", f"put it right by hand, then: {again} (with --accept where it is as it should be)"
            )
    return lines


_ON_RECORD = {
    "running": "it goes on, says the record",
    "unknown": "it goes on, says the record, and its journal is not here",
    "lost": "nobody said how it ended",
}


def _without_journal(one: Told, about: str) -> list[str]:
    """A run that only the record knows of."""
    since, until = (one[each][:16].replace("T", " ") for each in ("began", "until"))
    where = f"on {safe(one['host'])} since {since} UTC, until {until} UTC at most"
    if one["ended"] == "running":
        return told("RUNS", f"{about}: {_ON_RECORD['running']}, {where}")
    lines = told("DIRTY", f"{about}: {_ON_RECORD[one['ended']]}; {where}")
    place = safe(one["environment"])
    return lines + told(
        "next",
        f"interlock evidence recover in the checkout on {safe(one['host'])} that has its journal; where that is "
        f"lost, look at {place} by hand, then: interlock evidence recover {place} --accept",
    )


def _word(done: Told) -> tuple[str, str]:
    if done["verdict"] == "undecidable":
        return "UNKNOWN", "yellow"
    if done["verdict"] != "passed":
        return "FAIL", "red"
    if done.get("idle"):
        return "NOTHING", "yellow"
    return ("BACK", "green") if done["good"] else ("LATE", "red")


def _answer(done: Told) -> str:
    place = f"{safe(done['service'])} in {safe(done['environment'])}"
    took = f"{span(done['seconds'])} of at most {span(done['objective_seconds'])}"
    if done["verdict"] == "undecidable":
        return f"{place}: whether going back works cannot be decided here"
    if done.get("idle"):
        return f"{place}: nothing to go back from by this plan ({safe(done['idle'])})"
    if done["verdict"] != "passed":
        if not done["whole"]:
            return f"{place}: the change could not be applied, so going back from it is not shown"
        return f"{place}: going back was tried and does not hold, in {took}"
    if not done["good"]:
        return f"{place}: going back works and takes {took}: {span(done['late_seconds'])} too long"
    return f"{place}: every probe sees what it saw before, after {took}"


def _items(word: str, items: list[str], count: int) -> list[str]:
    lines: list[str] = []
    for number, item in enumerate(items[:SHOWN]):
        lines += told(word if number == 0 else "", safe(item))
    more = count - min(len(items), SHOWN)
    return lines + (told("", f"and {plural(more, 'more')}".replace("mores", "more")) if more else [])


def _steps(acted: list[Told], way: str) -> list[Row]:
    return [
        Row(
            met=one["ok"],
            text=f"{way}: {safe(one['name'])}",
            progress=span(one["seconds"]),
            remedy="" if one["ok"] else safe(one["said"]),
        )
        for one in acted
    ]


def evidence_lines(done: Told) -> list[str]:
    """What became of a producer's word."""
    handed = done["evidence"]
    if handed is None:
        if done.get("verdict") == "undecidable":
            return told("evidence", "none handed in: it would say nothing about the change")
        return told("evidence", "none handed in: nobody signed it (--key FILE or INTERLOCK_RUNNER_KEY)")
    kept = handed["kept"]
    if kept is None:
        again = f"interlock evidence add {safe(done['change'])} {safe(handed['file'])}"
        return told("evidence", f"signed and not handed in ({safe(handed['why'])}): {again}")
    runner = f"signed by {safe(kept['runner'])}" if kept["runner"] else f"does not count: {safe(kept['why'])}"
    about = f"about {short(kept['subject'])} · until {kept['expires_at'][:10]}"
    return told("evidence", f"{kept['id']} {kept['standing']} · {runner} · {about}")
