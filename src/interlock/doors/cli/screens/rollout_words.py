"""The answer of the live view: one word in capitals, and the sentence behind it.

Rules:
1. The word says what is so: STOP, BACK, FAIL, DONE, BLIND, HOLD, PASS, HARM?, DOUBT, WAIT or START. It is set off
   by its own ground, so that it reads in light and in dark, and it is a word, so that it reads without colour.
2. The sentence says why, the command below it what can be done. A rollout that ended asks nobody to wake up unless
   somebody must.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interlock.core.judge.told import harm_told
from interlock.core.rollout.phrases import because, reached, watched_alone
from interlock.doors.cli.screens.rollout_bars import change, odds
from interlock.doors.cli.screens.rollout_blind import blind, unjudged
from interlock.doors.cli.screens.rollout_sums import kind_of, passed, regression
from interlock.doors.cli.text import paint, safe

Told = dict[str, Any]
_GROUND = {
    "STOP": ("white", "red"),
    "FAIL": ("white", "red"),
    "BLIND": ("white", "red"),
    "BACK": ("black", "yellow"),
    "HOLD": ("black", "yellow"),
    "HARM?": ("black", "yellow"),
    "DOUBT": ("black", "yellow"),
    "DONE": ("black", "green"),
    "PASS": ("black", "green"),
    "WAIT": ("black", "cyan"),
    "START": ("black", "cyan"),
}
_PHASES = {
    "calibrate": "measuring the control's own noise, no traffic has moved yet",
    "apply": "putting the new version up, no traffic has moved yet",
    "weigh": "moving the first traffic",
}
_MOVING = {
    "weigh": "moving traffic to {wanted:g} %",
    "promote": "passed: making it the usual version",
    "retire": "passed: taking the canary out, all traffic has it",
}
SUSPICION = 2.0
"""Nats of evidence from which harm is spoken of: odds of about 7 : 1."""


def word(shown: Told) -> str:
    """The answer in one word."""
    record, verdict = shown["record"], shown["verdict"]
    if blind(shown) is not None:
        return "BLIND"
    by_state = {
        "starting": "START",
        "held": "HOLD",
        "completed": "DONE",
        "failed": "FAIL",
        "returning": "STOP" if record["cause"] == "harm" else "BACK",
        "returned": "STOP" if record["cause"] == "harm" else "BACK",
    }
    # A pass is of the stage it was said in; what follows must be earned again.
    by_verdict = {"stop": "STOP", "untrusted": "DOUBT"}
    if not record["alone"]:
        by_verdict |= {"pass": "PASS"} if passed(shown) else {}
    waiting = "HARM?" if _suspected(shown) else "WAIT"
    fallback = by_verdict.get(verdict["kind"] if verdict else "", waiting)
    return by_state.get(record["state"], fallback)


def badge(answer: str) -> str:
    """The word on its own ground; bare where there is no colour."""
    ink, ground = _GROUND[answer]
    return paint(f" {answer} ", fg=ink, bg=ground, bold=True)


def sentence(shown: Told) -> str:
    """Why."""
    record = shown["record"]
    if unjudged(shown):
        return unjudged(shown)
    said: dict[str, Callable[[Told], str]] = {
        "starting": _starting,
        "held": lambda told: f"it waits for a person: {_why(told)}",
        "completed": _completed,
        "failed": lambda told: f"a person is needed now: {_why(told)}",
        "returning": lambda told: f"{_blame(told)} · traffic goes back now",
        "returned": _blame,
    }
    return said.get(record["state"], _running)(shown)


def harm_text(harm: Told) -> str:
    """``orders: 0 of about 7.4 expected, −100 % (at least −8 %)``."""
    return harm_told(
        safe(harm["metric"]),
        estimate=harm["estimate"],
        at_least=harm["at_least"],
        canary=harm.get("canary"),
        expected=harm.get("expected"),
    )


def _starting(shown: Told) -> str:
    return _PHASES.get(shown["record"]["phase"], "no traffic has moved yet")


def _suspected(shown: Told) -> bool:
    standing = shown["standing"]
    # What the control showed before 100 % is no suspicion of what goes on now.
    compared = bool(standing and standing["metrics"]) and not shown["record"]["alone"]
    return compared and standing["log_e"] >= SUSPICION


def alone(shown: Told) -> str:
    """What watches where no control is left; empty before."""
    if not shown["record"]["alone"]:
        return ""
    over = bool(shown["record"]["ended_at"])
    return watched_alone(safe(shown.get("backstop", "")), safe(shown.get("unbacked", "")), over=over)


def _running(shown: Told) -> str:
    verdict, standing, record = shown["verdict"], shown["standing"], shown["record"]
    if record["phase"] in _MOVING:
        return _MOVING[record["phase"]].format(wanted=record["wanted"])
    if verdict is None or standing is None:
        return "nothing is counted yet"
    if verdict["kind"] == "stop":
        return f"{safe(verdict['why'])} · traffic goes back now"
    if verdict["kind"] == "untrusted":
        return f"the counts cannot be believed: {safe(verdict['why'])}"
    if record["alone"]:
        return f"all traffic has it, nothing is compared any more · {alone(shown)}"
    if verdict["kind"] == "pass" and passed(shown):
        return "no harm: what this stage must exclude is excluded"
    if _suspected(shown):
        worst = max(standing["metrics"], key=lambda name: standing["metrics"][name]["log_e"])
        estimate = standing["metrics"][worst]["estimate"]
        seen = f" ({change(estimate)})" if estimate is not None else ""
        return f"harm suspected in {safe(worst)}{seen}, not proven: {odds(standing['log_e'])}"
    return "no harm seen, not enough counted yet to widen"


def _completed(shown: Told) -> str:
    ruled, has = shown["record"]["ruled_out"], reached(shown["record"].get("served", 0.0))
    if not ruled:
        return has
    worst = max(ruled, key=lambda name: ruled[name])
    before = " before" if shown["record"]["alone"] else ""
    return f"{has}; ruled out{before}: {safe(worst)} {regression(ruled[worst], kind_of(shown, worst))} or worse"


def _blame(shown: Told) -> str:
    record = shown["record"]
    if record["harm"]:
        return harm_text(record["harm"])
    return _why(shown)


def _why(shown: Told) -> str:
    record = shown["record"]
    return because(record["cause"], safe(record["why"])) or "nobody said why"
