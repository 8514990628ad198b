"""What HAProxy says of itself and of one backend: ``show info;show stat BACKEND 6 -1``, read.

Rules:
1. Columns are found by name, since versions add some. One that is needed and missing is a ``BadReply``.
2. ``weight`` is what a server is worth now: 0 unless it takes new traffic. ``UP 1/2`` (going down) still does,
   ``DOWN 1/2`` (coming up) does not yet, ``no check`` does.
3. One run of HAProxy is its process id with its start: ids come again, in a container even the same.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass

from interlock.plugins.routers.wire import bad

_HEAD = "# pxname"
_NEEDED = ("svname", "type", "stot", "weight", "uweight", "status", "bck", "wretr", "wredis")
_BACKEND, _SERVER = "1", "2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """``weight`` counts now, ``configured`` is what was set; ``assigned`` is all that it was ever given.

    ``takes`` says whether it takes new traffic.
    """

    name: str
    takes: bool
    weight: int
    configured: int
    assigned: int
    backup: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """One backend. ``retried`` are retries and redispatches; ``mode``, ``algorithm`` are empty where untold."""

    servers: tuple[Server, ...]
    mode: str
    algorithm: str
    cookie: str
    retried: int
    since: str


def read_stat(answer: str, *, plugin: str) -> Stat | None:
    """What was answered, None where there is no such backend.

    Raises:
        BadReply: ``router-reply``.
    """
    about, _, table = answer.partition(_HEAD)
    if not table:
        if "no such proxy" in about.lower():
            return None
        raise bad("the statistics of HAProxy", about.strip()[:60], plugin=plugin)
    rows = [row for row in csv.DictReader((_HEAD + table).splitlines()) if row.get("svname")]
    if not rows:
        return None  # a frontend of that name
    if any(rows[0].get(name) is None for name in _NEEDED):
        raise bad("the statistics of HAProxy", table[:60], plugin=plugin)
    servers = [row for row in rows if row["type"] == _SERVER]
    whole = next((row for row in rows if row["type"] == _BACKEND), {})
    try:
        return Stat(
            servers=tuple(_server(row) for row in servers),
            mode=whole.get("mode") or "",
            algorithm=whole.get("algo") or "",
            cookie=whole.get("cookie") or next((row["cookie"] for row in servers if row.get("cookie")), ""),
            retried=sum(int(row["wretr"] or 0) + int(row["wredis"] or 0) for row in rows),
            since=_since(about, plugin),
        )
    except ValueError as error:
        raise bad("numbers in the statistics of HAProxy", str(error), plugin=plugin) from error


def _server(row: dict[str, str]) -> Server:
    takes = row["status"].startswith("UP") or row["status"] == "no check"
    return Server(
        name=row["svname"],
        takes=takes,
        weight=int(row["weight"]) if takes else 0,
        configured=int(row["uweight"]),
        assigned=int(row["stot"]),
        backup=row["bck"] not in {"", "0"},
    )


def _since(about: str, plugin: str) -> str:
    said = dict(line.split(": ", 1) for line in about.splitlines() if ": " in line)
    if "Pid" not in said:
        raise bad("HAProxy's process id", about.strip()[:60], plugin=plugin)
    return f"{said['Pid']}@{said.get('Start_time_sec', '')}".rstrip("@")
