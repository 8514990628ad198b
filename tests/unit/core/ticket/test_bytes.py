"""Whatever byte of a ticket file is changed, lost or added: it is refused, and never with a trace."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.core.change.errors import InvalidInput
from interlock.core.ticket.verify import Expected, Verified, verify

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)

quick = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    return {}


def _sealed(world: Any, kept: dict[str, Any]) -> tuple[bytes, Any]:
    """One ticket and one set of pins for all examples."""
    if not kept:
        kept["content"], kept["pins"] = world.sealed(), world.pins()
    return kept["content"], kept["pins"]


def _holds(content: bytes, pins: Any) -> bool:
    try:
        return isinstance(verify(content, pins=pins, now=NOW, expected=Expected(weight=5.0)), Verified)
    except InvalidInput:
        return False


def test_the_untouched_ticket_holds(world: Any, kept: dict[str, Any]) -> None:
    assert _holds(*_sealed(world, kept))


@quick
@given(place=st.floats(0, 1, exclude_max=True), mask=st.integers(1, 255))
def test_no_flipped_byte_passes(world: Any, kept: dict[str, Any], place: float, mask: int) -> None:
    content, pins = _sealed(world, kept)
    at = int(place * len(content))
    assert not _holds(content[:at] + bytes([content[at] ^ mask]) + content[at + 1 :], pins)


@quick
@given(place=st.floats(0, 1), more=st.binary(min_size=1, max_size=4))
def test_no_inserted_byte_passes(world: Any, kept: dict[str, Any], place: float, more: bytes) -> None:
    content, pins = _sealed(world, kept)
    at = int(place * len(content))
    assert not _holds(content[:at] + more + content[at:], pins)


@quick
@given(start=st.floats(0, 1, exclude_max=True), length=st.integers(1, 200))
def test_no_lost_bytes_pass(world: Any, kept: dict[str, Any], start: float, length: int) -> None:
    content, pins = _sealed(world, kept)
    at = int(start * (len(content) - 1))  # the last newline alone may be lost
    assert not _holds(content[:at] + content[at + length :], pins)


@quick
@given(content=st.binary(max_size=400))
def test_noise_is_no_ticket(world: Any, kept: dict[str, Any], content: bytes) -> None:
    assert not _holds(content, _sealed(world, kept)[1])
