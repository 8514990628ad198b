"""A pins file pins something, or it is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.ticket.pins import PinnedEnvironment, Quorum, read_pins


def test_it_is_read_as_it_was_written(world: Any) -> None:
    pins = world.pins()
    assert pins == read_pins(pins.to_bytes())


@pytest.mark.parametrize("name", ["issuers", "people", "environments", "log"])
def test_pins_that_pin_nothing_are_refused(world: Any, name: str) -> None:
    value = json.loads(world.pins().to_bytes())
    value[name] = type(value[name])()
    with pytest.raises(InvalidInput, match=name) as caught:
        read_pins(json.dumps(value).encode())
    assert caught.value.code == "pins-empty"


def _edited(world: Any, *path: str | int, value: object) -> bytes:
    whole = json.loads(world.pins().to_bytes())
    inner = whole
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return json.dumps(whole).encode()


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (("rules_digest",), "abc", "pins-shape"),
        (("issuers", 0, "key_id"), "sha256:" + "0" * 64, "pins-shape"),
        (("issuers", 0, "public_key"), "no key", "key-unreadable"),
        (("environments", "production", "quorum", "approvals"), -1, "pins-shape"),
        (("environments", "production", "quorum", "seniors"), 1, "pins-shape"),
        (("environments", "production", "quorum", "presence"), "surely", "input-shape"),
        (("environments", "production", "max_weight"), 0, "pins-shape"),
        (("environments", "production", "max_weight"), 101, "pins-shape"),
        (("environments", "production", "weights"), {"order-service": 0}, "pins-shape"),
        (("environments", "production", "weights"), {"order-service": 100.5}, "pins-shape"),
        (("people", "ana", "role"), "king", "input-shape"),
        (("log",), "no vkey", "vkey-malformed"),
        (("surprise",), 1, "input-shape"),
        (("version",), 2, "input-shape"),
    ],
)
def test_what_is_wrong_is_named(world: Any, path: tuple[str | int, ...], value: object, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_pins(_edited(world, *path, value=value))
    assert caught.value.code == code


def test_a_key_with_two_people_is_refused(world: Any) -> None:
    ana = json.loads(world.pins().to_bytes())["people"]["ana"]["keys"]
    with pytest.raises(InvalidInput, match="one person"):
        read_pins(_edited(world, "people", "ben", "keys", value=ana))


def test_duplicate_keys_and_garbage_are_refused(world: Any) -> None:
    for content in (
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"version":1,"version":1}',
        b"x",
        world.pins().to_bytes() + b"x",
    ):
        with pytest.raises(InvalidInput):
            read_pins(content)


def test_the_strictest_of_several_services_holds() -> None:
    place = PinnedEnvironment(
        quorum=Quorum(approvals=1),
        services={
            "orders": Quorum(approvals=2, presence="present"),
            "payment": Quorum(approvals=1, seniors=1, presence="verified"),
        },
    )
    assert Quorum(approvals=1) == place.quorum_for(("docs",))
    assert Quorum(approvals=2, presence="present") == place.quorum_for(("docs", "orders"))
    strictest = Quorum(approvals=2, seniors=1, presence="verified")
    assert strictest == place.quorum_for(("orders", "payment"))
    assert strictest == place.quorum_for(())
