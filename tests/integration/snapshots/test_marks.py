"""What a mark proves of a backup that somebody took before, on a real PostgreSQL: by key and by value."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest

MARKS = "marks: {orders: placed_at}\nwithout: [customers]\nslack: 0s"


@pytest.fixture
def judged(saved):
    """``judged(file, hour, more)``: the verdict and reasons where the file claims to be of that hour."""

    def done(file, hour=15, more=MARKS):
        claimed = datetime(2026, 3, 5, hour, tzinfo=UTC)
        os.utime(file, (claimed.timestamp(), claimed.timestamp()))
        _, found = saved("existing", file, more, lambda: claimed + timedelta(minutes=5))
        return found.verdict, " | ".join(found.reasons)

    return done


def test_an_older_state_labelled_newer_is_none_where_rows_were_only_updated(judged, shop, dumped):
    file = dumped("--format=custom")
    shop.execute("UPDATE orders SET total = 0, placed_at = '2026-03-05 14:00+00' WHERE id <= 1500")
    assert judged(file) == (
        "failed",
        (
            "it restores an older state than that of 2026-03-05 15:00:00 UTC, which it claims: of 2,000 rows of "
            "orders from before then 1,500 are as they were before they were last written; the newest it has is "
            "of 2026-03-05 12:33:20+00"
        ),
    )
    assert judged(file, 13) == ("passed", ""), "with its true time it has what was not written since"


@pytest.mark.parametrize("key", ["", "ALTER TABLE orders DROP CONSTRAINT orders_pkey"])
def test_one_whose_values_are_spoiled_is_none(judged, shop, dumped, key):
    shop.execute(key)
    shop.execute("UPDATE orders SET note = 'garbage' WHERE id <= 700")
    file = dumped("--format=custom")
    shop.execute("UPDATE orders SET note = NULLIF('note ' || id % 7, 'note 0') WHERE id <= 700")
    verdict, said = judged(file)
    assert verdict == "failed"
    told = "it lacks 700" if key else "700 have other values (every write must move placed_at)"
    assert f"of 2,000 rows of orders from before then {told}" in said
    assert judged(dumped("--format=custom")) == ("passed", "")


def test_rows_of_which_the_source_has_only_newer_ones_or_none_are_no_loss(judged, shop, dumped):
    file = dumped("--format=custom")
    shop.execute("UPDATE orders SET total = 0, placed_at = '2026-03-05 15:04+00' WHERE id <= 1500")
    shop.execute("DELETE FROM orders WHERE id > 1900")
    assert judged(file) == ("passed", "")


def test_a_mark_that_is_null_everywhere_proves_nothing(judged, shop, dumped):
    shop.execute("ALTER TABLE orders ALTER placed_at DROP NOT NULL")
    file = dumped("--format=custom", "--exclude-table-data=orders")
    shop.execute("UPDATE orders SET placed_at = NULL")
    verdict, said = judged(file)
    assert verdict == "undecidable"
    assert "no row of orders is from before 2026-03-05 15:00:00 UTC by placed_at" in said
    assert "2,000 of the rows of orders without placed_at are not in it as they are" in said


def test_a_row_without_a_mark_that_is_not_there_is_undecided(judged, shop, dumped):
    shop.execute("ALTER TABLE orders ALTER placed_at DROP NOT NULL")
    shop.execute("UPDATE orders SET placed_at = NULL WHERE id > 1990")
    assert judged(dumped("--format=custom")) == ("passed", "")
    file = dumped("--format=custom")
    shop.execute("INSERT INTO orders (customer, total) VALUES (1, 2)")
    assert judged(file) == (
        "undecidable",
        "1 of the rows of orders without placed_at are not in it as they are, and nobody can tell since when",
    )


def test_a_claim_from_before_every_row_proves_nothing(judged, dumped):
    file = dumped("--format=custom", "--exclude-table-data=orders")
    verdict, said = judged(file, 11)
    assert verdict == "undecidable"
    assert "no row of orders is from before 2026-03-05 11:00:00 UTC by placed_at" in said


def test_one_that_claims_to_be_of_the_future_is_none(saved, dumped):
    file, now = dumped("--format=custom"), datetime(2026, 3, 5, 15, tzinfo=UTC)
    for minutes, verdict in ((4, "passed"), (6, "failed")):
        claimed = (now + timedelta(minutes=minutes)).timestamp()
        os.utime(file, (claimed, claimed))
        found = saved("existing", file, "", lambda: now)[1]
        assert found.verdict == verdict
    assert found.reasons == ("it claims to be of 2026-03-05 15:06:00 UTC, which is 6.0 min from now",)
