"""The screen of ``interlock report deployments``, byte for byte; ``GOLDEN=write`` writes the files anew."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from interlock.doors.cli.screens.deployments import screen
from interlock.doors.cli.screens.deployments_page import page
from interlock.doors.cli.text import columns

HERE = Path(__file__).parent
ROWS = 40


def answer(said, why, *places):
    return {"said": said, "why": why, "places": list(places)}


COUNTS = {
    "files": 363,
    "yaml": 102,
    "ci": 9,
    "workloads": 14,
    "alerts": 3,
    "aside": 4,
    "template": 12,
    "malformed": 0,
    "large": 1,
    "closed": 0,
    "gone": 0,
    "links": 0,
    "submodules": 0,
}
NO_STEP = answer("no", "9 CI files, none with a step that goes back")
ITEMS = [
    {
        "name": "rol-7f3akq2m2a",
        "by": ["rollout", "tag"],
        "at": "2026-03-05T11:20:00Z",
        "commit": "0ea04a62a9d8e0d10fe50134d05d490136597745",
        "title": "Promise delivery within five days",
        "also": ["chg-7f3akq2m2a", "v1.2.0"],
        "answers": {
            "rollback": answer("yes", "rehearsed 2026-03-05: back in 0.4 s of at most 60 s", "evd-aaaaaaaaaa"),
            "canary": answer("yes", "stages of 1, 25, 100 %, under the judge, reached 100 %", "rol-7f3akq2m2a"),
            "alert": answer("yes", "OrdersDown 120 s after orders drop, proven", "evd-bbbbbbbbbb"),
        },
        "counts": COUNTS,
        "missing": ["12 templates searched as text, not rendered", "1 file too large to read"],
    },
    {
        "name": "checkout-service/v10.20.30-and-a-very-long-name-after-it",
        "by": ["tag"],
        "at": "2026-02-01T11:20:00Z",
        "commit": "1" * 40,
        "title": "",
        "also": [],
        "answers": {
            "rollback": NO_STEP,
            "canary": answer("no", "14 workloads, none with a canary: a rolling update is none", "k8s/a.yaml:16"),
            "alert": answer(
                "unknown",
                "CartHighLatency is about one by a label or its name; whether it counts business is not known",
                *[f"monitoring/a-long-folder-name/rules-{number}.yaml:12" for number in range(5)],
            ),
        },
        "counts": COUNTS,
        "missing": ["12 templates searched as text, not rendered"],
    },
    {
        "name": "deploy-17",
        "by": ["marker"],
        "at": "2026-01-01T11:20:00Z",
        "commit": "2" * 40,
        "title": "",
        "also": [],
        "answers": {
            "rollback": NO_STEP,
            "canary": answer("unknown", "its files are not in this copy of the repository"),
            "alert": answer("unknown", "its files are not in this copy of the repository"),
        },
        "counts": None,
        "missing": ["its files: they are not in this copy of the repository"],
    },
]
SOME = {
    "service": None,
    "environment": "production",
    "last": 3,
    "record": {"asked": True, "failed": False, "why": "", "found": 1},
    "git": {"shallow": True, "tags": 1_047, "left_out": {"before a release (rc, beta, …)": 14}},
    "items": ITEMS,
}
FOUND = {
    "some": SOME,
    "none": {**SOME, "items": [], "service": "cart", "git": {"shallow": False, "tags": 0, "left_out": {}}},
    "no-git": {**SOME, "items": ITEMS[:1], "git": None},
    "no-record": {
        **SOME,
        "items": ITEMS[1:2],
        "record": {"asked": False, "failed": True, "why": "expected a server at x, got no answer", "found": 0},
    },
}


def compare(name: str, found: str) -> None:
    file = HERE / name
    if os.environ.get("GOLDEN") == "write":
        file.write_text(found)
    assert found == file.read_text()


@pytest.mark.parametrize("wide", [60, 80, 132])
def test_deployments_read_as_they_were_agreed(wide):
    shown = [f"=== {name}\n" + "\n".join(screen(found, wide=wide)) for name, found in FOUND.items()]
    compare(f"deployments.{wide}.txt", "\n".join(shown) + "\n")


@pytest.mark.parametrize("wide", [60, 80, 132])
@pytest.mark.parametrize("name", FOUND)
def test_it_fits(name, wide):
    lines = screen(FOUND[name], wide=wide)
    assert len(lines) <= ROWS or wide < 80
    assert [line for line in lines if columns(line) > wide] == []


def test_nothing_that_a_repository_holds_reaches_the_terminal_or_the_page():
    evil = "a\x1b[2J\u202e<script>"
    found = json.loads(json.dumps(SOME))
    one = found["items"][0]
    one |= {"name": evil, "title": evil, "also": [evil], "missing": [evil]}
    one["answers"]["canary"] = answer("yes", evil, evil)
    found["record"]["why"] = evil
    for text in ("\n".join(screen(found, wide=80)), page(found)):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "<script>" not in page(found)
