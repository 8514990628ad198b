"""Rollouts over HTTP: who may ask for what, what a repeated request does, and what a watcher is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from interlock.core.approval.actor import Actor, Scope
from interlock.core.approval.model import Statement
from interlock.core.change.parse import parse_json
from interlock.core.rollout.record import RolloutState
from interlock.doors.api.lookup import lookup
from interlock.testing.road import Road
from interlock.testing.rolling import PLAN, Rolling

QUICK = PLAN.replace("baseline: 60s", "baseline: 0").replace(
    "judge:\n", "judge:\n  phi: {orders: {windows: [1], values: [1]}, errors: {windows: [1], values: [1]}}\n"
)


@pytest.fixture
def rolling(tmp_path: Path) -> Iterator[Rolling]:
    made = Rolling(tmp_path, plan=QUICK)
    made.road.station = made.station
    yield made
    made.close()


@pytest.fixture
def api(rolling: Rolling, api_of: Callable[[Road], Any]) -> Any:
    return api_of(rolling.road)


READER = Actor(principal="vera-reads", kind="pipeline", scopes=frozenset({Scope.READ}))


def begun(rolling: Rolling, api: Any) -> str:
    change, ticket = rolling.change()
    reply = api.post(rolling.road.pipeline(), "/v1/rollouts", {"change": change.id, "ticket": ticket})
    assert reply["obstacles"] == []
    rolling.run(reply["rollout"]["id"], until=lambda record: record.phase == "watch" and record.ticks > 0)
    return str(reply["rollout"]["id"])


def test_a_refusal_is_a_good_answer_with_everything_in_it(rolling: Rolling, api: Any) -> None:
    change, ticket = rolling.change()
    rolling.world.router_down = rolling.world.meter_down = True
    reply = api.post(rolling.road.pipeline(), "/v1/rollouts", {"change": change.id, "ticket": ticket})
    assert reply["rollout"] is None
    assert [each["code"] for each in reply["obstacles"]] == ["router-unreachable", "meter-unreachable"]
    assert all(each["hint"] and each["line"] for each in reply["obstacles"])


def test_the_gates_scope_starts_and_reading_does_not(rolling: Rolling, api: Any) -> None:
    change, ticket = rolling.change()
    refused = api.reply(READER, "/v1/rollouts", {"change": change.id, "ticket": ticket})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope-missing")


def test_who_may_ask_for_what(rolling: Rolling, api: Any) -> None:
    rollout = begun(rolling, api)
    agent, ana = rolling.road.agent("q"), rolling.road.person("ana")
    asked = (
        (agent, "pause", {"why": "look"}, 200),
        (agent, "resumption", None, 403),
        (agent, "extension", {"seconds": 60.0}, 403),
        (agent, "widening", {"not_ruled_out": "", "why": "w"}, 403),
        (READER, "abort", {"why": ""}, 403),
        (ana, "resumption", None, 200),
        (ana, "extension", {"seconds": -1.0}, 422),
        (ana, "widening", {"not_ruled_out": "orders: nothing is ruled out", "why": "w"}, 422),
        (agent, "abort", {"why": "no"}, 200),
        (agent, "abort", {"why": "no"}, 200),
    )
    for actor, path, body, status in asked:
        reply = api.reply(actor, f"/v1/rollouts/{rollout}/{path}", body)
        assert reply.status_code == status, (path, reply.text)


@pytest.mark.parametrize("takes", ["pause", "abort", "rollback"])
def test_an_agent_may_take_away_and_never_give(rolling: Rolling, api: Any, takes: str) -> None:
    """With every scope that an agent's token can hold, and whatever state the rollout is in."""
    rollout, agent = begun(rolling, api), rolling.road.agent("q")
    gives = (
        ("resumption", None),
        ("extension", {"seconds": 60.0}),
        ("widening", {"not_ruled_out": "", "why": "w"}),
    )

    def refused() -> None:
        before = rolling.record(rollout)
        for path, body in gives:
            reply = api.reply(agent, f"/v1/rollouts/{rollout}/{path}", body)
            assert (reply.status_code, reply.json()["code"]) == (403, "agent-never"), path
        assert rolling.record(rollout) == before

    refused()
    back = "/v1/services/order-service/rollback"
    path = back if takes == "rollback" else f"/v1/rollouts/{rollout}/{takes}"
    body = {"why": "slow"} | ({"environment": "production"} if takes == "rollback" else {})
    api.post(agent, path, body)
    record = rolling.record(rollout)
    assert (record.state, record.cause) == {
        "pause": (RolloutState.HELD, None),
        "abort": (RolloutState.RETURNING, "abort"),
        "rollback": (RolloutState.RETURNING, "rollback"),
    }[takes]
    refused()


def test_a_watcher_is_told_how_it_stands(rolling: Rolling, api: Any) -> None:
    rollout = begun(rolling, api)
    shown = api.get(READER, f"/v1/rollouts/{rollout}")
    assert (shown["record"]["id"], shown["tick"], shown["alpha"]) == (rollout, 1.0, 0.01)
    assert [stage["percent"] for stage in shown["stages"]] == [1, 10, 50, 100]
    assert shown["standing"]["metrics"]["orders"]["canary"] >= 0
    assert {"t", "weight", "log_e", "discard", "metrics"} <= set(shown["recent"][-1])
    assert shown["recent"][-1]["metrics"]["orders"]["kind"] == "good"
    assert shown["not_ruled_out"]
    rolling.station.live.drop(rollout)
    recorded = api.get(READER, f"/v1/rollouts/{rollout}")
    assert recorded["recent"][0]["t"] == shown["recent"][0]["t"]


@pytest.mark.parametrize(
    "path", ["rollouts/rol-7f3akq2m/pause", "rollouts/rol-7f3akq2m/abort", "services/a/rollback"]
)
def test_who_may_stop_is_said_alike_by_code_hint_and_reference(api: Any, path: str) -> None:
    """The reference and the table of scopes said `read`, and the hint named one of the two that are needed."""
    body = {"why": ""} | ({"environment": "production"} if path.startswith("services") else {})
    said = api.reply(READER, f"/v1/{path}", body).json()
    assert said["code"] == "scope-missing"
    assert said["detail"].startswith(
        "expected a person's token, or scope `gate` or `record`, got a pipeline's without"
    )
    assert said["hint"].endswith("--scope read --scope gate; or --scope record")
    operation, _ = lookup("POST", f"/v1/{path}")
    assert operation.summary.endswith("Pipelines and agents need `gate` or `record` as well.")
    table = (Path(__file__).parents[2] / "docs/how-to/server.md").read_text().splitlines()
    rows = {line.split("`")[1]: line for line in table if line.startswith("| `")}
    for scope in ("gate", "record"):
        assert "with `read` pause and abort" in rows[scope]
    assert "a person's token also pauses and aborts rollouts" in rows["read"]


def test_going_back_is_asked_of_the_service(rolling: Rolling, api: Any) -> None:
    rollout = begun(rolling, api)
    path = "/v1/services/order-service/rollback"
    reply = api.post(rolling.road.agent("q"), path, {"environment": "production", "why": "slow"})
    assert (reply["rollout"], reply["state"]) == (rollout, "returning")
    rolling.run(rollout)
    nothing = api.reply(rolling.road.agent("q"), path, {"environment": "production", "why": ""})
    assert (nothing.status_code, nothing.json()["code"]) == (404, "rollback-nothing")
    listed = api.get(READER, "/v1/rollouts?service=order-service&state=returned")
    assert [each["id"] for each in listed["items"]] == [rollout]
    verified = api.get(READER, f"/v1/rollouts/{rollout}/verification")
    assert verified["exact"] is True


def test_the_same_request_twice_starts_one_rollout(rolling: Rolling, api: Any) -> None:
    """The answer that was lost is given again, although its ticket is used by now."""
    change, ticket = rolling.change()
    body = {"change": change.id, "ticket": ticket}
    first, second = (
        api.reply(rolling.road.pipeline(), "/v1/rollouts", body, key="once-and-only").json() for _ in range(2)
    )
    assert first["rollout"]["id"] == second["rollout"]["id"]


def test_what_an_old_client_sends_to_widen_is_refused_with_the_way_there(rolling: Rolling, api: Any) -> None:
    """The word of a token was enough."""
    rollout, ana = begun(rolling, api), rolling.road.person("ana")
    words = api.get(ana, f"/v1/rollouts/{rollout}")["not_ruled_out"]
    before = rolling.record(rollout)
    reply = api.reply(ana, f"/v1/rollouts/{rollout}/widening", {"not_ruled_out": words, "why": "w"})
    assert (reply.status_code, reply.json()["code"]) == (422, "widening-unsigned")
    assert "interlock rollout widen" in reply.json()["hint"]
    assert rolling.record(rollout) == before


def test_a_signed_widening_over_http(rolling: Rolling, api: Any) -> None:
    rollout, ana = begun(rolling, api), rolling.road.person("ana")
    asked = {"purpose": "widen", "subject": rollout, "approver": "ana", "details": {"why": "quiet night"}}
    early = api.reply(ana, "/v1/statements/prepare", asked)
    assert (early.status_code, early.json()["code"]) == (409, "widening-early")
    rolling.run(rollout, until=lambda record: record.baked >= 10)
    prepared = api.reply(ana, "/v1/statements/prepare", asked)
    said = parse_json(Statement, prepared.content, what="the statement")
    assert prepared.content == said.to_bytes()
    signed = {"statement": said, "signature": rolling.road.keys["ana"].sign(said)}
    agent = api.reply(rolling.road.agent("q"), "/v1/statements", signed)
    assert (agent.status_code, agent.json()["code"], rolling.record(rollout).stage) == (403, "agent-never", 0)
    first, again = (api.reply(ana, "/v1/statements", signed, key="once-and-only") for _ in range(2))
    assert (first.status_code, first.json()) == (201, again.json())
    assert rolling.record(rollout).stage == 1
    other = api.reply(ana, "/v1/statements", signed, key="another-request")
    assert (other.status_code, other.json()["code"]) == (409, "statement-twice")
    listed = api.get(ana, f"/v1/statements?subject={rollout}&purpose=widen&standing=used")["items"]
    assert [(one["id"], one["used_by"]) for one in listed] == [(first.json()["id"], rollout)]
    verified = api.get(READER, f"/v1/rollouts/{rollout}/verification")
    assert (verified["exact"], verified["signatures"]) == (True, 1)
