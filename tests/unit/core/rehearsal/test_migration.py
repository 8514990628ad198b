"""What is called what, from what was seen of a migration."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.change.canonical import canonical
from interlock.core.evidence.summary import MAX_OWN
from interlock.core.rehearsal.fingerprint import Difference, Fingerprint
from interlock.core.rehearsal.migration import Col, Stepped, TableState, blamed, findings, told_of
from interlock.core.rehearsal.outcome import Acted, Seen, outcome, predicate

NOTE, PAID = (Col(name="note", kind="text", required=False), Col(name="paid", kind="integer", required=True))
ORDERS = TableState(name="orders", file=7, columns={1: NOTE, 2: PAID}, changes=(50, 0, 0))
EXCLUSIVE = frozenset({(1, "AccessExclusiveLock")})


def step(after, locks=frozenset(), **more):
    now = {1: after} if after else {}
    return Stepped(name="0002", seconds=0.1, before={1: ORDERS}, after=now, locks=locks, **more)


def lost(column, after=None):
    return Difference(
        probe="database", item=f"table orders values of {column}", before="50 of 50 set, checksum 01", after=after
    )


def told(one, left=()):
    return [(each.kind, each.told) for each in findings(one, {"orders": 50}, left)]


@pytest.mark.parametrize(
    ("seen", "kind", "says"),
    [
        (step(replace(ORDERS, file=8), EXCLUSIVE), "rewrite", "rewrites orders"),
        (step(ORDERS, EXCLUSIVE, read={1: 50}), "scan", "reads through orders"),
        (step(ORDERS, EXCLUSIVE), "exclusive", "locks orders"),
        (step(None, EXCLUSIVE), "exclusive", "locks orders (dropped)"),
        (step(ORDERS, frozenset({(1, "ShareLock")})), "blocks", "SHARE keeps writers out"),
        (step(replace(ORDERS, changes=(50, 10, 0))), "data", "writes 10 rows of orders"),
        (step(ORDERS, frozenset({(1, "ShareUpdateExclusiveLock")})), "free", "keeps nobody out"),
        (step(ORDERS, frozenset({(9, "AccessExclusiveLock")})), "free", "keeps nobody out"),
        (step(ORDERS, back="ended with 1"), "irreversible", "no way back: ended with 1"),
    ],
)
def test_a_class_is_what_was_seen(seen, kind, says):
    first = told(seen)[0]
    assert first[0] == kind
    assert says in first[1]


def test_a_wait_stands_beside_the_rows_at_which_it_was_measured():
    seen = step(replace(ORDERS, file=8), EXCLUSIVE, blocked={"orders": 0.62}, behind={"orders": 3.04})
    assert told(seen)[0][1] == (
        "rewrites orders: ACCESS EXCLUSIVE keeps readers and writers out, "
        "a writer waited 0.62 s at 50 rows and 3.0 s behind a slow reader"
    )


def test_a_new_name_is_no_loss_and_a_type_is_named():
    columns = {1: replace(NOTE, name="remark"), 2: replace(PAID, kind="bigint")}
    assert (
        "(column note now remark, paid integer to bigint)"
        in told(step(replace(ORDERS, columns=columns), EXCLUSIVE))[0][1]
    )


def test_what_is_lost_is_laid_to_the_migration_that_did_most_to_it():
    wrote = step(replace(ORDERS, changes=(50, 10, 0)))
    dropped = step(replace(ORDERS, columns={2: PAID}))
    other = step(ORDERS)
    left = (lost("note", "0 of 50 set"),)
    assert blamed((wrote, dropped, other), left) == ((), left, ())
    assert blamed((wrote, other), left) == (left, ())
    assert blamed((other,), left) == ((),)
    assert told(dropped, left)[0] == (
        "irreversible", "the values of orders.note are lost: 50 of 50 set, then 0 of 50 set"
    )  # fmt: skip
    assert told(wrote, (lost("note", "50 of 50 set, checksum 02"),))[0][1].endswith(
        "then 50 of 50 set, to other values"
    )


def test_what_is_signed_of_migrations_is_small_whatever_was_seen():
    long = "x" * 500
    before = {n: replace(ORDERS, name=f"{n}{long}") for n in range(60)}
    after = {n: replace(one, file=9, columns={}) for n, one in before.items()}
    locks = frozenset((n, "AccessExclusiveLock") for n in before)
    one = Stepped(
        name=long,
        seconds=1.0,
        before=before,
        after=after,
        locks=locks,
        errors=(long,) * 9,
        back=long,
        gave_up=long,
    )
    looks = {"database": Fingerprint(items={f"{long}{n}": long for n in range(400)})}
    acted = tuple(Acted(name="y" * 85, ok=False, said=long) for _ in range(34))
    seen = Seen(
        before=looks, changed={"database": Fingerprint(items={})}, after={"database": Fingerprint(items={})},
        applied=acted, rolled_back=acted, seconds=1.0, objective=60.0, measured=told_of((one,) * 30, {}, ()),
    )  # fmt: skip
    assert len(canonical(predicate(seen, outcome(seen)))) < MAX_OWN
