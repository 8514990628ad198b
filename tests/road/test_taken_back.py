"""What went out last is not taken back unseen: on real git, and by what is told of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from interlock.core.change.change import Submission
from interlock.core.change.parts import Artefact


def test_a_revert_on_top_behind_an_older_base_is_named_and_refused(shipping: Any) -> None:
    """Both ends of the range have the old content, so the range would not show that it goes back."""
    older = shipping.commit("setting", "max_days: 5\n")
    shipping.allowed(shipping.ship())
    shipped = shipping.commit("setting", "max_days: 7\n")
    shipping.allowed(shipping.ship())
    shipping.git("revert", "--no-edit", "HEAD")
    shipping.commit("note")
    assert [reason.facts["named"] for reason in shipping.ship(older).reasons] == [["setting.txt"]]
    shipping.allowed(shipping.ship(shipped))


def test_a_change_without_a_range_takes_nothing_back(shipping: Any) -> None:
    first = shipping.commit("one")
    shipping.allowed(shipping.ship())
    shipping.commit("two")
    shipping.allowed(shipping.ship())
    part = Artefact(name="readme", digest=f"sha256:{'a' * 64}", media="file")
    change = shipping.road.open(Submission(parts=(part,)))
    shipping.git("switch", "-q", "--detach", first)
    assert [reason.id for reason in shipping.gate(change).reasons] == ["takes-back"]


def test_what_was_compared_with_another_head_shows_nothing(shipping: Any) -> None:
    base = shipping.commit("one")
    shipping.allowed(shipping.ship())
    shipping.commit("two")
    shipping.allowed(shipping.ship())
    shipping.commit("three")
    change = shipping.open(base)
    told = replace(shipping.checkout(change.submission), against=base)
    for checkout in (told, None):
        result = shipping.road.gate(change, checkout=checkout)
        assert [reason.id for reason in result.reasons] == ["takes-back"]
        assert "nothing shows" in result.reasons[0].text
    shipping.allowed(shipping.gate(change))
    shipping.allowed(shipping.road.gate(change))
