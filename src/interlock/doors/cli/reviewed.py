"""One review from here: asked, heard, signed, handed in.

Rules:
1. The key of the runner is looked at before anything is sent: an answer costs money.
2. A reviewer that gives no usable answer leaves nothing but a run that ended undecidable.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from interlock.config import Config
from interlock.core.change.canonical import Json, plain
from interlock.core.change.errors import PluginError
from interlock.core.review.concern import REVIEW, concerns_in
from interlock.core.review.predicate import predicate
from interlock.core.review.reply import Heard, hear
from interlock.doors.cli.aside import aside
from interlock.doors.cli.at_hand import exactly
from interlock.doors.cli.client import Client
from interlock.doors.cli.reviewing import (
    Prepared,
    check_may_send,
    key_of,
    prepared,
    reviewer_settings,
    tell,
)
from interlock.doors.cli.run_record import begun, over
from interlock.doors.cli.runner import Handed, Runner, check_out, hand_in, runner_of, sign
from interlock.doors.cli.text import safe
from interlock.plugins.world.system import RandomIds
from interlock.ports.reviewer import Answered

Told = dict[str, Any]
_SPARE = 30.0
"""Seconds that a run may take beside the reviewer's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One call of the command."""

    api: Client
    config: Config
    name: str
    key: str | None
    out: str | None
    show: bool


def reviewed(asked: Asked) -> Told:
    """What came of it; with ``show`` only the ``body`` that would be sent.

    Raises:
        InvalidInput: nothing may be sent, or a setting or key cannot be used.
        Conflict: another content is at hand than on record, or no rules are in force.
        Unavailable, Rejected, BadReply: the reviewer gave no answer that can be used.
    """
    check_out(asked.out)
    rules = asked.api.get("/v1/rules").json
    settings = reviewer_settings(rules)
    here = exactly(asked.api, asked.name, asked.config)
    found = prepared(settings, here, asked.config.root, key="" if asked.show else key_of(settings))
    if asked.show:
        tell(found, sends=False)
        return {"body": found.content.decode()}
    check_may_send(found, rules)
    runner = runner_of(asked.key, asked.config, rules, REVIEW, tuple(here.change["services"]))
    if runner is not None and runner.doubt:
        aside("doubt", f"{safe(runner.doubt)}: this will be kept and not count")
    return _asked(asked, found, here.change, rules, runner)


def _asked(asked: Asked, found: Prepared, change: Told, rules: Told, runner: Runner | None) -> Told:
    began, run = time.monotonic(), RandomIds().new("rev")
    about, most = f"{found.settings.model} at {found.settings.host}", found.settings.seconds + _SPARE
    begun(asked.api, change=change["id"], run=run, producer="review", about=about, seconds=most)
    try:
        tell(found, sends=True)
        answered = found.reviewer.review(found.ask)
        heard = hear(answered.answers, found.ask.lines, plugin=found.settings.kind)
    except PluginError:
        over(asked.api, run, "undecidable")
        raise
    except BaseException:
        over(asked.api, run, "cancelled")
        raise
    said: dict[str, Json] = {"run": run, "rules": rules["digest"], **_said(found, heard, answered)}
    handed = _handed(asked, change, rules, said, run, runner)
    over(
        asked.api,
        run,
        "failed" if heard.concerns else "passed",
        evidence=handed.kept["id"] if handed and handed.kept else None,
    )
    ids = [one.named(change["digest"]) for one in concerns_in(said)]
    listed = [{"id": name, **one.body()} for name, one in zip(ids, concerns_in(said), strict=True)]
    return {
        "change": change["id"],
        **said,
        "concerns": listed,
        "took_seconds": round(time.monotonic() - began, 1),
        "evidence": None if handed is None else plain(handed),
    }


def _said(found: Prepared, heard: Heard, answered: Answered) -> dict[str, Json]:
    return predicate(
        found.settings,
        heard,
        body=found.content,
        sent=len(found.sent),
        kept=found.kept,
        beside=answered.beside,
    )


def _handed(
    asked: Asked, change: Told, rules: Told, said: dict[str, Json], run: str, runner: Runner | None
) -> Handed | None:
    if runner is None:
        return None
    days = rules["settings"]["thresholds"]["evidence_days"]
    signed = sign(runner, subject=change["digest"], predicate_type=REVIEW, predicate=said, days=days)
    return hand_in(asked.api, asked.config, change=change["id"], run=run, signed=signed, out=asked.out)
