"""``interlock evidence run snapshot``: a state is saved, restored elsewhere, compared, and signed with its age.

Rules:
1. The plan is that of the rules in force. The source is only read, so nothing of the checkout is needed.
2. What is signed expires when the snapshot is older than its plan allows.
3. A folder that is not there is told before anything is run: nobody signs a backup away for it.
4. Somebody's Ctrl-C leaves no backup that was not compared, and says so; where it was compared, what became of it.
5. 0 when each is a snapshot, 1 when one is none, 3 when one could not be decided; that is not handed in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from interlock.doors.cli.aside import aside
from interlock.doors.cli.desk import as_json, change_id, client, leave, settings, show_json
from interlock.doors.cli.run_exit import exit_code
from interlock.doors.cli.text import safe

if TYPE_CHECKING:
    from interlock.config import Config
    from interlock.core.change.canonical import Json
    from interlock.core.snapshot.outcome import Outcome, Seen
    from interlock.core.snapshot.plan import SnapshotPlan
    from interlock.doors.cli.client import Client
    from interlock.doors.cli.runner import Runner

Told = dict[str, Any]
INTERRUPTED = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every snapshot of one command shares."""

    api: Client
    config: Config
    change: Told
    rules: Told
    runner: Runner | None
    out: str | None


@click.command()
@click.argument("change", required=False)
@click.option("--service", metavar="SERVICE", help="Only this service; default all that CHANGE touches.")
@click.option("--environment", metavar="NAME", help="Only there; default wherever the rules have a plan.")
@click.option("--key", metavar="FILE", help="The runner's private key in PEM; default INTERLOCK_RUNNER_KEY.")
@click.option("--out", metavar="FILE", help="Write the signed statement there too.")
@as_json
def snapshot(
    *,
    change: str | None,
    service: str | None,
    environment: str | None,
    key: str | None,
    out: str | None,
    as_json: bool,
) -> None:
    """Save a database's state before CHANGE, restore it to a throw-away PostgreSQL, and compare.

    By snapshot-plans/*.yaml of the rules in force. The source is only read.
    """
    from interlock.doors.cli.interrupts import asked_to_end  # noqa: PLC0415  # --help runs nothing
    from interlock.doors.cli.screens.snapshot import saved  # noqa: PLC0415  # likewise

    config, name, done = settings(), change_id(change), []
    with asked_to_end(), client(config) as api:
        for each in _snapshots(api, config, name, (service, environment), key=key, out=out):
            done.append(each)
            if not as_json:
                click.echo("\n".join(saved(each)))
    if as_json:
        show_json({"items": done})
    leave(exit_code(done))


def _snapshots(
    api: Client,
    config: Config,
    name: str,
    where: tuple[str | None, str | None],
    *,
    key: str | None,
    out: str | None,
) -> Iterator[Told]:
    """Each snapshot, when it was compared and handed in."""
    from interlock.core.policy.shown import SNAPSHOT  # noqa: PLC0415  # --help runs nothing
    from interlock.doors.cli.runner import check_out, runner_of  # noqa: PLC0415  # likewise
    from interlock.doors.cli.snapshot_plans import plans_of  # noqa: PLC0415  # likewise

    check_out(out)
    change, rules = api.get(f"/v1/changes/{name}").json, api.get("/v1/rules").json
    plans = plans_of(api, config, change, *where, out=out)
    runner = runner_of(key, config, rules, SNAPSHOT, tuple(change["services"]))
    if runner is not None and runner.doubt:
        aside("doubt", f"{safe(runner.doubt)}: this will be kept and not count")
    desk = Desk(api=api, config=config, change=change, rules=rules, runner=runner, out=out)
    for plan in plans:
        yield _one(desk, plan)


def _one(desk: Desk, plan: SnapshotPlan) -> Told:
    from interlock.core.snapshot.plan import longest  # noqa: PLC0415  # --help runs nothing
    from interlock.doors.cli.run_record import begun, over  # noqa: PLC0415  # likewise
    from interlock.doors.cli.snapshot_plans import unverified  # noqa: PLC0415  # likewise
    from interlock.plugins.world.system import RandomIds  # noqa: PLC0415  # likewise

    run, about = RandomIds().new("snp"), f"{plan.service} in {plan.environment}"
    begun(desk.api, change=desk.change["id"], run=run, producer="snapshot", about=about, seconds=longest(plan))
    seen = None
    try:
        seen, found = _saved(desk, plan, run)
        said, handed = _handed(desk, plan, run, seen, found)
    except BaseException as error:
        over(desk.api, run, "cancelled")
        if isinstance(error, KeyboardInterrupt):
            aside("stopped", f"{run} was cancelled: {_stopped(desk, plan, run, seen)}")
            raise click.exceptions.Exit(INTERRUPTED) from error
        raise
    over(desk.api, run, found.verdict, evidence=handed["kept"]["id"] if handed and handed["kept"] else None)
    left = unverified(desk.config, plan)
    return {"change": desk.change["id"], **said, "good": found.good, "evidence": handed, "unverified": left}


def _handed(
    desk: Desk, plan: SnapshotPlan, run: str, seen: Seen, found: Outcome
) -> tuple[dict[str, Json], Told | None]:
    """What is said of it, and what became of that; None where nobody signed it."""
    from interlock.core.change.canonical import plain  # noqa: PLC0415  # --help runs nothing
    from interlock.core.policy.shown import SNAPSHOT  # noqa: PLC0415  # likewise
    from interlock.core.snapshot.outcome import predicate  # noqa: PLC0415  # likewise
    from interlock.doors.cli.runner import hand_in, sign  # noqa: PLC0415  # likewise

    change = desk.change
    said: dict[str, Json] = {
        "run": run,
        "tool": f"snapshot of {plan.service} in {plan.environment}",
        "service": plan.service,
        "environment": plan.environment,
        "plan": plan.digest,
        "rules": desk.rules["digest"],
        **predicate(plan, seen, found),
    }
    if desk.runner is None or found.verdict == "undecidable":
        return said, None
    days, at = desk.rules["settings"]["thresholds"]["evidence_days"], seen.taken.at
    fresh = at + timedelta(seconds=plan.age) if found.good and at is not None else None
    signed = sign(
        desk.runner,
        subject=change["digest"],
        predicate_type=SNAPSHOT,
        predicate=said,
        days=days,
        until=fresh,
    )
    handed = hand_in(desk.api, desk.config, change=change["id"], run=run, signed=signed, out=desk.out)
    told: Any = plain(handed)
    return said, told


def _stopped(desk: Desk, plan: SnapshotPlan, run: str, seen: Seen | None) -> str:
    """What there is of a run that somebody interrupted."""
    from interlock.doors.cli.runner import kept_file  # noqa: PLC0415  # --help runs nothing

    if seen is None:
        left = "the backup was only read" if plan.how == "existing" else "what was not compared yet is removed"
        return f"{left}, nothing is handed in"
    file, change = kept_file(desk.config, run), desk.change["id"]
    if file.exists():
        again = f"interlock evidence add {change} {file}"
        return f"{safe(seen.taken.file)} was compared and signed, and perhaps not handed in: {again}"
    mine = "" if plan.how == "existing" else ", which lies where the plan says: remove it, or keep it"
    return f"{safe(seen.taken.file)} was compared{mine}; nothing was signed and nothing is handed in"


def _saved(desk: Desk, plan: SnapshotPlan, run: str) -> tuple[Seen, Outcome]:
    from interlock.doors.cli.rehearsing import hearing  # noqa: PLC0415  # --help runs nothing
    from interlock.plugins.snapshots.postgresql import PostgresSnapshots  # noqa: PLC0415  # likewise
    from interlock.plugins.world.programs import SystemPrograms  # noqa: PLC0415  # likewise
    from interlock.plugins.world.system import SystemClock, steady  # noqa: PLC0415  # likewise
    from interlock.road.snapshot import snapshot as save  # noqa: PLC0415  # likewise

    root, now = str(desk.config.root), SystemClock().now
    snapshots = PostgresSnapshots(plan, run=run, root=root, programs=SystemPrograms(root), now=now)
    try:
        return save(plan, snapshots, now=now, steady=steady, told=hearing())
    finally:
        snapshots.close()
