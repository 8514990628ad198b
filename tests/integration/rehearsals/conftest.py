"""A real PostgreSQL with a fresh database for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import psycopg
import pytest

from interlock.plugins.world.postgresql import PostgreSQL

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with PostgreSQL() as server:
        yield server


@pytest.fixture
def address(server: PostgreSQL) -> str:
    """The address of a fresh, empty database."""
    name = f"fresh{next(_NUMBERS)}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return server.url.replace("/postgres?", f"/{name}?")


@pytest.fixture
def database(address: str) -> Iterator[psycopg.Connection]:
    """A connection to it."""
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection
