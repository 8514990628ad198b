"""A rollout is named by its id, or by the service of which one is under way."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from interlock.core.change.errors import InvalidInput, NotFound
from interlock.doors.cli.rollout_named import named_rollout

OVER = {
    "id": "rol-old",
    "service": "harbour",
    "environment": "production",
    "state": "completed",
    "ended_at": "then",
}
ON = {**OVER, "id": "rol-new", "state": "running", "ended_at": None}
STAGING = {**ON, "id": "rol-stage", "environment": "staging"}


class Kept:
    """Answers what is kept of a service, newest first."""

    def __init__(self, *items: dict[str, Any]) -> None:
        self.items = items

    def get(self, path: str, *, service: str | None = None, limit: int) -> SimpleNamespace:
        assert path == "/v1/rollouts"
        found = [one for one in self.items if service in {None, one["service"]}]
        return SimpleNamespace(json={"items": found[:limit]})


def test_an_id_is_taken_as_it_is_without_asking():
    assert named_rollout(None, "rol-7f3akq2m2a") == "rol-7f3akq2m2a"


def test_a_service_means_the_one_that_is_under_way():
    """``watch`` took a service, ``pause`` and ``show`` asked for the id."""
    assert named_rollout(Kept(ON, OVER), "harbour") == "rol-new"
    assert named_rollout(Kept(ON, OVER), "harbour", ended=True) == "rol-new"
    assert named_rollout(Kept(OVER), "harbour", ended=True) == "rol-old"


def test_of_several_none_is_guessed():
    with pytest.raises(InvalidInput) as refused:
        named_rollout(Kept(STAGING, ON), "harbour")
    assert refused.value.code == "rollout-several"
    assert "`rol-stage` in staging, `rol-new` in production" in refused.value.message


@pytest.mark.parametrize(
    ("items", "given", "said"),
    [
        ((OVER,), "harbour", "got `harbour`; the last one, `rol-old`, is completed"),
        ((ON,), "harbor", "got `harbor` (did you mean `harbour`?)"),
        ((), "chg-7f3akq2m2a", "got `chg-7f3akq2m2a`"),
    ],
)
def test_what_means_none_is_refused(items, given, said):
    with pytest.raises(NotFound) as refused:
        named_rollout(Kept(*items), given)
    assert refused.value.code == "rollout-missing"
    assert refused.value.message.endswith(said)
