from __future__ import annotations

import pytest

from interlock.testing.versions import Version


@pytest.fixture
def canary():
    with Version("canary") as version:
        yield version


@pytest.fixture
def control():
    with Version("control") as version:
        yield version
