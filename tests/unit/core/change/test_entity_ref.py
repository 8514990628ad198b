"""References in all of Backstage's forms."""

from __future__ import annotations

import pytest

from interlock.core.change.entity_ref import Ref, is_name, parse_ref


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cart", Ref("component", "here", "cart")),
        ("api:cart", Ref("api", "here", "cart")),
        ("Group:Default/Pay", Ref("group", "default", "Pay")),
        ("eu/cart", Ref("component", "eu", "cart")),
        (" cart ", Ref("component", "here", "cart")),
        ("", None),
        ("a:b:c", None),
        ("a/b/c", None),
        ("-x", None),
        ("x" * 64, None),
        ("kart\n", Ref("component", "here", "kart")),
    ],
)
def test_forms(text: str, expected: Ref | None) -> None:
    assert expected == parse_ref(text, kind="component", namespace="here")


def test_two_spellings_of_one_entity_share_a_key() -> None:
    assert Ref("group", "default", "Pay").key == Ref("group", "default", "pay").key
    assert Ref("user", "default", "Pay").key != Ref("group", "default", "pay").key


def test_the_kind_is_shown_where_the_list_usually_holds_another() -> None:
    assert Ref("component", "default", "cart").shown == "cart"
    assert Ref("component", "eu", "cart").shown == "eu/cart"
    assert Ref("api", "default", "cart").shown == "api:cart"
    assert Ref("user", "eu", "ana").shown == "user:eu/ana"


def test_names() -> None:
    assert is_name("a.b_C-1")
    assert not any(is_name(text) for text in ("", "a b", ".a", "a-", "é", "x" * 64))
