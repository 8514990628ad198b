"""What a mark proves of a backup that somebody took before, on a real PostgreSQL: by key and by value."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.snapshots.conftest import PLAN

from interlock.core.change.errors import InvalidInput
from interlock.core.snapshot.outcome import predicate
from interlock.core.snapshot.plan_read import read_snapshot_plan
from interlock.doors.cli.screens.snapshot import saved as saved_screen

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
    assert judged(file) == ("passed", "")


@pytest.mark.parametrize("key", ["", "ALTER TABLE orders DROP CONSTRAINT orders_pkey"])
def test_rows_that_the_source_no_longer_has_prove_nothing_unless_the_plan_says_so(judged, shop, dumped, key):
    shop.execute(key)
    file = dumped("--format=custom")
    shop.execute("DELETE FROM orders WHERE id > 1900")
    verdict, said = judged(file)
    assert verdict == "undecidable"
    assert said.startswith("100 rows of orders in it that the source no longer has: deleted since, or")
    assert said.endswith("say so: deletes: [orders]")
    assert judged(file, 15, f"{MARKS}\ndeletes: [orders]") == ("passed", "")
    shop.execute("DELETE FROM orders WHERE id <= 1900")
    assert "no row of orders is from before" in judged(file, 15, f"{MARKS}\ndeletes: [orders]")[1]


def test_what_is_signed_says_what_was_compared_and_how(saved, shop, dumped):
    file = dumped("--format=custom")
    shop.execute("DELETE FROM orders WHERE id > 1900")
    claimed = datetime(2026, 3, 5, 15, tzinfo=UTC)
    os.utime(file, (claimed.timestamp(), claimed.timestamp()))
    more = "marks: {orders: placed_at}\ndeletes: [orders]\nslack: 10m"
    seen, found = saved("existing", file, more, lambda: claimed + timedelta(minutes=5))
    plan = read_snapshot_plan(
        "snapshot-plans/orders.yaml", PLAN.format(take="existing", file=file, more=more).encode()
    )
    said = predicate(plan, seen, found)
    assert (said["verdict"], said["tables"], said["tables_equal"]) == ("passed", 2, 1)
    assert said["marks_until"] == "2026-03-05T14:50:00+00:00"
    assert said["by_marks"] == {
        "orders": {"mark": "placed_at", "rows": 1_900, "lacking": 0, "gone_from_source": 100}
    }
    done = {**said, "service": "order-service", "environment": "production", "evidence": None, "unverified": []}
    lines = saved_screen(done)
    screen = " ".join(" ".join(lines).split())
    assert (
        "orders: 1,900 rows of the source up to 2026-03-05 14:50 UTC by placed_at are in it as they are" in screen
    )
    assert "not seen: what the backup lost and the source has deleted since" in screen
    assert max(map(len, lines)) <= 80


def test_deletes_go_with_a_mark_only():
    content = PLAN.format(take="existing", file="a.dump", more="marks: {orders: at}\ndeletes: [order]").encode()
    with pytest.raises(InvalidInput, match="did you mean `orders`"):
        read_snapshot_plan("snapshot-plans/orders.yaml", content)


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
