"""Records found by an attribute of several words, over SQLite and a real PostgreSQL."""

from __future__ import annotations

import json
import tempfile
import threading
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.core.change.errors import Conflict, InvalidInput
from interlock.core.ledger.entry import Entry
from interlock.core.ledger.note import NoteSigner
from interlock.storage import RecordType, open_store

WORDS = ("red", "green", "blue", "Ω ☃")


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    id: str
    on: bool = True
    tags: tuple[str, ...] = ()
    version: int = 1

    @property
    def shown(self) -> tuple[str, ...]:
        return self.tags if self.on else ()


CARDS = RecordType(kind=Card, table="cards", columns=("on",), many=("shown",), version="version")
PLAIN = RecordType(kind=Card, table="cards", columns=("on",), version="version")


@pytest.fixture
def cards(opener):
    return opener(record_types=[CARDS])


def keep(store, kit, *records):
    def work(tx):
        for record in records:
            tx.records(Card).add(record)
            tx.log.append(kit.entry(subject=record.id))

    store.write(work)


def change(store, kit, record, version=None):
    def work(tx):
        tx.records(Card).replace(record, expected_version=version)
        tx.log.append(kit.entry(subject=record.id))

    store.write(work)


def carriers(store, *words):
    return store.read(lambda tx: tx.index(Card).carriers("shown", words))


def counts(store, besides=""):
    return store.read(lambda tx: tx.index(Card).counts("shown", besides=besides))


def test_ids_are_found_by_a_column_of_one_value_oldest_first(cards, kit):
    keep(cards, kit, Card(id="b"), Card(id="a", on=False), Card(id="c"))

    def ids(*values, column="on"):
        return cards.read(lambda tx: tx.index(Card).ids(column, values))

    assert ids("True") == ["b", "c"]
    assert ids("True", "False") == ["b", "a", "c"]
    assert ids() == []
    with pytest.raises(InvalidInput, match="a column of one value"):
        ids("red", column="shown")


def test_a_record_is_found_by_any_of_its_words_and_once(cards, kit):
    keep(cards, kit, Card(id="b", tags=("red", "blue", "red")), Card(id="a", tags=("red",)), Card(id="c"))
    assert carriers(cards, "red", "blue") == ["a", "b"]
    assert carriers(cards, "blue") == ["b"]
    assert carriers(cards, "green") == carriers(cards) == []
    assert counts(cards) == {"red": 2, "blue": 1}
    assert counts(cards, besides="b") == {"red": 1}


def test_a_new_form_carries_its_own_words_only(cards, kit):
    keep(cards, kit, Card(id="a", tags=("red", "blue")))
    change(cards, kit, Card(id="a", tags=("blue", "green")))
    assert counts(cards) == {"blue": 1, "green": 1}
    change(cards, kit, Card(id="a", tags=("blue", "green"), on=False))
    assert counts(cards) == {}


def test_a_write_is_seen_in_its_own_transaction(cards, kit):
    def work(tx):
        tx.records(Card).add(Card(id="a", tags=("red",)))
        before = tx.index(Card).carriers("shown", ["red"])
        tx.records(Card).replace(Card(id="a", tags=("green",)))
        tx.log.append(kit.entry(subject="a"))
        return before, tx.index(Card).counts("shown", besides="")

    assert cards.write(work) == (["a"], {"green": 1})


def test_what_was_refused_or_rolled_back_leaves_no_word(cards, kit):
    keep(cards, kit, Card(id="a", tags=("red",)))
    with pytest.raises(Conflict):
        keep(cards, kit, Card(id="a", tags=("blue",)))
    with pytest.raises(Conflict):
        change(cards, kit, Card(id="a", tags=("green",), version=2), version=7)
    with pytest.raises(InvalidInput):
        keep(cards, kit, Card(id="b", tags=("green",)), Card(id="c", tags=("a\0b",)))
    assert counts(cards) == {"red": 1}


def test_words_of_neighbours_in_one_group_are_all_kept(cards, kit):
    def one(number):
        keep(cards, kit, Card(id=f"c{number}", tags=("red", WORDS[number % 4])))
        if number % 3 == 0:
            change(cards, kit, Card(id=f"c{number}", tags=("blue",), version=2), version=1)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    naive = cards.read(lambda tx: tx.records(Card).find())
    assert len(naive) == 24
    expected = {word: sum(word in record.shown for record in naive) for word in WORDS}
    assert counts(cards) == {word: number for word, number in expected.items() if number}


def test_more_words_than_one_statement_takes(cards, kit):
    keep(cards, kit, Card(id="a", tags=tuple(f"w{number}" for number in range(1_300))))
    assert carriers(cards, *(f"w{number}" for number in range(1_200, 70_000))) == ["a"]


def test_another_column_or_an_odd_word_is_refused(cards):
    for ask in (
        lambda tx: tx.index(Card).carriers("tags", ["red"]),
        lambda tx: tx.index(Card).counts("on", besides=""),
        lambda tx: tx.index(Card).carriers("shown", ["a\0b"]),
    ):
        with pytest.raises(InvalidInput):
            cards.read(ask)


def test_a_table_that_gains_words_is_filled_from_its_records(opener, kit):
    old = opener(record_types=[PLAIN])
    keep(old, kit, Card(id="a", tags=("red",)), Card(id="b", tags=("red", "blue"), on=False))
    old.close()
    assert counts(opener(record_types=[CARDS])) == {"red": 1}


def test_words_do_not_change_the_shape_of_classes_without_them():
    assert "many" not in json.loads(PLAIN.shape())


class Still:
    """A clock that stands."""

    def now(self):
        return START


class Entries:
    """What the steps append."""

    @staticmethod
    def entry(subject):
        return Entry(kind="card.kept", subject=subject, actor="ana", at=START, body={})


START = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)
SIGNER = NoteSigner("ledger.example/test", bytes(range(32)))
steps = st.lists(
    st.tuples(st.integers(0, 5), st.lists(st.sampled_from(WORDS), max_size=4).map(tuple), st.booleans()),
    max_size=25,
)


@settings(max_examples=25)
@given(steps, st.lists(st.sampled_from(WORDS)), st.integers(0, 5))
def test_it_finds_what_reading_every_record_finds(steps, wanted, besides):
    """Whatever was added and replaced: a naive count over a dictionary of the same cards."""
    cards = {}
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/cards.db", signer=SIGNER, clock=Still(), record_types=[CARDS])
        for number, tags, on in steps:
            card = Card(id=f"c{number}", tags=tags, on=on)
            (change if card.id in cards else keep)(store, Entries, card)
            cards[card.id] = card
        found, counted = carriers(store, *wanted), counts(store, besides=f"c{besides}")
        store.close()
    assert found == sorted(name for name, card in cards.items() if set(card.shown) & set(wanted))
    rest = [card for name, card in cards.items() if name != f"c{besides}"]
    naive = {word: sum(word in card.shown for card in rest) for word in WORDS}
    assert counted == {word: number for word, number in naive.items() if number}
