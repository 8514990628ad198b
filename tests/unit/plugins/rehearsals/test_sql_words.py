"""What is read off a statement that was sent."""

from __future__ import annotations

import pytest

from interlock.plugins.rehearsals.migration_literals import each_within
from interlock.plugins.rehearsals.sql_words import bound, changed, inside, shortened, sought, target, verb, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("UPDATE orders SET a = 1", ("UPDATE", "orders", ("a",))),
        ('UPDATE ONLY "Shop"."Order Lines" AS o SET (a, "B") = (1, 2), c = (SELECT d = 1)', (
            "UPDATE", "Order Lines", ("a", "B", "c"))),
        ("DELETE FROM shop.orders WHERE a = 1", ("DELETE", "orders", ())),
        ("WITH x AS (SELECT 1) INSERT INTO archive (a) SELECT * FROM x", ("INSERT", "archive", ())),
        ("WITH x AS (DELETE FROM a RETURNING *) SELECT * FROM x", ("SELECT", "from", ())),
        ("/* UPDATE x */ -- DELETE\nSELECT 1", ("SELECT", "", ())),
        ("", ("", "", ())),
    ],
)  # fmt: skip
def test_what_a_statement_does_and_to_what(text, expected):
    of = words(text)
    found = (verb(of), target(of), changed(of))
    assert found[0] == expected[0]
    if expected[0] != "SELECT":
        assert found == expected


def nearest(text):
    return [(one.literal.text, one.near[:1]) for one in sought(words(text))]


def test_a_literal_belongs_to_the_name_before_it():
    text = "DELETE FROM t WHERE t.s IN ('a', 'b''c') AND n > -2.5 AND x - 3 < 4 AND l(note) LIKE E'o\\'k%'"
    assert nearest(text) == [
        ("a", ("s",)), ("b'c", ("s",)), ("-2.5", ("n",)), ("3", ("x",)), ("4", ("x",)), ("o'k%", ("note",)),
    ]  # fmt: skip
    asked = nearest("SELECT 1 WHERE gone IS NULL AND there IS NOT NULL")
    assert asked == [("1", ("gone",)), ("null", ("gone",))]


def test_statements_within_bodies_texts_and_with_are_found():
    text = (
        "DO $x$ BEGIN IF true THEN UPDATE a SET b = 1; END IF; "
        "EXECUTE 'DELETE FROM c WHERE d = ''e'''; PERFORM 1; END $x$"
    )
    inner = [(verb(each), target(each)) for each in each_within(words(text))]
    assert ("UPDATE", "a") in inner
    assert ("DELETE", "c") in inner
    gone = inside(words("WITH g AS (DELETE FROM a WHERE (b = 1) RETURNING *) SELECT * FROM g"))
    assert [(verb(each), target(each), shortened("".join(w.raw for w in each))) for each in gone] == [
        ("DELETE", "a", "DELETE FROM a WHERE (b = 1) RETURNING *")
    ]


def test_values_of_places_are_written_into_the_statement_and_nowhere_else():
    text = "UPDATE t SET a = $1::text, b = '$2', c = $2 WHERE d = $10"
    assert bound(text, ["'x'", None]) == "UPDATE t SET a = 'x'::text, b = '$2', c = NULL WHERE d = $10"
