"""Events and tiles of a real server: noted from the command line, mirrored over HTTP, verified by the one file."""

from __future__ import annotations

import subprocess
import sys

import httpx
import pytest

from interlock.core.ledger.checkpoint import parse_checkpoint
from interlock.core.ledger.note import split_note
from interlock.core.ledger.tiles import entries_path, tile_path
from interlock.core.ledger.tree import TILE_HEIGHT, TILE_WIDTH
from interlock.storage.export import VERIFIER


@pytest.fixture
def release(server, terminal, monkeypatch):
    """A pipeline's token that may record and read."""
    scopes = ("--scope", "record", "--scope", "read")
    made = terminal.ok("token", "create", "release", "--kind", "pipeline", *scopes)
    monkeypatch.setenv("INTERLOCK_TOKEN", made.out.strip())
    return {"authorization": f"Bearer {made.out.strip()}"}


def test_what_a_deployer_noted_stands_in_the_history_of_the_change(server, terminal, monkeypatch, release):
    monkeypatch.setenv("INTERLOCK_TOKEN", server.tokens["ana"])
    name = terminal.ok("change", "open").out.strip()
    monkeypatch.setenv("INTERLOCK_TOKEN", release["authorization"].partition(" ")[2])
    said = terminal.ok("ledger", "note", "deployment.applied", name, "--say", "ticket=tkt-9", "--say", "region=eu")
    assert f"event.deployment.applied about {name}" in said.out
    shown = terminal.ok("change", "show", name, "--all").out
    assert "event.deployment.applied by release (pipeline) · " in " ".join(shown.split())
    assert "tkt-9" in shown
    refused = terminal("ledger", "note", "Deployment Applied", name)
    assert (refused.code, refused.err.partition(":")[0]) == (2, "error[event-name]")


@pytest.mark.parametrize("flag", ["ticket", "=x", ""])
def test_a_detail_is_a_pair(terminal, release, flag):
    refused = terminal("ledger", "note", "deployment.applied", "harbour", "--say", flag)
    assert (refused.code, refused.err.partition(":")[0]) == (2, "error[say-malformed]")


def test_a_mirror_of_the_tiles_verifies_with_the_one_file(server, terminal, release, tmp_path):
    mirror = tmp_path / "mirror"
    with httpx.Client(base_url=server.address, headers=release) as http:
        events = [{"name": "n.o", "subject": "harbour", "said": {"n": n}} for n in range(250)]
        for _ in range(3):
            assert http.post("/v1/events", json={"events": events}).status_code == 201
        note = http.get("/log/checkpoint").text
        size = parse_checkpoint(split_note(note).text).size
        assert size > 700
        for path in addresses(size):
            place = mirror / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(http.get(f"/log/{path}").raise_for_status().content)
        (mirror / "checkpoint").write_text(note)
        key = http.get("/v1/pins").json()["log"]
    command = [sys.executable, VERIFIER, "log", mirror, "--key", key]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    bundle = mirror / entries_path(1)
    bundle.write_bytes(bundle.read_bytes().replace(b"harbour", b"harbor!", 1))
    assert subprocess.run(command, check=False, capture_output=True).returncode != 0


def addresses(size: int):
    for number in range(-(-size // TILE_WIDTH)):
        yield entries_path(number, min(TILE_WIDTH, size - number * TILE_WIDTH))
    for level in range(3):
        nodes = size >> (TILE_HEIGHT * level)
        for number in range(-(-nodes // TILE_WIDTH)):
            yield tile_path(level, number, min(TILE_WIDTH, nodes - number * TILE_WIDTH))
