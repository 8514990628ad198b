"""What the machine itself can do just now: the same rows committed by the bare driver, with nothing around it.

A commit holds the rows of one full group (8 submitters, 16 entries each) and the move of a head row, on one
connection, durably. No interlock, no HTTP, no hashes, no checkpoint: nobody gets below these times here.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

GROUP = 8 * 16
_ROW = ("chg-1", b"x" * 220, b"y" * 32)
_TABLES = (
    "CREATE TABLE entry (position bigint primary key, subject text, leaf {bytes}, hash {bytes})",
    "CREATE TABLE head (size bigint)",
    "INSERT INTO head VALUES (0)",
)


def commits(url: str, folder: Path, seconds: float) -> list[float]:
    """How long each commit took, in ms."""
    write = _sqlite(folder / "floor.db") if url.startswith("sqlite") else _postgresql(url)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end:
        write(len(times) * GROUP)
        times.append((time.perf_counter() - begun) * 1e3)
    return times


def _sqlite(file: Path) -> Callable[[int], None]:
    connection = sqlite3.connect(file, isolation_level=None)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", *_TABLES):
        connection.execute(statement.format(bytes="blob")).fetchall()

    def write(start: int) -> None:
        connection.execute("BEGIN IMMEDIATE")
        rows = [(start + at, *_ROW) for at in range(GROUP)]
        connection.executemany("INSERT INTO entry VALUES (?, ?, ?, ?)", rows)
        connection.execute("UPDATE head SET size = ?", (start + GROUP,))
        connection.execute("COMMIT")

    return write


def _postgresql(url: str) -> Callable[[int], None]:
    connection = psycopg.connect(url)
    for statement in ("SET synchronous_commit = on", *_TABLES):
        connection.execute(statement.format(bytes="bytea"))
    connection.commit()
    unnest = "INSERT INTO entry SELECT * FROM unnest(%b::bigint[], %b::text[], %b::bytea[], %b::bytea[])"

    def write(start: int) -> None:
        columns = [list(range(start, start + GROUP)), *([value] * GROUP for value in _ROW)]
        connection.execute("SELECT size FROM head FOR UPDATE")
        connection.execute(unnest, columns)
        connection.execute("UPDATE head SET size = %s", (start + GROUP,))
        connection.commit()

    return write
