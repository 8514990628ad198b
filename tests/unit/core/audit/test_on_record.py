"""What the record answers of one deployment, and how answers of several sources become one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.audit.answers import Answer, together
from interlock.core.audit.on_record import Deployed, answers_of
from interlock.core.evidence.model import Evidence
from interlock.core.policy.shown import ALERTS, REHEARSAL

AT = datetime(2026, 3, 5, 11, 20, tzinfo=UTC)


def piece(name, kind, summary, *, before=60.0, standing="trusted"):
    moment = AT - timedelta(seconds=before)
    return Evidence(
        id=name,
        change="chg-1",
        subject="sha256:1",
        predicate_type=kind,
        format="dsse",
        runner="ci",
        standing=standing,
        summary=summary,
        blob="sha256:2",
        issued_at=moment,
        expires_at=AT + timedelta(days=7),
        received_at=moment,
        received_from="ci",
    )


def row(mode, *metrics, kind="drop", alert="A", proven=True):
    answers = [{"alert": alert, "seconds": 60}] if proven else []
    return {"mode": mode, "kind": kind, "metrics": [*metrics], "proven": proven, "answers": answers}


def alert(*rows, metric=""):
    pieces = (piece("evd-1", ALERTS, {"verdict": "passed", "modes": [*rows]}),) if rows else ()
    return answers_of(Deployed(id="rol-1", service="cart", at=AT, evidence=pieces, metric=metric)).alert


@pytest.mark.parametrize(
    ("rows", "metric", "said", "guess"),
    [
        ([row("m", "baskets_sold")], "baskets_sold", "yes", False),
        ([row("m", "promises_total"), row("n", "baskets_sold")], "baskets_sold", "yes", False),
        ([row("m", "orders_total")], "baskets_sold", "unknown", False),
        ([row("m", "orders_total")], "", "yes", True),
        ([row("m", "payments_made_total", kind="wrong")], "", "yes", True),
        ([row("m", "promises_total")], "", "unknown", False),
        ([row("orders drop", "http_requests_total", alert="OrdersDown")], "", "no", False),
        ([row("orders drop", "http_requests_total", alert="OrdersDown")], "orders_total", "no", False),
        ([row("orders drop", "http_requests_total")], "http_requests_total", "unknown", False),
        ([row("m", "orders_total", "http_requests_total")], "", "unknown", False),
        ([row("m", "order_service_errors_total")], "", "unknown", False),
        ([row("m", "orders_total", kind="silent")], "", "unknown", False),
        ([row("orders drop", alert="OrdersDown")], "", "unknown", False),
        ([row("m", "orders_total", proven=False)], "", "no", False),
        ([], "", "no", False),
    ],
)
def test_an_alert_is_on_the_business_by_what_its_failure_mode_takes_away(rows, metric, said, guess):
    found = alert(*rows, metric=metric)
    assert found.said == said
    assert ("by its name alone" in found.why) is guess


@pytest.mark.parametrize(
    ("differs", "said"),
    [
        ({"rolled": True, "stages": (1.0, 100.0)}, "yes"),
        ({"rolled": True, "stages": (100.0,)}, "no"),
        ({"rolled": True, "stages": ()}, "unknown"),
        ({"max_weight": 5.0}, "unknown"),
        ({"max_weight": 100.0}, "no"),
        ({"max_weight": 100.0, "reported": False}, "unknown"),
    ],
)
def test_a_canary_is_a_rollout_that_began_below_all_of_it(differs, said):
    found = answers_of(Deployed(id="x-1", service="cart", at=AT, **differs)).canary
    assert (found.said, found.places) == (said, ("x-1",))


@pytest.mark.parametrize("before", [0.0, -1.0])
def test_a_rehearsal_counts_up_to_the_moment_it_began(before):
    good = piece("evd-1", REHEARSAL, {"verdict": "passed", "seconds": 3, "objective_seconds": 2}, before=before)
    found = answers_of(Deployed(id="x-1", service="cart", at=AT, evidence=(good,))).rollback
    assert found.said == ("yes" if before >= 0 else "no")
    assert ("back in 3.0 s of at most 2 s, which was too slow" in found.why) is (before >= 0)


def test_malformed_evidence_shows_nothing():
    for modes in (None, "x", [1], [{"mode": 1, "proven": True, "answers": [1]}], [{"proven": "yes"}]):
        pieces = (piece("evd-1", ALERTS, {"verdict": "passed", "modes": modes}),)
        assert answers_of(Deployed(id="x", service="c", at=AT, evidence=pieces)).alert.said == "no"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["no", "yes"], "yes"),
        (["unknown", "no"], "no"),
        (["unknown", "unknown"], "unknown"),
        (["yes", "unknown", "no"], "yes"),
    ],
)
def test_one_yes_is_enough_and_a_no_is_more_than_unknown(given, said):
    found = together([Answer(said=each, why=f"w{place}", places=(each,)) for place, each in enumerate(given)])
    assert (found.said, found.places) == (said, (said,))
    assert all(f"w{place}" in found.why for place in range(len(given)))
