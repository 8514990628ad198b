"""Whose state ``evidence run snapshot`` saves: the plans of the rules in force, each with a place for it."""

from __future__ import annotations

import base64
import glob
from pathlib import Path
from typing import Any

from interlock.config import Config
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest
from interlock.core.snapshot.plan import RUN, SnapshotPlan
from interlock.core.snapshot.plan_read import read_snapshot_plan
from interlock.doors.cli.client import Client

Told = dict[str, Any]


def plans_of(
    api: Client, config: Config, change: Told, service: str | None, environment: str | None, *, out: str | None
) -> list[SnapshotPlan]:
    """Those of the services that the change touches, or of the one that is named.

    Raises:
        InvalidInput: ``snapshot-none``, ``snapshot-out`` for several into one file, ``snapshot-folder``.
    """
    items = api.get("/v1/plans", producer="snapshot").json["items"]
    touched = set(change["services"]) if service is None else {service}
    mine = [one for one in items if one["service"] in touched]
    found = [one for one in mine if environment in {None, one["environment"]}]
    if not found:
        near = closest(service, sorted({one["service"] for one in items})) if service else ""
        if environment and mine:
            near = closest(environment, sorted({one["environment"] for one in mine}))
        whose = service or ", ".join(change["services"]) or "a change that touches no service"
        where = f" in `{environment}`" if environment else ""
        known = ", ".join(f"{one['service']} in {one['environment']}" for one in items)
        raise InvalidInput(
            f"expected a snapshot plan for {whose}{where} in the rules in force, got none{near}",
            code="snapshot-none",
            hint=f"there are: {known}" if known else "write snapshot-plans/SERVICE.yaml: docs/how-to/snapshots.md",
        )
    if out is not None and len(found) > 1:
        named = ", ".join(f"{one['service']} in {one['environment']}" for one in found)
        raise InvalidInput(
            f"expected one snapshot for `--out {out}`, got {len(found)}: {named}",
            code="snapshot-out",
            hint="name one: --service, --environment; without --out each is kept below .interlock/evidence",
        )
    plans = [read_snapshot_plan(item["path"], base64.b64decode(item["content"])) for item in found]
    for plan in plans:
        _placed(config, plan)
    return plans


def unverified(config: Config, plan: SnapshotPlan) -> list[str]:
    """The plan's backups that were not shown to be snapshots, of this run and of earlier ones, by age."""
    from interlock.plugins.snapshots.postgresql import UNVERIFIED  # noqa: PLC0415  # --help runs nothing

    named = Path(plan.file)
    pattern = "*".join(glob.escape(part) for part in named.name.split(RUN)) + UNVERIFIED
    found = (config.root / named.parent).glob(pattern) if RUN in named.name else ()
    return [str(named.parent / each.name) for each in sorted(found, key=lambda one: one.stat().st_mtime)]


def _placed(config: Config, plan: SnapshotPlan) -> None:
    """Refuse a plan whose backup has no folder: that says nothing about a backup."""
    folder = Path(plan.file).parent
    if not (config.root / folder).is_dir():
        raise InvalidInput(
            f"expected a folder for `file` of {plan.path}, got `{folder}` where none is",
            code="snapshot-folder",
            hint=f"make it, from the top of the repository: mkdir -p {folder}",
        )
