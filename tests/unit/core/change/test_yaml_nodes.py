"""YAML with lines and limits."""

from __future__ import annotations

import pytest
import yaml

from interlock.core.change import yaml_nodes
from interlock.core.change.errors import InvalidInput
from interlock.core.change.yaml_nodes import Mapping, Scalar, Sequence, documents


@pytest.fixture(params=["CBaseLoader", "BaseLoader"], autouse=True)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything holds with and without the C library."""
    monkeypatch.setattr(yaml_nodes, "_LOADER", getattr(yaml, request.param))


def refusal(text: str | bytes) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        list(documents("f.yaml", text if isinstance(text, bytes) else text.encode()))
    return caught.value


def test_scalars_stay_text_and_know_their_line() -> None:
    (document,) = documents("f.yaml", b"a: 1\nb: 'null'\nc: null\nd:\n  - on\n")
    assert isinstance(document, Mapping)
    assert document.fields["a"] == Scalar("1", 1, plain=True)
    assert not document.fields["b"].null  # type: ignore[union-attr]  # a scalar by construction
    assert document.fields["c"].null  # type: ignore[union-attr]  # likewise
    assert document.fields["d"] == Sequence([Scalar("on", 5, plain=True)], 5)


def test_each_document_comes_out_and_an_empty_one_is_null() -> None:
    found = list(documents("f.yaml", b"a: 1\n---\n---\nb: 2\n"))
    assert len(found) == 3
    assert isinstance(found[1], Scalar)
    assert found[1].null


def test_an_alias_repeats_what_its_anchor_named() -> None:
    (document,) = documents("f.yaml", b"a: &x [1, 2]\nb: *x\n")
    assert isinstance(document, Mapping)
    assert document.fields["a"] == document.fields["b"]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("b: 1\na: ]\n", "yaml-unreadable", 2),
        ("a: 1\nb: 2\na: 3\n", "yaml-duplicate-key", 3),
        ("a: &x\n  - *x\n", "yaml-unreadable", 2),
        ("a: *nothing\n", "yaml-unreadable", 1),
        ("? [a]\n: b\n", "yaml-unreadable", 1),
        ("a: \x01\n", "yaml-unreadable", 1),
    ],
)
def test_what_cannot_be_used_is_refused_by_line(text: str, code: str, line: int) -> None:
    error = refusal(text)
    assert error.code == code
    assert f"`f.yaml:{line}`" in error.message
    assert error.hint


def test_bytes_that_are_no_text_are_refused() -> None:
    assert refusal(b"\xff\xfe\x00a").code == "yaml-unreadable"
    assert refusal(b"name: \xe9").code == "yaml-unreadable"


def test_a_bomb_of_aliases_is_refused_before_it_is_built() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert refusal("\n".join(lines)).code == "yaml-too-large"


@pytest.mark.parametrize("text", ["[" * 200_000, "{a: " * 20_000, "- " * 20_000, "? " * 20_000])
def test_depth_is_refused_and_never_crashes(text: str) -> None:
    assert refusal(text).code in {"yaml-too-large", "yaml-unreadable"}


def test_the_deepest_permitted_nesting_is_read() -> None:
    depth = yaml_nodes.MAX_DEPTH
    assert len(list(documents("f.yaml", b"[" * depth + b"]" * depth))) == 1
    assert refusal(b"[" * (depth + 1) + b"]" * (depth + 1)).code == "yaml-too-large"


def test_size_and_count_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_nodes, "MAX_NODES", 4)
    assert len(list(documents("f.yaml", b"[1, 2, 3]"))) == 1
    assert refusal(b"[1, 2, 3, 4]").code == "yaml-too-large"
    monkeypatch.setattr(yaml_nodes, "MAX_BYTES", 8)
    assert refusal(b"a: 12345\n").code == "yaml-too-large"
