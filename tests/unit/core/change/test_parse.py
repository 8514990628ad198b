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
        ({"x\ny\x1b": {}}, r"at `x\ny\x1b`: there is no such key"),
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


@dataclass(frozen=True, kw_only=True)
class Socket:
    socket: str | tuple[str, ...]
    backend: str
    canary: str
    retries: bool = False


def refusal(value):
    with pytest.raises(InvalidInput) as refused:
        parse(Socket, value, what="the settings")
    return refused.value


def test_a_misspelt_key_comes_first_with_its_spelling_and_the_known_ones():
    """It was told as a missing key, with the other faults as a number."""
    error = refusal({"sock": "/run/proxy.sock", "backend": 7})
    assert error.message == (
        "expected the settings to fit its schema, got a problem at `sock`: there is no such key "
        "(did you mean `socket`?); at `backend`: input should be a valid string; at `canary`: this key is missing"
    )
    assert error.hint == "known: socket, backend, canary, retries"
    assert error.place == ("sock",)


def test_a_value_of_several_types_is_one_problem_at_its_own_key():
    """Each type that was tried was a problem of its own, at a place that nobody wrote."""
    error = refusal({"socket": 5, "backend": "b", "canary": "c"})
    assert error.place == ("socket",)
    assert "at `socket`: input should be" in error.message
    assert ";" not in error.message


def test_very_many_problems_end_in_a_number():
    error = refusal({f"surprise{number}": 1 for number in range(20)})
    assert error.message.endswith("(and 17 more)"), error.message
    assert len(error.message) < 600
