"""Rehearsals that are on record as half-way, and whose journal is not here to bring them back by.

Rules:
1. The record is asked whatever lies here: a journal that is lost is no place that is as it was.
2. A run that goes on elsewhere is told and is nobody's fault yet. One that was here, that is late, or that left
   something has somebody look at the place; ``--accept`` is what says so on record.
3. A journal here that is over, of which the record knows nothing, is told to the record.
4. Nobody begins where the record knows of a run half-way that cannot be brought back from here: what that one left
   would be taken for what was there before.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from typing import Any

from interlock.config import Config
from interlock.core.change.errors import Conflict, InterlockError
from interlock.core.rehearsal.journal import Head
from interlock.doors.cli import rehearsing
from interlock.doors.cli.client import Client
from interlock.doors.cli.run_record import begun, over

Told = dict[str, Any]


def begin(config: Config, api: Client, head: Head, about: str, *, seconds: float) -> None:
    """Say that the rehearsal begins, and pass a place in which no other one is half-way by the record.

    Raises:
        Conflict: ``rehearsal-half-way``.
    """
    begun(api, change=head.change, run=head.run, producer="rehearsal", about=about, seconds=seconds)
    for one in on_record(config, api, head.environment, [head.run], accept=False):
        if one["ended"] != "recovered" and rehearsing.ended(config, one["run"]) is None:
            over(api, head.run, "cancelled")
            raise _half_way(one)


def _half_way(one: Told) -> Conflict:
    where = one["environment"]
    if one["ended"] == "running":
        hint = f"wait until it is over, at {one['until']} at the latest; where it is gone: "
    else:
        hint = "its journal is not here, so look whether the place is as it was before it began; then: "
    whose = f"{one['run']} by {one['change']} on {one['host']}"
    return Conflict(
        f"expected nothing half-way in `{where}`, got {whose}, says the record",
        code="rehearsal-half-way",
        hint=f"{hint}interlock evidence recover {where} --accept",
    )


def on_record(
    config: Config, api: Client, environment: str | None, known: Collection[str], *, accept: bool
) -> list[Told]:
    """What the record says is half-way in ``environment`` or anywhere, without the runs that are ``known``."""
    found = []
    for run in api.get("/v1/runs", producer="rehearsal").json["items"]:
        service, _, place = run["about"].rpartition(" in ")
        if run["id"] in known or environment not in {None, place}:
            continue
        one = {
            "run": run["id"],
            "change": run["change"],
            "service": service,
            "environment": place,
            "began": run["began_at"],
            "left": [*run["left"]],
            "host": run["host"],
            "until": run["until"],
        }
        found.append(one | {"ended": _stands(config, run)})
    for one in found:
        mine = one["ended"] == "recovered"
        accepted = accept and environment is not None and one["ended"] != "running"
        if (mine or accepted) and over(api, one["run"], "cancelled"):
            one["ended"] = "recovered" if mine else "accepted"
    return found


def _stands(config: Config, run: Told) -> str:
    """How a run on record stands by what is here: *recovered* where its journal says that it is over."""
    journal = rehearsing.ended(config, run["id"])
    if journal is not None and not journal.unfinished:
        return "recovered"
    if run["ended"]:
        return str(run["ended"])
    return "unknown" if run["host"] == socket.gethostname() else "running"


def unasked(error: InterlockError) -> str:
    """What is said where the record cannot be asked."""
    return f"the record could not be asked ({error.code}), so a rehearsal whose journal is lost is not seen"
