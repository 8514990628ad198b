"""Going back by the local record: this process sets the weight, runs the steps, and writes down what it did.

Rules:
1. The journal is written before anything is touched and when it is over. That it cannot be written stops nobody.
2. Afterwards the ledger is told (see ``rollbacks_told``).
3. Without a local record nothing is touched. A plan in the working tree is told as commands for a person, because
   nobody knows whether it is the one that the rollout went by.
4. Traffic first: while the weight is set to 0 it is asked which rollout is the newest. Where that is another than
   the one this machine has kept, no step of the one before is run: what was done is told of the newest, which ends
   by that, and that something is left to do is said.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import replace

from interlock import registry
from interlock.config import Config
from interlock.core.change.canonical import plain
from interlock.core.change.errors import InterlockError, InvalidInput, NotFound, Unavailable
from interlock.core.rollout.journal import Act, WentBack
from interlock.core.rollout.local import MAX_LOCAL, LocalRecord, local_path, read_local
from interlock.doors.cli.client import local_actor
from interlock.doors.cli.rollback_asked import Asking, Told, kept_nothing, of_the_newest
from interlock.plugins.world.programs import SystemPrograms
from interlock.plugins.world.rollback_files import RollbackFiles
from interlock.plugins.world.rollback_journal import RollbackJournal
from interlock.plugins.world.system import SystemClock
from interlock.ports.router import Router
from interlock.road.go_back import Means, Weight, take_away, undo


def go_back(
    config: Config,
    service: str,
    environment: str,
    why: str,
    refused: InterlockError | None,
    asking: Asking | None = None,
) -> Told:
    """Do it, and say what was done; ``refused`` is why a server did not, ``asking`` knows who is the newest.

    Raises:
        NotFound: ``rollback-nothing``.
        InvalidInput: ``state-closed`` where this user may not look.
    """
    began = time.monotonic()
    local = _local(config, service, environment, refused)
    files = RollbackJournal(config.home)
    again = local.over or files.of(local.rollout)
    journal, notes = _begun(config, local, why), _notes(local, refused)
    notes += _tried(lambda: files.write(journal))
    means = Means(programs=SystemPrograms(local.root), steady=time.monotonic, sleep=time.sleep)
    weight = _weight(local, means)
    seconds = time.monotonic() - began
    other = asking.other(local.rollout) if asking is not None else None
    acts = [Act(name="weight", ok=weight.gone, said=weight.said)]
    if other is None:
        acts += undo(local, means, again=again)
    else:
        journal = of_the_newest(journal, other)
        notes += [kept_nothing(local.rollout), f"--local goes back by {local.rollout} all the same"]
    ok = other is None and all(one.ok for one in acts) and len(acts) == len(local.rollback) + 1
    journal = replace(
        journal, ended_at=SystemClock().now(), ok=ok, before=weight.before, weight=weight.now, acts=tuple(acts)
    )
    notes += _tried(lambda: files.write(journal))
    if ok:
        notes += _tried(lambda: RollbackFiles(config.home).keep(replace(local, over=True, granted=0.0)))
    return {
        "journal": plain(journal),
        "local": plain(local),
        "other": other,
        "seconds": round(seconds, 3),
        "left": [] if other else [plain(step) for step in local.rollback[sum(one.ok for one in acts[1:]) :]],
        "entry": None,
        "notes": notes,
    }


def plan_of_going_back(
    config: Config,
    service: str,
    environment: str,
    newest: Told | None = None,
    refused: InterlockError | None = None,
) -> Told:
    """What would be done, with what the data plane serves now; ``newest`` is the rollout on record that is meant.

    Where this machine has kept nothing, or something of an earlier rollout, ``local`` is None.

    Raises:
        NotFound: ``rollback-nothing`` where neither knows anything.
        InvalidInput: ``state-closed`` where this user may not look, and nobody else knows anything.
    """
    asked = {"rollout": newest, "by_server": config.server is not None, "local": None, "weight": None, "said": ""}
    try:
        local = _local(config, service, environment, refused)
    except NotFound:
        if newest is None:
            raise
        return {**asked, "notes": []}
    except InvalidInput as error:
        if newest is None:
            raise
        return {**asked, "notes": [f"{error.message} · {error.hint}"]}
    if newest is not None and newest["id"] != local.rollout:
        return {**asked, "notes": [kept_nothing(local.rollout)]}
    weight, said = None, ""
    try:
        router = _router(local)
        try:
            weight = router.weight()
        finally:
            router.close()
    except InterlockError as error:
        said = f"{error.code}: {error.message}"
    return {**asked, "local": plain(local), "weight": weight, "said": said, "notes": _notes(local, None)}


def _local(config: Config, service: str, environment: str, refused: InterlockError | None) -> LocalRecord:
    place = local_path(config.home, environment, service)
    try:
        with place.open("rb") as file:
            return read_local(file.read(MAX_LOCAL + 1))
    except (OSError, InvalidInput) as error:
        from interlock.doors.cli.rollback_by_hand import closed, missing  # noqa: PLC0415  # only where nothing is known

        told = closed if isinstance(error, PermissionError) else missing
        raise told(config, service, environment, refused) from error


def _begun(config: Config, local: LocalRecord, why: str) -> WentBack:
    now = SystemClock().now()
    return WentBack(
        id=f"rbk-{now:%Y%m%d%H%M%S}-{secrets.token_hex(4)}",
        service=local.service,
        environment=local.environment,
        rollout=local.rollout,
        change=local.change,
        digest=local.digest,
        previous=local.previous,
        by=local_actor(config.root).principal,
        at=now,
        why=why,
    )


def _notes(local: LocalRecord, refused: InterlockError | None) -> list[str]:
    notes = [f"not through the server: {refused.message}"] if refused else []
    if local.kept_until is not None and local.kept_until < SystemClock().now():
        notes.append(f"the version before was kept until {local.kept_until:%Y-%m-%d %H:%M} UTC: it may be gone")
    if local.over:
        notes.append("this was brought back before: everything is looked at again")
    return notes


def _weight(local: LocalRecord, means: Means) -> Weight:
    """Weight to 0. A router that cannot even be made is told, and the steps are run all the same."""
    try:
        router = _router(local)
    except InterlockError as error:
        return Weight(before=None, now=None, said=f"{error.code}: {error.message}")
    try:
        return take_away(router, means)
    finally:
        router.close()


def _router(local: LocalRecord) -> Router:
    factories = registry.routers()
    kind = registry.known(local.router.kind, list(factories), what="router")
    return factories[kind](local.router.settings)


def _tried(work: Callable[[], object]) -> list[str]:
    try:
        work()
    except (Unavailable, InvalidInput) as error:
        return [f"{error.message} · {error.hint}"]
    return []
