"""What the API prepares for signing is signed as it arrives, and never more than may be handed in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from interlock.core.approval.accept import read_statement
from interlock.core.change.canonical import canonical
from interlock.core.change.change import ChangeRecord
from interlock.doors.api.dispatch import Request, Response, answer
from interlock.doors.api.table import route
from interlock.testing.road import Road, submission


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    made = Road(folder=tmp_path_factory.mktemp("road"), enforced=())
    yield made
    made.close()


@pytest.fixture(scope="module")
def change(road: Road) -> ChangeRecord:
    return road.open(submission("prepared"))


def post(road: Road, path: str, body: object) -> Response:
    request = Request(method="POST", path=path, body=json.dumps(body).encode(), local=road.person("ana"))
    operation, found = route("POST", path)
    return answer(road.station, operation, found, request)


def prepare(road: Road, change: Any, **differs: object) -> Response:
    wanted = {"purpose": "approve", "subject": change.id, "approver": "ana"} | differs
    return post(road, "/v1/statements/prepare", wanted)


def test_the_body_is_what_is_signed(road: Road, change: Any) -> None:
    """Signing the body as received failed: its keys were in another order than the canonical form's."""
    reply = prepare(road, change, answers={"breaks": "ä", "alert": "b"})
    assert reply.headers["content-type"] == "application/json"
    said = read_statement(reply.body)
    assert reply.body == said.to_bytes() == canonical(json.loads(reply.body))
    signed = {"statement": json.loads(reply.body), "signature": road.keys["ana"].sign(said)}
    assert post(road, "/v1/statements", signed).status == 201


LONG = "x" * 201


@pytest.mark.parametrize(
    ("differs", "code"),
    [
        ({"environment": LONG}, "statement-name"),
        ({"environment": "x" * 100_000}, "statement-size"),
        ({"environment": ""}, "statement-name"),
        ({"environment": "a\nb"}, "statement-name"),
        ({"on_behalf_of": LONG}, "statement-name"),
        ({"on_behalf_of": "ana"}, "statement-on-behalf"),
        ({"purpose": "delegation", "subject": LONG, "digest": "sha256:" + "1" * 64}, "statement-name"),
        ({"purpose": "delegation", "digest": "sha256:1"}, "statement-digest"),
        ({"purpose": "delegation"}, "statement-digest"),
        ({"answers": {"breaks": "x" * 20_000}}, "statement-size"),
        ({"details": {str(n): "" for n in range(17)}}, "statement-size"),
        ({"hours": 0}, "statement-lifetime"),
        ({"hours": 1e300}, "statement-lifetime"),
        ({"hours": 72.001}, "statement-lifetime"),
        ({"purpose": "break-glass", "hours": 2}, "statement-lifetime"),
    ],
)
def test_nothing_is_prepared_that_could_not_be_handed_in(
    road: Road, change: Any, differs: dict[str, object], code: str
) -> None:
    reply = prepare(road, change, **differs)
    told = json.loads(reply.body)
    assert (reply.status, told.get("code")) == (422, code), told
    assert len(reply.body) < 1000


@pytest.mark.parametrize("hours", ["NaN", "Infinity", "-Infinity"])
def test_hours_that_are_no_number_are_refused(road: Road, change: Any, hours: str) -> None:
    reply = prepare(road, change, hours=float(hours))
    assert (reply.status, json.loads(reply.body)["code"]) in {(422, "statement-lifetime"), (422, "input-shape")}
