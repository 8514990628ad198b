"""What a deployer pins comes from the rules in force, over the API as from the command line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.ticket.pins import read_pins
from interlock.doors.api.nouns.pins import OPERATIONS
from interlock.doors.api.surface import Call
from interlock.doors.cli.screens.ticket import indented, pinned
from interlock.testing.road import Road

VKEY = "test.interlock.dev/road+"


@pytest.fixture
def road(tmp_path: Path):
    made = Road(folder=tmp_path, enforced=("tier1-two-approvals", "tier1-presence"))
    yield made
    made.close()


def _ask(road: Road, station=None):
    call = Call(station=station or road.station, actor=road.pipeline(), path={}, query={})
    return OPERATIONS[0].run(call).body


def test_a_deployer_reads_back_what_was_answered(road):
    station = replace(road.station, ledger_key=str(road.station.store.verifier))
    pins = read_pins(indented(_ask(road, station)))
    assert pins.log.startswith(VKEY)
    assert pins.rules_digest == road.rules().digest
    assert {"ana", "ben"} <= set(pins.people)
    shown = " ".join("\n".join(pinned(pins, "pins.json")).split())
    assert "production, order-service: at least 2 approvals, 0 by seniors, key shows verified" in shown
    assert f"{len(pins.people)} people" in shown


def test_a_station_that_does_not_know_its_ledger_pins_nothing(road):
    with pytest.raises(InvalidInput) as caught:
        _ask(road, replace(road.station, ledger_key=""))
    assert caught.value.code == "pins-empty"
