"""Every statement and every commit of a write: lost, and applied but reported as failed."""

import sqlite3

import pytest
import sqlalchemy as sa

from interlock.core.change.errors import InterlockError, Unavailable
from interlock.storage.audit import audit
from interlock.storage.transaction import SqlTx

MOST = 40


class Fault:
    """Breaks the n-th statement or commit on writing connections: before it is done, or after."""

    def __init__(self, engine, *, at, after):
        self.left = at
        self.after = after
        self.hit = None
        self._engine = engine
        sa.event.listen(engine, "before_cursor_execute", self._before)
        sa.event.listen(engine, "after_cursor_execute", self._done)
        self._commit = engine.dialect.do_commit
        engine.dialect.do_commit = self._do_commit

    def take_off(self):
        sa.event.remove(self._engine, "before_cursor_execute", self._before)
        sa.event.remove(self._engine, "after_cursor_execute", self._done)
        self._engine.dialect.do_commit = self._commit

    def _strike(self, what):
        self.hit = what
        raise self._engine.dialect.dbapi.OperationalError("the connection broke")

    def _before(self, connection, cursor, statement, *rest):
        if statement.startswith(("BEGIN", "PRAGMA", "SET ", "SHOW")):
            return
        if not self.after:
            self.left -= 1
            if self.left == 0:
                self._strike(statement)

    def _done(self, connection, cursor, statement, *rest):
        if self.after and not statement.startswith(("BEGIN", "PRAGMA", "SET ", "SHOW")):
            self.left -= 1
            if self.left == 0:
                self._strike(statement)

    def _do_commit(self, connection):
        self.left -= 1
        if self.left == 0 and not self.after:
            self._strike("COMMIT")
        self._commit(connection)
        if self.left == 0:
            self._strike("COMMIT")


def broken_writes(store, appender, *, after):
    """Break the first, second, … step of a write each, until one goes through unbroken."""
    outcomes = []
    for at in range(1, MOST):
        fault = Fault(store._engines.writer, at=at, after=after)
        work = appender.bump(0, 0, at)
        try:
            store.write(work)
            outcomes.append((fault.hit, None))
        except InterlockError as error:
            outcomes.append((fault.hit, error.code))
        finally:
            fault.take_off()
        if fault.hit is None:
            return outcomes
    raise AssertionError("a write has more steps than this test counts")


@pytest.mark.parametrize("after", [False, True], ids=["lost", "applied but reported failed"])
def test_every_step_of_a_write(url, appender, after):
    store = appender.open_it(url)
    store.write(appender.bump(0, 0, 0))
    outcomes = broken_writes(store, appender, after=after)
    commits = [code for hit, code in outcomes if hit == "COMMIT"]
    statements = [code for hit, code in outcomes if hit not in ("COMMIT", None)]
    assert len(statements) >= 3
    assert set(commits) <= {"commit-unknown", None}, "a lost acknowledgement is unknown, never failed"
    assert "commit-unknown" in commits
    assert set(statements) <= {"database-unavailable", None}

    def look(tx: SqlTx):
        return tx.records(appender.Counter).get("0.0").value, tx.log.entries("0.0")

    value, entries = store.read(look)
    assert value == len(entries), "record and entry went apart"
    numbers = [entry.body["number"] for _, entry in entries]
    certain = [at for at, (_, code) in enumerate(outcomes, start=1) if code is None]
    unknown = [at for at, (_, code) in enumerate(outcomes, start=1) if code == "commit-unknown"]
    assert set(certain) <= set(numbers) <= {0, *certain, *unknown}
    assert len(set(numbers)) == len(numbers)
    if after:
        assert set(unknown) & set(numbers), "the commit was applied"
    store.close()
    report = audit(url, appender.SIGNER.verifier)
    assert (report.findings, report.size) == ((), len(entries))


def test_a_database_that_is_in_the_way_is_an_outage(tmp_path, appender, monkeypatch):
    """Another program holds the write lock for good."""
    monkeypatch.setattr("interlock.storage.engine.BUSY_SECONDS", 0.2)
    file = tmp_path / "interlock.db"
    store = appender.open_it(f"sqlite:///{file}")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        store.write(appender.bump(0, 0, 0))
    other.execute("ROLLBACK")
    other.close()
    assert store.write(appender.bump(0, 0, 1)) == 0
    store.close()
