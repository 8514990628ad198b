"""The store against a naive model: a dictionary of records and a list of entries."""

import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from interlock.core.change.canonical import canonical, sha256
from interlock.core.change.errors import Conflict, NotFound
from interlock.core.ledger.checkpoint import open_checkpoint
from interlock.core.ledger.entry import Entry
from interlock.core.ledger.merkle import EMPTY_ROOT, hash_children, hash_leaf, verify_consistency
from interlock.core.ledger.note import NoteSigner
from interlock.ports.store import Page
from interlock.storage import RecordType, open_store
from interlock.storage.audit import audit

START = datetime(2026, 3, 5, tzinfo=UTC)
SIGNER = NoteSigner("ledger.example/model", bytes(range(32)))
NAMES = st.sampled_from(["a", "b", "c", "d"])
STATES = st.sampled_from(["open", "shut"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    id: str
    state: str
    version: int = 1


THINGS = RecordType(kind=Thing, table="things", columns=("state",), version="version")


class FixedClock:
    def now(self):
        return START


def naive_root(leaves):
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return hash_leaf(leaves[0])
    middle = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hash_children(naive_root(leaves[:middle]), naive_root(leaves[middle:]))


class Boom(Exception):
    """Raised inside work, on purpose."""


class StoreMachine(RuleBasedStateMachine):
    """Random work, some of which fails; after each step both tell the same."""

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.url = f"sqlite:///{Path(self.folder.name) / 'model.db'}"
        self.things, self.entries, self.notes = {}, [], []
        self.open_it()

    def open_it(self):
        self.store = open_store(self.url, signer=SIGNER, clock=FixedClock(), record_types=[THINGS])

    def entry(self, name, number):
        return Entry(kind="thing.moved", subject=name, actor="ana", at=START, body={"n": number})

    def naming(self, entry, thing):
        return replace(entry, records={f"things/{thing.id}": sha256(canonical(thing))})

    @rule(name=NAMES, state=STATES)
    def add(self, name, state):
        entry = self.entry(name, len(self.entries))

        def work(tx):
            tx.records(Thing).add(Thing(id=name, state=state))
            return tx.log.append(entry)

        if name in self.things:
            with pytest.raises(Conflict):
                self.store.write(work)
            return
        assert self.store.write(work) == len(self.entries)
        self.things[name] = Thing(id=name, state=state)
        self.entries.append(self.naming(entry, self.things[name]))

    @rule(name=NAMES, state=STATES, stale=st.booleans(), look=st.booleans())
    def replace(self, name, state, stale, look):
        entry = self.entry(name, len(self.entries))
        known = self.things.get(name)
        expected = (known.version if known else 1) + stale

        def work(tx):
            things = tx.records(Thing)
            if look:
                assert things.get(name) == known
            things.replace(Thing(id=name, state=state, version=expected + 1), expected_version=expected)
            if look:
                assert things.get(name).state == state, "a transaction sees its own writes"
            return tx.log.append(entry)

        if known is None or stale:
            with pytest.raises(NotFound if known is None else Conflict):
                self.store.write(work)
            return
        assert self.store.write(work) == len(self.entries)
        self.things[name] = replace(known, state=state, version=expected + 1)
        self.entries.append(self.naming(entry, self.things[name]))

    @rule(count=st.integers(1, 300))
    def append_many(self, count):
        entries = [self.entry("many", n) for n in range(count)]
        places = self.store.write(lambda tx: [tx.log.append(entry) for entry in entries])
        assert places == list(range(len(self.entries), len(self.entries) + count))
        self.entries += entries

    @rule(name=NAMES)
    def fail_after_writing(self, name):
        def work(tx):
            tx.log.append(self.entry(name, -1))
            tx.records(Thing).add(Thing(id=f"{name}-never", state="open"))
            tx.put_blob(name.encode())
            raise Boom

        with pytest.raises(Boom):
            self.store.write(work)

    @rule()
    def close_and_open(self):
        self.store.close()
        self.open_it()

    @rule()
    def sign(self):
        checkpoint = open_checkpoint(self.store.checkpoint(), SIGNER.verifier)
        assert checkpoint.size == len(self.entries)
        assert checkpoint.root == naive_root([entry.leaf() for entry in self.entries])
        for old in self.notes[-3:]:
            if 0 < old.size < checkpoint.size:
                proof = self.store.consistency(old.size, checkpoint.size)
                verify_consistency(old.size, checkpoint.size, old.root, checkpoint.root, proof)
        self.notes.append(checkpoint)

    @rule(place=st.floats(0, 1, exclude_max=True))
    def prove(self, place):
        if self.entries:
            index = int(place * len(self.entries))
            leaf, proof = self.store.prove(index)
            assert leaf == self.entries[index].leaf()
            proof.verify(leaf, SIGNER.verifier)

    @invariant()
    def both_tell_the_same(self):
        def look(tx):
            things = tx.records(Thing)
            newest = [each.id for each in things.page(Page(limit=3))]
            return {each.id: each for each in things.find()}, things.find(state="open"), newest

        things, open_ones, newest = self.store.read(look)
        assert things == self.things
        assert list(things) == list(self.things), "oldest first"
        assert open_ones == [each for each in self.things.values() if each.state == "open"]
        assert newest == list(reversed(self.things))[:3]
        for name in {entry.subject for entry in self.entries[-2:]}:
            stands = [(at, entry) for at, entry in enumerate(self.entries) if entry.subject == name]
            assert self.store.read(lambda tx, name=name: tx.log.entries(name)) == stands

    def teardown(self):
        self.store.close()
        report = audit(self.url, SIGNER.verifier)
        assert (report.findings, report.size) == ((), len(self.entries))
        assert report.records == len(self.things)
        self.folder.cleanup()


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=12, stateful_step_count=20)
