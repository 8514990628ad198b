"""The screen of an alert proof: who is told of what, what nobody would notice, and the rule that would."""

from __future__ import annotations

from typing import Any

from interlock.doors.cli.screens.columns import MARGIN, Row, table, told
from interlock.doors.cli.screens.rehearsal import evidence_lines
from interlock.doors.cli.screens.rollout_bars import span
from interlock.doors.cli.text import fitting, plural, safe, width

Told = dict[str, Any]
NAMED = 3


def _safe(text: str) -> str:
    """Harmless, and no word of it wider than the column it stands in; rules are to be copied and stay whole."""
    return fitting(safe(text), width() - MARGIN - 6)


def proven(done: Told) -> list[str]:
    """One service's proof, with what became of it as evidence."""
    word, colour = ("TOLD", "green") if done["good"] else ("GAPS", "red")
    lines = told(word, _answer(done), colour)
    lines += table("change", [_bound(each) for each in done["failure_modes"]])
    lines += table("modes", [_mode(each, done) for each in done["modes"]])
    lines += [line for one in done["ready"] for line in _ready(one)]
    for one in done["unheard_rules"]:
        lines += told("rule", f"none for {_safe(one['mode'])}: {_safe(one['why'])}")
    lines += _doubts(done)
    return lines + evidence_lines(done)


def _ready(one: Told) -> list[str]:
    """A rule under whom it reaches."""
    text = f"for {_safe(one['mode'])}, proven: fires after {span(one['seconds'])}, silent while all is well"
    severity, receivers = _safe(one["severity"]), ", ".join(map(_safe, one["receivers"] or ()))
    text += f" · {severity}{f' to {receivers}' if receivers else ''}"
    if one["usual"]:
        text += f", while the other {severity} alerts go to {', '.join(map(_safe, one['usual'][:NAMED]))}"
    if one["was"]:
        text += f" · it counts {', '.join(map(_safe, one['was']))} too, so that it sees the release itself"
    return [*told("rule", text), *(f"{' ' * MARGIN}{safe(line)}" for line in one["rule"].rstrip().splitlines())]


def _answer(done: Told) -> str:
    modes = done["modes"]
    answered = sum(1 for one in modes if one["proven"])
    synthetic = " · healthy series were declared, not captured" if done["synthetic"] else ""
    within = f"within {span(done['tolerance_seconds'])}"
    of = f"{answered} of {plural(len(modes), 'failure')}"
    unbound = sum(1 for one in done["failure_modes"] if not one["modes"])
    more = f", and {plural(unbound, 'failure mode')} of change.md is not among them" if unbound == 1 else ""
    more = f", and {unbound} failure modes of change.md are not among them" if unbound > 1 else more
    return f"{_safe(done['service'])}: somebody is told of {of} {within}{more}{synthetic}"


def _bound(one: Told) -> Row:
    """One failure mode of change.md."""
    if not one["modes"]:
        return Row(
            met=False, text=_safe(one["failure_mode"]), remedy="name it after a mode, or add one to alert-plans/"
        )
    return Row(met=one["proven"], text=_safe(one["failure_mode"]), remedy=", ".join(map(_safe, one["modes"])))


def _mode(one: Told, done: Told) -> Row:
    if one["proven"]:
        named = ", ".join(_answered(each) for each in one["answers"][:NAMED])
        return Row(met=True, text=_safe(one["mode"]), remedy=f"{named}{_owner(one['answers'][0], done)}")
    if one["taken"]:
        return Row(met=False, text=_safe(one["mode"]), remedy=_taken(one, done))
    if not one["series"]:
        remedy = f"no series is there that this failure would change{_safe(one['near'])}"
        return Row(met=False, text=_safe(one["mode"]), remedy=remedy)
    if one["edges"]:
        named = ", ".join(map(_safe, one["edges"][:NAMED]))
        remedy = f"on a knife edge: {named} fires with some of the healthy noise only"
        return Row(met=False, text=_safe(one["mode"]), remedy=remedy)
    if one["unheard"]:
        named = "; ".join(
            f"{_safe(each['alert'])} fires, but {_safe(each['why'])}" for each in one["unheard"][:NAMED]
        )
        return Row(met=False, text=_safe(one["mode"]), remedy=f"nobody is told: {named}")
    late = ", ".join(f"{_safe(each['alert'])} after {span(each['seconds'])}" for each in one["late"][:NAMED])
    return Row(met=False, text=_safe(one["mode"]), remedy=f"too late: {late}" if late else "nobody is told")


def _taken(row: Told, done: Told) -> str:
    """The change takes the series away: what they may be called then, and what to do about it."""
    one = row["taken"]
    names = one["names"][:NAMED]
    renamed = [each for each in names if each["to"]]
    guess = ", ".join(f"{_safe(each['metric'])} (→ {_safe(each['to'])}?)" for each in renamed)
    away = ", ".join(_safe(each["metric"]) for each in names if not each["to"])
    does = " and ".join([*([f"renames {guess}"] if guess else []), *([f"takes {away} away"] if away else [])])
    new = ", ".join(_safe(each["to"]) for each in renamed) if not away else "what is counted instead"
    if one["captured"]:
        name = f"until it is out, declare {new} under shapes in the plan"
    else:
        name = f"name {new} in {', '.join(map(_safe, one['places'][:NAMED]))}"
    if one["told_by"]:
        return f"the change {does}: {', '.join(map(_safe, one['told_by'][:NAMED]))} tells of it there; {name}"
    ready = any(each["mode"] == row["mode"] for each in done["ready"])
    return f"the change {does}: {'add the rule below, and ' if ready else ''}{name}"


def _answered(one: Told) -> str:
    to = f" to {', '.join(map(_safe, one['receivers']))}" if one["receivers"] else ""
    severity = f" · {_safe(one['severity'])}" if one["severity"] else ""
    only = f" · {_safe(one['only'])}" if one["only"] else ""
    ends = "" if one["ends"] is None else f", but ends after {span(one['ends'])} of it"
    return f"{_safe(one['alert'])} after {span(one['seconds'])}{ends}{severity}{to}{only}"


def _owner(one: Told, done: Told) -> str:
    """Whose alert it is by its labels, where nobody looked whom it is sent to."""
    known = {each["name"]: each for each in done["alerts"]}
    owner = known.get(one["alert"], {}).get("route", "")
    return f" · {_safe(owner)}" if owner and not one["receivers"] else ""


def _silent(one: Told) -> tuple[str, str]:
    """An alert that fires in none of the failures: it can never fire, or it is about something else."""
    where = f"{_safe(one['alert'])} ({_safe(one['place'])})"
    if one["unsatisfiable"]:
        return "never", f"{where} can never fire: {_safe(one['reason'])}"
    if one["fires"]:
        return "silent", f"{where} fires in none of these failures; it can fire, with other series"
    return (
        "silent",
        f"{where} fires in none of these failures; that it can fire is not shown: {_safe(one['reason'])}",
    )


def _routes(done: Told) -> list[str]:
    routes = done["routes"]
    if routes is None:
        return told(
            "routes", "not looked at: whom these alerts reach is not known (alertmanager: FILE in the plan)"
        )
    return [line for each in routes["doubts"] for line in told("routes", _safe(each))]


def _relabelled(one: Told) -> str:
    now = ", ".join(map(_safe, one["now"][:NAMED])) or "no label"
    what = f"{_safe(one['label'])} of {_safe(one['metric'])}"
    if one["value"]:
        what = f"{what} from {_safe(one['value'])}"
        return f"the change moves label {what} to {now}: {', '.join(map(_safe, one['alerts'][:NAMED]))}"
    return f"the change renames label {what} to {now}: {', '.join(map(_safe, one['alerts'][:NAMED]))}"


def _doubts(done: Told) -> list[str]:
    lines = _routes(done)
    for one in done["gone"]:
        looking = ", ".join(map(_safe, one["alerts"][:NAMED]))
        lines += told(
            "gone", f"{_safe(one['metric'])} is not exposed by the new version{_safe(one['near'])}: {looking}"
        )
    lines += [line for one in done["relabelled"] for line in told("labels", _relabelled(one))]
    for one in done["alerts"]:
        if one["restless"] is not None:
            lines += told("restless", f"{_safe(one['name'])} fires while all is well ({_safe(one['place'])})")
    for one in done["witnesses"]:
        lines += told(*_silent(one))
    for each in done["undecided"]:
        lines += told("unknown", _safe(each))
    return lines
