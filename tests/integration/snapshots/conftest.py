"""A real PostgreSQL with a shop's database for each test, and a place for its backups."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from interlock.core.snapshot.plan_read import read_snapshot_plan
from interlock.plugins.snapshots.postgresql import PostgresSnapshots
from interlock.plugins.world.postgresql import PostgreSQL
from interlock.plugins.world.programs import SystemPrograms
from interlock.plugins.world.system import steady
from interlock.road.snapshot import snapshot

_NUMBERS = itertools.count(1)
SCHEMA = """
CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer integer REFERENCES customers,
  total numeric(10, 2), note text, placed_at timestamptz NOT NULL
);
CREATE INDEX orders_placed ON orders (placed_at);
INSERT INTO customers SELECT n, 'customer ' || n FROM generate_series(1, 50) n;
INSERT INTO orders (customer, total, note, placed_at)
  SELECT 1 + n % 50, n * 1.5, NULLIF('note ' || n % 7, 'note 0'),
    '2026-03-05 12:00+00'::timestamptz + n * interval '1 s'
  FROM generate_series(1, 2000) n;
"""
PLAN = """\
service: order-service
environment: production
database: SHOP_DATABASE
take: {take}
file: {file}
{more}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with PostgreSQL() as server:
        yield server


@pytest.fixture
def address(server: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a fresh database with a shop in it, as ``SHOP_DATABASE`` names it."""
    name = f"shop{next(_NUMBERS)}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    address = server.url.replace("/postgres?", f"/{name}?")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(SCHEMA.encode())
    monkeypatch.setenv("SHOP_DATABASE", address)
    return address


@pytest.fixture
def shop(address: str) -> Iterator[psycopg.Connection]:
    """A connection that may write."""
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection


@pytest.fixture
def dumped(server: PostgreSQL, address: str, tmp_path: Path) -> Callable[..., Path]:
    """``dumped(*options)``: a backup by pg_dump, now."""

    def made(*options: str) -> Path:
        file = tmp_path / f"orders-{next(_NUMBERS)}.dump"
        command = [server.binaries / "pg_dump", *options, f"--file={file}", address]
        subprocess.run([str(each) for each in command], check=True, timeout=120)
        return file

    return made


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., object]:
    """``saved(take, file, more)``: what came of that plan: what was seen, and the outcome."""

    def done(
        take: str = "pg_dump", file: object = "orders-{run}.dump", more: str = "", now=None, told=lambda _: None
    ):
        content = PLAN.format(take=take, file=file, more=more).encode()
        plan = read_snapshot_plan("snapshot-plans/orders.yaml", content)
        clock = now or (lambda: datetime.now(UTC))
        programs = SystemPrograms(str(tmp_path))
        desk = PostgresSnapshots(plan, run="snp-test", root=str(tmp_path), programs=programs, now=clock)
        try:
            return snapshot(plan, desk, now=clock, steady=steady, told=told)
        finally:
            desk.close()

    return done
