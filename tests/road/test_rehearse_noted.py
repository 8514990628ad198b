"""What a driver has to know again on the way back is noted, and found by whoever recovers."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from interlock.core.rehearsal.fingerprint import Fingerprint
from interlock.core.rehearsal.journal import Head, head_line, read_journal
from interlock.core.rehearsal.outcome import Acted
from interlock.core.rehearsal.plan_read import read_rehearsal_plan
from interlock.plugins.world.programs import SystemPrograms
from interlock.ports.rehearsal import RehearsalScene
from interlock.road.rehearsal_stage import staged
from interlock.road.rehearse import recover, rehearse


class Numbered:
    """A driver over a file, that goes back to what it noted: what is in the file by then does not say it."""

    def __init__(self, plan, scene):
        self._place = Path(scene.root, plan.driver.settings["file"])
        self._noted = dict(scene.noted)

    def needs(self):
        self._noted = {"was": self._place.read_text()}
        return ""

    def notes(self):
        return self._noted

    def looks(self):
        return {"value": self}

    def look(self):
        return Fingerprint(items={"value": self._place.read_text()})

    def apply(self):
        return self._put("5", "put")

    def roll_back(self):
        return self._put(self._noted["was"], "back")

    def _put(self, value, name):
        self._place.write_text(value)
        yield Acted(name=name, ok=True)

    def measured(self):
        return {}

    def close(self):
        pass


ALONE = "service: order-service\nenvironment: staging\ndriver: {kind: numbered, file: a}\n"
SET = """\
service: order-service
environment: staging
members:
  - {name: one, driver: {kind: numbered, file: a}}
  - {name: two, driver: {kind: numbered, file: b}}
"""


def numbered(folder, plan, lines, **more):
    scene = RehearsalScene(
        root=str(folder), run="reh-1", change="chg-1", digest="sha256:0", service="order-service",
        environment="staging", programs=SystemPrograms(str(folder)), **more,
    )  # fmt: skip
    return staged(
        read_rehearsal_plan("r.yaml", plan.encode()), scene, drivers={"numbered": Numbered}, probes={},
        write=lines.append, steady=time.monotonic, told=lambda _: None,
    )  # fmt: skip


@pytest.mark.parametrize(("plan", "probes"), [(ALONE, {"numbered: value"}), (SET, {"one: value", "two: value"})])
def test_a_driver_brings_what_looks_at_a_place_that_is_not_its_own(tmp_path, plan, probes):
    """A plan without a probe of its own is not refused then, and what is left there is dirty."""
    for name in ("a", "b"):
        (tmp_path / name).write_text("7")
    lines = []
    with numbered(tmp_path, plan, lines) as stage:
        assert set(stage.probes) == probes
        seen, found = rehearse(stage, 2.0)
    assert (found.verdict, set(seen.before)) == ("passed", probes)
    assert not found.thrown_away


@pytest.mark.parametrize("plan", [ALONE, SET])
def test_whoever_recovers_finds_what_the_driver_noted(tmp_path, plan):
    for name in ("a", "b"):
        (tmp_path / name).write_text("7")
    head = Head(
        run="reh-1", change="chg-1", digest="sha256:0", service="order-service", environment="staging",
        path="r.yaml", plan=plan.encode(), began="2026-03-05T10:00:00Z",
    )  # fmt: skip
    lines = [head_line(head)]
    with numbered(tmp_path, plan, lines) as stage:
        rehearse(stage, 2.0)
    said = [one for one in lines if b'"what":"over"' not in one]
    assert [b'"noted"' in one for one in said].index(True) < [b'"applying"' in one for one in said].index(True)
    for name in ("a", "b"):
        (tmp_path / name).write_text("5")
    journal = read_journal(b"".join(said), "journal")
    with numbered(tmp_path, plan, said, noted=journal.noted) as stage:
        assert recover(stage, journal) == ()
    assert (tmp_path / "a").read_text() == "7"
