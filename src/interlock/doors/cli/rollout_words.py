"""Rollouts in words: what stands in the way, one line each in a list, one screen for one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from interlock.doors.cli.text import safe, short

Told = dict[str, Any]


def named_ticket(given: str) -> str:
    """The ticket's id: as given, or of the file that the gate wrote.

    Raises:
        InvalidInput: what was named is a file and no ticket.
    """
    if not Path(given).is_file():
        return given
    from interlock.core.ticket.model import MAX_TICKET  # noqa: PLC0415  # an id needs no cryptography
    from interlock.core.ticket.read import read_ticket  # noqa: PLC0415  # likewise
    from interlock.doors.cli.files import read_bytes  # noqa: PLC0415  # likewise

    return read_ticket(read_bytes(given, limit=MAX_TICKET)).ticket.id


def obstacles(found: list[Told]) -> list[str]:
    """Everything that stands in the way, with what to do."""
    lines = [f"refused  {len(found)} {'thing stands' if len(found) == 1 else 'things stand'} in the way"]
    for each in found:
        place = f"  {safe(each['path'])}:{each['line']}" if each["path"] and each["line"] else ""
        lines += [f"  ✗ {safe(each['text'])}  [{each['code']}]{place}", f"      {safe(each['hint'])}"]
    return lines


def row(item: Told) -> str:
    """One rollout in a list."""
    state = f"{item['state']}{', ' + item['hold'] if item['hold'] else ''}"
    because = f"  {item['cause']}" if item["cause"] else ""
    where = f"{safe(item['service'])} → {safe(item['environment'])}"
    return (
        f"{item['id']}  {where:<34}  {short(item['digest'])}  {state:<18} {item['weight']:>5g} %  "
        f"{item['started_at'][:16].replace('T', ' ')}{because}"
    )


def shown(found: Told) -> list[str]:
    """One rollout on one screen."""
    record = found["record"]
    held = f", {record['hold']}" if record["hold"] else ""
    stages = found["stages"]
    where = f"{safe(record['service'])} {short(record['digest'])} → {safe(record['environment'])}"
    stage = f"stage {min(record['stage'] + 1, len(stages))} of {len(stages)}"
    evidence = f"baked {record['baked']:.0f} s  log E {record['log_e']:.3f}"
    lines = [
        f"{record['id']}  {where}  {record['state']}{held}",
        f"  change {record['change']}  ticket {record['ticket']}  by {safe(record['started_by'])}",
        f"  {stage}  {record['weight']:g} % served  {evidence}",
    ]
    lines += [f"  {safe(text)}" for text in (record["why"], record["told"], found["advice"]) if text]
    if record["harm"]:
        harm = record["harm"]
        seconds = "" if harm["seconds"] is None else f" in {harm['seconds']:.1f} s"
        lines.append(f"  lost {harm['lost']:.1f} {safe(harm['metric'])}{seconds}")
    lines += [_effect(each) for each in found["effects"][-12:]]
    return lines


def event(item: Told) -> str:
    """One ledger entry."""
    body = ", ".join(f"{name} {value}" for name, value in item["body"].items() if value not in (None, "", {}, []))
    return f"#{item['index']}  {item['at'][11:23]}  {item['kind']:<20} {safe(body)[:160]}"


def _effect(each: Told) -> str:
    marks = {"done": "✓", "failed": "✗", "intended": "·"}
    target = f"weight {each['target']} %" if each["kind"] == "weight" else safe(each["target"])
    return f"    {marks[each['state']]} {target:<24} {safe(each['said'])[:80]}"
