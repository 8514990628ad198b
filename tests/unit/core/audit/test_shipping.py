"""A change of rules alone ships nothing; with anything else beside them it may."""

from __future__ import annotations

import pytest

from interlock.core.audit.shipping import rules_alone
from interlock.core.change.parts import Artefact
from interlock.core.change.settings import RULES_ARTEFACT, Settings
from interlock.testing.road import submission

RULES = Artefact(name=RULES_ARTEFACT, digest="sha256:" + "1" * 64, media="file")
IMAGE = Artefact(name="image", digest="sha256:" + "2" * 64, media="file")


@pytest.mark.parametrize(
    ("paths", "more", "alone"),
    [
        (("rollouts/orders.yaml",), (RULES,), ("rollouts/orders.yaml",)),
        (("interlock.yaml", "change.md"), (), ("interlock.yaml",)),
        (("change.md",), (), ()),
        (("rollouts/orders.yaml", "src/promise.py"), (RULES,), ()),
        (("rollouts/orders.yaml",), (IMAGE,), ()),
    ],
)
def test_what_changes_rules_alone(paths, more, alone):
    assert rules_alone(submission("a", paths=paths, more=more).parts, Settings()) == alone
