"""The road on a real store, with the rules about people enforced."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.testing.road import Road

PEOPLE_RULES = ("tier1-two-approvals", "tier1-presence", "ai-senior-approval", "risk-questions", "known-authors")


@pytest.fixture
def road(tmp_path: Path) -> Iterator[Road]:
    made = Road(folder=tmp_path, enforced=PEOPLE_RULES)
    yield made
    made.close()
