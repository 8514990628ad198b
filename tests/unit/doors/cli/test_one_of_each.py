"""One thing is told as one, and several as several."""

from __future__ import annotations

import pytest

from interlock.core.facts.model import Size
from interlock.doors.cli.screens import standing
from interlock.road import checklist


@pytest.mark.parametrize(("count", "told"), [(1, "1 file, 1 service, people"), (2, "2 files, 2 services, people")])
def test_rules_in_force(count, told):
    found = {"digest": "sha256:0", "activation": None, "people": [], "files": ["a"] * count, "services": count}
    assert told in "\n".join(standing.in_force(found))


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (1, "1 file, +1 −1, 1 key of configuration, 1 commit, 1 resource of a plan"),
        (2, "2 files, +2 −2, 2 keys of configuration, 2 commits, 2 resources of a plan"),
    ],
)
def test_a_change(count, told):
    size = Size(files=count, added=count, removed=count, keys=count, commits=count, resources=count)
    assert checklist._size(size) == told
