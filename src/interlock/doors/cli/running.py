"""A change that is run and tried by somebody here, and the transcript of it.

Rules:
1. What is run is the content on record: another one, or edits that are in no commit, are refused.
2. The statement has the digest of the transcript and what became of it (``running_here``).
3. Nobody's word counts more than it did: a runner's key must sign it, and no rule for Tier-1 asks for it.
"""

from __future__ import annotations

from typing import Any

from interlock.config import Config
from interlock.core.change.canonical import Json, plain
from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.statement import OURS
from interlock.doors.cli.aside import aside
from interlock.doors.cli.at_hand import AtHand, exactly
from interlock.doors.cli.client import Client
from interlock.doors.cli.run_record import begun, over
from interlock.doors.cli.runner import check_out, hand_in, runner_of, sign
from interlock.doors.cli.running_here import Asked, predicate, run_here
from interlock.doors.cli.text import safe
from interlock.plugins.world.system import RandomIds

Told = dict[str, Any]
LOCAL = OURS + "local/v1"
"""``{verdict, service, command, exit_code, seconds, terminal, transcript: {digest, …}, visits: [{url, …}, …]}``"""
MOST_VISITS = 50


def tried(api: Client, config: Config, name: str, asked: Asked) -> Told:
    """Run it, keep what it said, and hand that in.

    Raises:
        InvalidInput: ``local-service``, ``local-visit``, ``local-command``, or what is wrong with the key.
        Conflict: the checkout is not the change.
    """
    check_out(asked.out)
    _check_visits(asked.visits)
    here = exactly(api, name, config)
    service = _service(here, asked.service)
    rules = api.get("/v1/rules").json
    runner = runner_of(asked.key, config, rules, LOCAL, tuple(here.change["services"]))
    if runner is not None and runner.doubt:
        aside("doubt", f"{safe(runner.doubt)}: this will be kept and not count")
    run = RandomIds().new("lcl")
    begun(api, change=here.change["id"], run=run, producer="local", about=service, seconds=asked.seconds + 60.0)
    try:
        ended = run_here(config, run, asked)
    except BaseException:
        over(api, run, "cancelled")
        raise
    said: dict[str, Json] = {"run": run, "tool": f"run of {service}", "service": service, **predicate(ended)}
    handed = None
    if runner is not None:
        days = rules["settings"]["thresholds"]["evidence_days"]
        signed = sign(runner, subject=here.change["digest"], predicate_type=LOCAL, predicate=said, days=days)
        handed = hand_in(api, config, change=here.change["id"], run=run, signed=signed, out=asked.out)
    kept = handed.kept["id"] if handed and handed.kept else None
    over(api, run, "passed" if ended.good else "failed", evidence=kept)
    about = {"change": here.change["id"], **said, "good": ended.good, "file": str(ended.file)}
    return {**about, "evidence": None if handed is None else plain(handed)}


def _check_visits(visits: tuple[str, ...]) -> None:
    for url in visits:
        if not url.startswith(("http://", "https://")) or len(visits) > MOST_VISITS:
            raise InvalidInput(
                f"expected at most {MOST_VISITS} addresses to visit, got `{url[:120]}`",
                code="local-visit",
                hint="write http://… or https://…",
            )


def _service(here: AtHand, named: str | None) -> str:
    touched = here.change["services"]
    if named is None and len(touched) == 1:
        return str(touched[0])
    if named is None or named not in touched:
        raise InvalidInput(
            f"expected a service that the change touches, got `{named}`"
            if named
            else "expected a service, got none",
            code="local-service",
            hint=f"name one: --service {' | '.join(touched)}" if touched else "the change touches no service",
        )
    return named
