"""SIGKILL, again and again: nothing acknowledged is lost, doubled or reordered."""

import os
import threading
import time

import pytest

from interlock.testing.postgresql import PostgreSQL

KILLS = 50


@pytest.mark.soak
def test_killed_fifty_times(url, history):
    history.run(url, "kill", KILLS, seed=20260305, seconds=180)
    size = history.check(url)
    acknowledged = len(history.acknowledged())
    assert acknowledged > KILLS, "the kills came before anything was written"
    assert size >= acknowledged


@pytest.mark.soak
def test_killed_thousands_of_times(url, history):
    history.run(url, "kill", 2_000, seed=1, seconds=3_600)
    assert history.check(url) >= len(history.acknowledged()) > 2_000


@pytest.mark.soak
def test_servers_racing_on_one_postgresql(postgresql, history, appender):
    url = postgresql.new_database()
    history.run(url, "race", 4, seed=0, seconds=120)
    assert history.check(url) == 4 * appender.THREADS * appender.SHARE
    assert len(history.acknowledged()) == 4 * appender.THREADS * appender.SHARE


def test_processes_racing_on_one_sqlite_file(tmp_path, history, appender):
    url = f"sqlite:///{tmp_path / 'interlock.db'}"
    history.run(url, "race", 3, seed=0, seconds=120)
    assert history.check(url) == 3 * appender.THREADS * appender.SHARE


@pytest.mark.soak
def test_postgresql_itself_killed(history, appender):
    """The server goes on by itself when the database is back; what it could not know it called unknown."""
    with PostgreSQL() as server:
        url = server.new_database()
        appender.open_it(url).close()
        reading, writing = os.pipe()
        pid, pipe = appender.start(url, 1, None)
        os.close(writing)
        os.close(reading)
        events = []
        reader = threading.Thread(target=lambda: events.extend(appender.drain([pipe])))
        reader.start()
        for turn in range(3):
            time.sleep(0.25 + 0.05 * turn)
            server.kill()
            server.start()
        time.sleep(0.6)
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        reader.join()
        history.events = events
        assert history.check(url) >= len(history.acknowledged()) > 20
        last_failure = max(at for at, event in enumerate(events) if event[0] in "uf")
        assert any(event[0] == "a" for event in events[last_failure:]), "it did not go on after the last kill"


def test_the_first_call_after_a_restart_of_postgresql_works(appender):
    """Pooled connections are dead then; what was not committed is tried once more on a fresh one."""
    with PostgreSQL() as server:
        store = appender.open_it(server.new_database())
        store.write(appender.bump(0, 0, 0))
        assert store.read(lambda tx: len(tx.log.entries("0.0"))) == 1
        server.kill()
        server.start()
        assert store.read(lambda tx: len(tx.log.entries("0.0"))) == 1
        assert store.write(appender.bump(0, 0, 1)) == 1
        store.close()
