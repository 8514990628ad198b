"""``interlock serve``: the API over HTTP.

Rules:
1. It listens on 127.0.0.1 unless told otherwise, because it speaks plain HTTP: put a TLS proxy before it.
2. SIGTERM and SIGINT stop it gracefully: requests under way are answered, rollouts are let go so that another
   server goes on with them at once, then the store is closed.
3. Rollouts are moved by a worker beside the API, unless it is turned off. Turned off everywhere, nobody judges.
"""

from __future__ import annotations

import gc
import sys
from contextlib import nullcontext, suppress
from dataclasses import replace

import click

from interlock.core.change.errors import InterlockError
from interlock.doors.cli.desk import settings


@click.command()
@click.option("--host", help="Address to listen on; default 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; default 8484, 0 picks a free one.")
@click.option("--database", help="sqlite:///path or postgresql://…; default .interlock/interlock.db.")
@click.option("--worker/--no-worker", default=None, help="Move rollouts too; default yes (INTERLOCK_WORKER).")
@click.option("--log", type=click.Choice(["json", "text"]), help="Log format; default json unless on a terminal.")
def serve(host: str | None, port: int | None, database: str | None, worker: bool | None, log: str | None) -> None:  # noqa: FBT001  # as click passes it
    """Serve the API."""
    config = settings().at(database)
    config = replace(config, host=host or config.host, port=config.port if port is None else port)
    wanted = log or config.log or ("text" if sys.stderr.isatty() else "json")

    gc.set_threshold(100_000, 50, 50)  # main collects so seldom because a command soon ends

    from interlock.bootstrap import build  # noqa: PLC0415  # --help needs no server
    from interlock.doors.api.server import run  # noqa: PLC0415  # likewise
    from interlock.plugins.world.rollback_journal import RollbackJournal  # noqa: PLC0415  # likewise
    from interlock.road.rollbacks import hand_over  # noqa: PLC0415  # likewise

    moves = config.worker if worker is None else worker
    interlock = build(config, server=True)
    with suppress(InterlockError):  # what waits to be told goes on waiting
        hand_over(interlock.station, RollbackJournal(config.home))
    try:
        run(
            interlock.station,
            host=config.host,
            port=config.port,
            as_json=wanted == "json",
            beside=(lambda observer: interlock.working(observer.worker_failed)) if moves else nullcontext,
        )
    finally:
        interlock.close()
