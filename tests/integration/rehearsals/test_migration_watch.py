"""A server that ends while a migration is watched: that is said, and no number is made of it."""

from __future__ import annotations

import threading
import time

import psycopg
import pytest

from interlock.plugins.rehearsals.migration_tools import Missing
from interlock.plugins.rehearsals.migration_watch import Writer, install, sampling, writing
from interlock.plugins.world.postgresql import PostgreSQL


@pytest.fixture
def ending():
    """A server of its own with one table, to be ended."""
    with PostgreSQL() as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            install(connection)
            connection.execute("CREATE TABLE orders AS SELECT 1 AS id")
        yield server


def connecting(server):
    return lambda name: psycopg.connect(server.url, autocommit=True, application_name=name)


@pytest.fixture
def crashed(monkeypatch):
    """The threads that died with an exception that nobody had thought of."""
    found = []
    monkeypatch.setattr(threading, "excepthook", found.append)
    return found


def end(server):
    server.kill()
    time.sleep(0.2)


def test_a_sampler_that_loses_its_server_says_so_and_dies_quietly(ending, crashed):
    with pytest.raises(Missing, match="a PostgreSQL that goes on to the end"), sampling(connecting(ending)):
        end(ending)
    assert crashed == []


def test_a_writer_that_loses_its_server_has_not_measured_that_nobody_waited(ending, crashed):
    writer = Writer(table="orders", statement="UPDATE orders SET id = id")
    watched = writing(connecting(ending), [writer])
    with pytest.raises(Missing, match="a PostgreSQL that goes on to the end"), watched:
        end(ending)
    assert writer.writes >= 3
    assert crashed == []
