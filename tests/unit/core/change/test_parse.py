"""What does not fit is told in the words of whoever wrote it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import parse


@dataclass(frozen=True, kw_only=True)
class Inner:
    production: bool = False
    wanted: int


@dataclass(frozen=True, kw_only=True)
class Outer:
    trust: Inner | None = None
    places: dict[str, Inner] = field(default_factory=dict)
    steps: tuple[Inner, ...] = ()


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"trsut": {}}, "at `trsut`: there is no such key (did you mean `trust`?)"),
        ({"xyz": {}}, "at `xyz`: there is no such key"),
        ({"trust": {"wanted": 1, "prodution": True}}, "at `trust.prodution`: there is no such key (did you mean"),
        ({"places": {"a": {"wanted": 1, "prodution": True}}}, "(did you mean `production`?)"),
        ({"steps": [{"wanted": 1, "prodution": True}]}, "(did you mean `production`?)"),
        ({"trust": {}}, "at `trust.wanted`: this key is missing"),
    ],
)
def test_a_wrong_key_is_told_without_a_word_of_python(value, says):
    with pytest.raises(InvalidInput) as refused:
        parse(Outer, value, what="`interlock.yaml`")
    assert says in refused.value.message
    assert "argument" not in refused.value.message
