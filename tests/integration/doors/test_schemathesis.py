"""The served application against its own OpenAPI document, by schemathesis: no fault, nothing undocumented."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

# What a schema cannot say (a title that is not empty, a digest that is known) is refused with 422: that check
# is not ours. Revoking would take away the very token that schemathesis works with.
LEAST_ANSWERED = 3
"""Operations of which one request at least succeeded: how many get that far depends on the machine."""
COMMON = ("--exclude-checks", "positive_data_acceptance", "--exclude-operation-id", "revokeToken", "--no-color")


def explore(server, *arguments: str, timeout: float) -> None:
    program = Path(sys.executable).with_name("schemathesis")
    done = subprocess.run(
        [
            str(program),
            "run",
            f"{server.address}/openapi.json",
            "--header",
            f"Authorization: Bearer {server.tokens['ana']}",
            "--continue-on-failure",
            "--request-timeout",
            "60",
            *COMMON,
            *arguments,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        cwd=server.root,
    )
    faults = [line["exception"] for line in server.log if line["event"] == "fault"]
    assert not faults, faults[0]
    assert done.returncode == 0, done.stdout[-6000:]
    told = httpx.get(f"{server.address}/metrics").text
    answered = {
        line.partition('operation="')[2].partition('"')[0] for line in told.splitlines() if 'status="2' in line
    }
    assert len(answered) >= LEAST_ANSWERED, f"only {sorted(answered)} were ever answered well"
    ready = httpx.get(f"{server.address}/readyz")
    assert ready.status_code == 200, ready.text


def test_nothing_is_found_in_a_few_seconds(own_server, terminal):
    terminal.ok("change", "open")
    explore(own_server, "--max-time", "12", "--phases", "coverage,fuzzing", "-n", "4", "--seed", "1", timeout=120)


@pytest.mark.soak
def test_nothing_is_found_in_ten_minutes(own_server, terminal):
    terminal.ok("change", "open")
    explore(own_server, "--max-time", "600", "-n", "400", timeout=900)
