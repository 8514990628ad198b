"""The last screen of a rollout: what it cost, how traffic came back, and what to type now."""

from __future__ import annotations

from typing import Any

from interlock.doors.cli.screens.columns import MARGIN, label
from interlock.doors.cli.screens.rollout_bars import span
from interlock.doors.cli.screens.rollout_metrics import evidence_line, metrics
from interlock.doors.cli.screens.rollout_sums import excluded_at_last, lost, lost_text
from interlock.doors.cli.screens.rollout_words import alone
from interlock.doors.cli.text import mark, paint, safe, short, wrap

Told = dict[str, Any]
MOST_EFFECTS, MOST_UNTOLD = 6, 2
UNDO = "rollback/"
"""Steps of the rollback set are named with it."""


def ended(shown: Told, room: int) -> list[str]:
    """Everything below the first lines."""
    record = shown["record"]
    lines = [*_reached(shown, room), *metrics(shown, room), *evidence_line(shown, room)]
    if record["state"] == "completed":
        lines += _told("excluded", excluded_at_last(shown), room)
        at_full = alone(shown)
        lines += _told("at 100 %", f"nothing was compared · {at_full}" if at_full else "", room)
    lines += _told("lost", _cost(shown), room)
    lines += way_back(shown, room) if record["state"] != "completed" else []
    lines += [*untold(shown, room), *_next(shown, room)]
    return lines


def untold(shown: Told, room: int) -> list[str]:
    """Who was not told of it, and why; nothing where everybody was."""
    wrong = [one for one in shown.get("notices", []) if not one["ok"]]
    if not wrong:
        return []
    what = ", ".join(dict.fromkeys(safe(one["what"]) for one in wrong))
    return _told("untold", f"{what}: {safe(wrong[-1]['said'])}", room)[:MOST_UNTOLD]


def _reached(shown: Told, room: int) -> list[str]:
    record, stages = shown["record"], shown["stages"]
    place = min(record["stage"], len(stages) - 1)
    stage, at = f"{place + 1} of {len(stages)} · {stages[place]['percent']:g} %", "done at"
    if record["state"] != "completed":
        stage, at = f"ended in {stage}", "at"
    if record["state"] != "completed" and not record["stage_since"] and not _weighed(shown):
        stage, at = f"ended before stage 1 of {len(stages)}, no traffic had it", "at"
        return _told("stage", f"{stage} · {at} {record['ended_at'][:16].replace('T', ' ')} UTC", room)
    since = f" · {at} {record['ended_at'][:16].replace('T', ' ')} UTC"
    whole = f"{stage} of traffic{since}"
    return _told("stage", whole if len(whole) <= room - MARGIN else stage + since, room)


def _weighed(shown: Told) -> bool:
    """Whether any traffic was ever asked for."""
    return any(one["kind"] == "weight" and float(one["target"]) > 0 for one in shown["effects"])


def _cost(shown: Told) -> str:
    harm = shown["record"]["harm"]
    if harm is None:
        return lost(shown) or "nothing"
    text = (
        f"about {lost_text(shown, harm['metric'], harm['lost'])} by the judge's estimate, also after the verdict"
    )
    if harm["seconds"] is not None:
        text += "; from the last look before the canary's first request to 0 % read back: "
        text += span(harm["seconds"])
    return text


def way_back(shown: Told, room: int) -> list[str]:
    """Each act of the way back with what came of it; the weight as it was read back.

    It begins with the last weight 0: one before that is of the canary's end, once its version had become the usual
    one, or of a way back that failed and was gone anew.
    """
    record = shown["record"]
    acts = [one for one in shown["effects"] if _of_return(one)]
    zeros = [place for place, one in enumerate(acts) if one["kind"] == "weight"]
    acts = acts[zeros[-1] :] if zeros else acts
    lines = []
    for one in acts[-MOST_EFFECTS:]:
        met = {"done": True, "failed": False}.get(one["state"])
        name = (
            f"weight {float(one['target']):g} %"
            if one["kind"] == "weight"
            else safe(str(one["target"]).removeprefix(UNDO))
        )
        said = f" · {safe(one['said'])}" if one["said"] else ""
        first, *rest = wrap(f"{name}{said}", room - MARGIN - 2)
        lines += [f"{mark(met)} {first}", *(f"  {line}" for line in rest)]
    if record["state"] == "returned":
        before = f" to {short(record['previous'])}" if record["previous"] else ""
        seen = ", verified" if shown["verified"] else ""
        lines.append(f"{mark(met=True)} {record['weight']:g} % served · rolled back{before}{seen}")
    return [(label("back") if place == 0 else " " * MARGIN) + line for place, line in enumerate(lines)]


def _of_return(one: Told) -> bool:
    if one["kind"] == "weight":
        return float(one["target"]) == 0
    return str(one["target"]).startswith(UNDO)


def _next(shown: Told, room: int) -> list[str]:
    record = shown["record"]
    service, change = safe(record["service"]), safe(record["change"])
    where = "" if record["environment"] == "production" else f" --environment {safe(record['environment'])}"
    verify = (f"interlock rollout verify {safe(record['id'])}", "recompute its verdicts from the record")
    back = (f"interlock rollback {service}{where}", "the version before")
    if record["state"] == "completed":
        until = f", until {record['kept_until'][:16].replace('T', ' ')} UTC" if record["kept_until"] else ""
        return _table([(back[0], back[1] + until), verify], room)
    if record["state"] == "failed":
        return _table([(back[0], "try again; without a server it goes by the local record"), verify], room)
    rows = [(f"interlock change show {change}", "what is in it")]
    if record["cause"] == "harm":
        rows.append((f"interlock suspects {service} --since 2h{where}", "did something else change too?"))
    closing = "wake nobody: it is over"
    if record["cause"] == "harm":
        closing = f"{short(record['digest'])} is barred until a new approval · {closing}"
    return [
        *_table([*rows, verify], room),
        *(" " * MARGIN + paint(one, bold=True) for one in wrap(closing, room - MARGIN)),
    ]


def _table(rows: list[tuple[str, str]], room: int) -> list[str]:
    most = max(len(command) for command, _ in rows)
    aligned = all(most + 2 + len(why) <= room - MARGIN for _, why in rows)
    lines = []
    for command, why in rows:
        text = f"{command.ljust(most if aligned else 0)}  {why}"
        below = [f"  {line}" for line in wrap(why, room - MARGIN - 2)]
        lines += [text] if len(text) <= room - MARGIN else [command, *below]
    return [(label("to type") if place == 0 else " " * MARGIN) + line for place, line in enumerate(lines)]


def _told(word: str, text: str, room: int) -> list[str]:
    if not text:
        return []
    first, *rest = wrap(text, room - MARGIN)
    return [label(word) + first, *(" " * MARGIN + line for line in rest)]
