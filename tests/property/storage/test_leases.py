"""Leases against a naive model, under a clock that the test moves, also backwards."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from interlock.core.change.errors import Conflict
from interlock.core.ledger.entry import Entry
from interlock.core.ledger.note import NoteSigner
from interlock.storage import open_store
from interlock.storage.leases import SqlLeases

START = datetime(2026, 3, 5, tzinfo=UTC)
SIGNER = NoteSigner("ledger.example/leases", bytes(range(32)))
WORKS = st.sampled_from(["a", "b", "c"])
OWNERS = st.sampled_from(["ana", "ben"])
SPANS = st.sampled_from([1.0, 3.0, 60.0])
AFTER = st.sampled_from([0.0, 2.0, 30.0])


class FixedClock:
    def now(self):
        return START


class Row:
    """What the model knows of one piece of work."""

    def __init__(self):
        self.owner, self.token, self.until, self.due, self.span = None, 0, None, None, 0.0

    def offer(self, due, span):
        self.due = due if self.due is None else min(self.due, due)
        self.span = max(self.span, span)

    def free(self, now):
        return self.until <= now if self.owner else self.due is not None and self.due <= now

    def cut(self, now):
        self.until = self.until and min(self.until, now + self.span)
        self.due = self.due and min(self.due, now + self.span)


class LeaseMachine(RuleBasedStateMachine):
    """Two owners over one table; after each step table and model say the same of who holds what."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        url = f"sqlite:///{Path(self.folder.name) / 'leases.db'}"
        self.store = open_store(url, signer=SIGNER, clock=FixedClock(), record_types=[])
        self.now = 1_000_000.0
        self.leases = SqlLeases(self.store._engines, steady=lambda: self.now)
        self.rows = {}
        self.given = []

    def teardown(self):
        self.store.close()
        self.folder.cleanup()

    @rule(work=WORKS, after=AFTER)
    def offer(self, work, after):
        self.leases.offer(work, after=after)
        self.rows.setdefault(work, Row()).offer(self.now + after, after)

    @rule(owner=OWNERS, seconds=SPANS, most=st.integers(1, 3))
    def claim(self, owner, seconds, most):
        free = {work for work, row in self.rows.items() if row.free(self.now)}
        taken = self.leases.claim(owner, seconds=seconds, most=most)
        assert len(taken) == min(most, len(free))
        assert {lease.work for lease in taken} <= free
        for lease in taken:
            row = self.rows[lease.work]
            assert lease.token == row.token + 1
            row.owner, row.token, row.until = owner, lease.token, self.now + seconds
            row.due, row.span = None, seconds
            self.given.append(lease)
        if not taken:
            for row in self.rows.values():
                row.cut(self.now)

    def held(self, lease):
        row = self.rows[lease.work]
        return (row.owner, row.token) == (lease.owner, lease.token)

    @rule(seconds=SPANS)
    def renew_everything_ever_given(self, seconds):
        kept = self.leases.renew(self.given, seconds=seconds)
        assert {(one.work, one.token) for one in kept} == {
            (one.work, one.token) for one in self.given if self.held(one)
        }
        for lease in kept:
            row = self.rows[lease.work]
            row.until, row.span = self.now + seconds, max(row.span, seconds)

    @rule(number=st.integers(0, 1_000), after=st.one_of(st.none(), AFTER))
    def release(self, number, after):
        if not self.given:
            return
        lease = self.given[number % len(self.given)]
        self.leases.release(lease, after=after)
        if self.held(lease):
            row = self.rows[lease.work]
            row.owner = row.until = None
            if after is not None:
                row.offer(self.now + after, after)

    @rule(number=st.integers(0, 1_000))
    def write_under_a_lease(self, number):
        if not self.given:
            return
        lease = self.given[number % len(self.given)]

        def work(tx):
            tx.fenced(lease)
            return tx.log.append(Entry(kind="used", subject=lease.work, actor="t", at=START, body={}))

        if self.held(lease):
            self.store.write(work)
        else:
            with pytest.raises(Conflict):
                self.store.write(work)

    @rule(seconds=st.sampled_from([0.5, 2.0, 40.0, -3_600.0]))
    def time_goes_on_or_is_set_back(self, seconds):
        self.now += seconds

    @invariant()
    def nothing_waits_longer_than_it_was_given_once_somebody_looked(self):
        for row in self.rows.values():
            assert row.token == max((one.token for one in self.given if self.rows[one.work] is row), default=0)


TestLeases = LeaseMachine.TestCase
TestLeases.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
