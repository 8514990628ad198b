"""The screens of ``interlock rollback``: what is so now, what was done, what is left, and where it is written."""

from __future__ import annotations

import shlex
from typing import Any

from interlock.core.rollout.phrases import to_zero
from interlock.doors.cli.screens.columns import MARGIN, Row, label, table
from interlock.doors.cli.screens.rollout import screen
from interlock.doors.cli.screens.rollout_bars import span
from interlock.doors.cli.screens.rollout_words import badge
from interlock.doors.cli.text import paint, safe, short, width, wrap
from interlock.road.go_back import UNSERVED

Told = dict[str, Any]


def server(shown: Told) -> list[str]:
    """Done by the server: its rollout as it ended."""
    return screen(shown)


def local(done: Told) -> list[str]:
    """Done here; what the ledger says of it comes after."""
    journal = done["journal"]
    lines = _head("BACK" if journal["ok"] else "FAIL", _answer(done))
    lines += _told("now", _stands(done["other"])) if done["other"] else _told("", _about(done["local"]))
    lines += table(
        "done", [Row(met=one["ok"], text=_named(one["name"]), remedy=safe(one["said"])) for one in journal["acts"]]
    )
    lines += _left(done)
    for note in done["notes"]:
        lines += _told("note", safe(note))
    return lines


def ledger(done: Told) -> list[str]:
    """Whether the ledger knows of it, and where that leaves the rollout on record."""
    record = done.get("ended")
    if not record:
        return _told("ledger", _ledger(done))
    open_still = "" if record["ended_at"] else "; a worker closes it: interlock serve"
    return _told("ledger", _ledger(done)) + _told("now", _stands(record) + open_still)


def planned(found: Told) -> list[str]:
    """Only shown."""
    record, rollout = found["local"], found["rollout"]
    if record is None:
        return _planned_elsewhere(found, rollout)
    weight = "nobody can say what it serves now" if found["weight"] is None else f"{found['weight']:g} % now"
    if found["said"]:
        weight += f" ({safe(found['said'])})"
    lines = _head("WAIT", f"nothing was touched; going back from {safe(record['service'])} would do this")
    lines += _told("", _about(record))
    lines += _told("now", _stands(rollout)) if rollout else []
    lines += _told("weight", f"to 0 % at {safe(record['router']['kind'])}, {weight}")
    for place, step in enumerate(record["rollback"]):
        lines += _told("steps" if place == 0 else "", f"{safe(step['name'])}: {_command(step['run'])}")
        lines += _told("", f"seen by {_command(step['verify'])}")
    for note in found["notes"]:
        lines += _told("note", safe(note))
    where = "" if record["environment"] == "production" else f" --environment {safe(record['environment'])}"
    return lines + _told("to type", f"interlock rollback {safe(record['service'])}{where}")


def _planned_elsewhere(found: Told, rollout: Told) -> list[str]:
    """Of a rollout of which this machine has kept nothing: whoever moves it knows its steps."""
    service = safe(rollout["service"])
    lines = _head("WAIT", f"nothing was touched; going back from {service} would end {safe(rollout['id'])}")
    lines += _told("", f"{safe(rollout['change'])} {short(rollout['digest'])} → {safe(rollout['environment'])}")
    lines += _told("now", _stands(rollout))
    lines += _told("steps", "weight 0 %, then the rollback steps of its plan, each verified")
    for note in found["notes"]:
        lines += _told("note", safe(note))
    where = "" if rollout["environment"] == "production" else f" --environment {safe(rollout['environment'])}"
    command = (
        f"interlock rollback {service}{where}"
        if found["by_server"]
        else f"interlock rollout abort {rollout['id']}"
    )
    return lines + _told("to type", command)


def _stands(rollout: Told) -> str:
    """Where the rollout on record is."""
    held = f", {safe(rollout['hold'])}" if rollout["hold"] else ""
    quiet = ", no traffic has moved yet" if rollout["state"] == "starting" and not rollout["weight"] else ""
    return f"{safe(rollout['id'])} is {safe(rollout['state'])}{held}: {rollout['weight']:g} % served{quiet}"


def _answer(done: Told) -> str:
    journal = done["journal"]
    place = f"{safe(journal['service'])} in {safe(journal['environment'])}"
    before = "" if journal["before"] is None else f", it was {journal['before']:g} %"
    if journal["acts"][0]["ok"]:
        seen = f"{place}: 0 % read back after {span(done['seconds'])}"
        if done["other"]:
            return f"{seen}{before}; its steps were not run here"
        return f"{seen}{before}" if journal["ok"] else f"{seen}{before}; not everything else is back"
    if _unserved(done):
        return f"{place}: its flag was not moved, which only interlock's server can do"
    return f"{place}: nobody can say that its traffic is back"


def _unserved(done: Told) -> bool:
    """Whether interlock itself is the router, and not here."""
    return str(done["journal"]["acts"][0]["said"]).startswith(UNSERVED)


def _about(record: Told) -> str:
    to = f" to {short(record['previous'])}" if record["previous"] else ""
    written = f"{record['written_at'][:16].replace('T', ' ')} UTC"
    return f"from {safe(record['change'])} {short(record['digest'])}{to}, by the local record of {written}"


def _left(done: Told) -> list[str]:
    """What a person must do now, as commands."""
    journal = done["journal"]
    if journal["ok"]:
        return []
    lines = []
    if _unserved(done):
        where = "" if journal["environment"] == "production" else f" --environment {safe(journal['environment'])}"
        lines += _told("to type", f"interlock rollback {safe(journal['service'])}{where}")
        lines += _told(
            "",
            "with INTERLOCK_SERVER set, since that server moves the flag; where none runs: interlock serve. Until "
            "one runs, who asks for the flag gets the default in the application's own code",
        )
    elif not journal["acts"][0]["ok"]:
        router = done["local"]["router"]
        argv = to_zero(router["kind"], router["settings"])
        where = "" if argv else f" at {safe(router['kind'])}"
        lines += _told("by hand", f"set weight 0{where}, or stop the canary")
        lines += [" " * MARGIN + _command(argv)] if argv else []
    for step in done["left"]:
        lines += [" " * MARGIN + _command(step["run"])]
    if lines and done["left"] and journal["acts"][0]["ok"]:
        lines[0] = label("by hand") + lines[0][MARGIN:]
    return lines


def _ledger(done: Told) -> str:
    journal, other = done["journal"], done["other"]
    if done["entry"] is not None and other:
        told = f"told as #{done['entry']}, by {safe(journal['by'])}"
        return f"{told}: whoever moves {safe(other['id'])} goes back with it"
    if other:
        return (
            f"not reached: {safe(other['id'])} may go on until it is told. Go back where its worker runs, "
            f"or again once somebody answers"
        )
    if done["entry"] is not None:
        return f"told as #{done['entry']}, by {safe(journal['by'])}"
    return f"not reached: the next command that reaches it tells it of {safe(journal['id'])}"


def _named(name: str) -> str:
    return "weight 0 %" if name == "weight" else safe(name)


def _command(words: list[str]) -> str:
    return safe(shlex.join(words))


def _head(word: str, text: str) -> list[str]:
    first, *rest = wrap(text, width() - MARGIN)
    indent = " " * (MARGIN - len(word) - 2)
    return [
        f"{badge(word)}{indent}{paint(first, bold=True)}",
        *(" " * MARGIN + paint(one, bold=True) for one in rest),
    ]


def _told(word: str, text: str) -> list[str]:
    first, *rest = wrap(text, width() - MARGIN)
    return [label(word) + first, *(" " * MARGIN + line for line in rest)]
