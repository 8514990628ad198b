"""Rollouts in words: what stands in the way, one line each in a list, one screen for one."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

from interlock.core.change.errors import InvalidInput
from interlock.core.judge.told import rose
from interlock.core.rollout.phrases import amount
from interlock.doors.cli.screens.rollout import moment
from interlock.doors.cli.screens.rollout_bars import odds, span
from interlock.doors.cli.screens.rollout_blind import seconds_between, unjudged, ways_on
from interlock.doors.cli.screens.rollout_words import alone
from interlock.doors.cli.text import columns, safe, short, width, wrap

Told = dict[str, Any]
OLD_SECONDS = 10.0
"""From how many seconds on it is said that what the judge told is of then."""

_UNDER_WAY = re.compile(r"got `(rol-[a-z0-9]+)`")
_ID = re.compile(r"tkt-[a-z0-9-]{1,60}")


def named_ticket(given: str) -> str:
    """The ticket's id: as given, or of the file that the gate wrote.

    Raises:
        InvalidInput: ``ticket-file-missing`` for what is neither, and what is wrong with a file that is no ticket.
    """
    if not Path(given).is_file():
        if not _ID.fullmatch(given):
            raise InvalidInput(
                f"expected a ticket's id, or its file, got `{given}`, {_no_file(given)}",
                code="ticket-file-missing",
                hint="interlock gate CHANGE --ticket-file FILE writes one; an id looks like tkt-7f3akq2m2a",
            )
        return given
    from interlock.core.ticket.model import MAX_TICKET  # noqa: PLC0415  # an id needs no cryptography
    from interlock.core.ticket.read import read_ticket  # noqa: PLC0415  # likewise
    from interlock.doors.cli.files import read_bytes  # noqa: PLC0415  # likewise

    return read_ticket(read_bytes(given, limit=MAX_TICKET)).ticket.id


def _no_file(given: str) -> str:
    return "which is a folder" if given and Path(given).is_dir() else "which is not there"


def under_way(found: list[Told]) -> str:
    """The rollout that stands in the way, by its id; empty where none does."""
    named = [_UNDER_WAY.search(each["text"]) for each in found if each["code"] == "rollout-under-way"]
    return next((each[1] for each in named if each), "")


def obstacles(found: list[Told], own: str = "") -> list[str]:
    """Everything that stands in the way, with what to do; another rollout first, because the rest follows from it.

    ``own`` is the rollout under way that has this very ticket: then nothing is wrong with the ticket, and no new
    one is to be asked for.
    """
    found = sorted(found, key=lambda each: each["code"] != "rollout-under-way")
    if own:
        told = {
            "rollout-under-way": f"it has begun already: interlock rollout watch {own}",
            "ticket-used": f"by `{own}` itself: no new ticket is needed",
        }
        found = [{**each, "hint": told.get(each["code"], each["hint"])} for each in found]
    lines = [f"refused  {len(found)} {'thing stands' if len(found) == 1 else 'things stand'} in the way"]
    for each in found:
        place = f"{each['path']}:{each['line']}" if each["path"] and each["line"] else ""
        place = f"  {safe(place)}" if place and f"{place}`" not in each["text"] else ""
        lines += [f"  ✗ {safe(each['text'])}  [{each['code']}]{place}", f"      {safe(each['hint'])}"]
    return lines


def started(begun: Told, *, waits: bool, server: str | None) -> list[str]:
    """That it began, and what to type next; nothing where the command goes on with it itself."""
    first = f"started {begun['id']}  {safe(begun['service'])} → {safe(begun['environment'])}"
    if waits:
        return [first]
    if server is None:
        return [first, f"  move it: interlock rollout run {begun['id']}"]
    return [first, f"  watch it: interlock rollout watch {begun['id']}"]


def none_listed(service: str | None, environment: str | None, state: str | None, near: str) -> str:
    """That nothing is there, of what was asked for; ``near`` is what may have been meant."""
    of = f" of `{safe(service)}`" if service else ""
    where = f" in `{safe(environment)}`" if environment else ""
    such = f" that is `{safe(state)}`" if state else ""
    return f"no rollout{of}{where}{such}{safe(near)}" + ("" if of or where or such else " yet")


def shown(found: Told) -> list[str]:
    """One rollout on one screen."""
    record = found["record"]
    held = f", {record['hold']}" if record["hold"] else ""
    stages = found["stages"]
    where = f"{safe(record['service'])} {short(record['digest'])} → {safe(record['environment'])}"
    stage = f"stage {min(record['stage'] + 1, len(stages))} of {len(stages)}"
    evidence = f"baked {record['baked']:.0f} s  evidence {odds(record['log_e'])} for harm"
    lines = [
        f"{record['id']}  {where}  {record['state']}{held}",
        f"  change {record['change']}  ticket {record['ticket']}  by {safe(record['started_by'])}",
        f"  {stage}  {record['weight']:g} % served  {evidence}",
    ]
    if unjudged(found):
        lines += [f"  {unjudged(found)}", *(f"    {why}: {command}" for command, why in ways_on(found))]
    texts = (_reason(record), _judge(found), alone(found), found["advice"])
    lines += [f"  {safe(text)}" for text in texts if text]
    lines += [_signed(each) for each in record.get("widenings", ())]
    if record["harm"]:
        harm = record["harm"]
        seconds = "" if harm["seconds"] is None else f", in {harm['seconds']:.1f} s"
        gone = amount(harm["lost"], safe(harm["metric"]), more=rose(harm["at_least"]))
        lines.append(f"  lost about {gone} by the judge's estimate, also after the verdict{seconds}")
    if record["ended_at"]:
        lines.append(f"  over since {record['ended_at'][:19].replace('T', ' ')} UTC")
    lines += [_effect(each) for each in found["effects"][-12:]]
    return lines


def _reason(record: Told) -> str:
    """Why it is held or goes back; a person's words say whose kind they are."""
    paused = record["hold"] == "paused" and record["why"]
    return f"paused: {record['why']}" if paused else str(record["why"])


def _signed(each: Told) -> str:
    """Who answered for what was not ruled out."""
    where = f"to {each['stage']}, {each['percent']} %"
    return safe(
        f"  {where} by {each['by']}, signed {each['statement']} ({each['presence']}): {each['not_ruled_out']}"
        f" · {each['why']}"
    )


def _judge(found: Told) -> str:
    """What the judge says now; what is older is told with its moment, and nothing of a stage that is over."""
    record, verdict, seen = found["record"], found["verdict"], found["seen_at"]
    distrusted = verdict is not None and verdict["kind"] == "untrusted"
    if record["ended_at"] or record["state"] == "returning" or (record["alone"] and not distrusted):
        return ""
    if verdict is None or not seen:
        return str(record["told"])
    if record["stage_since"] and seconds_between(record["stage_since"], seen) < 0:
        return "nothing is counted in this stage yet"
    text = str(verdict["why"])
    if not text or text == record["why"]:
        return ""
    if record["hold"] == "no-pass":
        # Why it was held names an estimate too, which is of that moment.
        text = f"by what is counted now: {text}"
    age = seconds_between(seen, found["now"])
    return text if age < OLD_SECONDS else f"{text}, as of {moment(seen)}, {span(age)} ago"


def fitted(lines: list[str]) -> list[str]:
    """Broken at spaces where somebody looks, or said how wide it is; as they are where a log is written."""
    if not sys.stdout.isatty() and not os.environ.get("COLUMNS", "").isdecimal():
        return lines
    return [part for line in lines for part in _broken(line, width())]


def _broken(line: str, room: int) -> list[str]:
    if columns(line) <= room:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    first, *rest = wrap(line, room - len(indent))
    return [indent[2:] + first, *(indent + part for part in rest)]


def _effect(each: Told) -> str:
    marks = {"done": "✓", "failed": "✗", "intended": "·"}
    target = f"weight {each['target']} %" if each["kind"] == "weight" else safe(each["target"])
    return f"    {marks[each['state']]} {target:<24} {safe(each['said'])}".rstrip()
