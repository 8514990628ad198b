"""A reviewer that cannot be asked, or would be asked in the open, is refused with the key that is wrong."""

from __future__ import annotations

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.change.settings import read_settings

GOOD = {"kind": "openai", "endpoint": "https://models.example/v1", "model": "m", "send": ["**"]}


def read(**more):
    return read_settings({"reviewer": {**GOOD, **more}}).reviewer


def test_there_is_none_unless_it_is_written():
    assert read_settings({}).reviewer is None


@pytest.mark.parametrize(
    "endpoint",
    ["https://models.example", "http://127.0.0.1:8000/v1", "http://[::1]:8000", "http://localhost:8000/v1"],
)
def test_an_address_that_is_encrypted_or_here_is_taken(endpoint):
    assert read(endpoint=endpoint).endpoint == endpoint


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("endpoint", "http://models.example"),
        ("endpoint", "http://127.0.0.1.models.example"),
        ("endpoint", "http://localhost.example"),
        ("endpoint", "https://me:secret@models.example"),
        ("endpoint", "https://models.example/v1?key=1"),
        ("endpoint", "https://"),
        ("endpoint", "ftp://models.example"),
        ("endpoint", "file:///etc/passwd"),
        ("endpoint", "https://models.example:port"),
        ("endpoint", "https://mödels.example"),
        ("kind", "Open AI"),
        ("kind", ""),
        ("model", ""),
        ("model", "a\nb"),
        ("key_env", "sk-1234567890"),
        ("key_env", "A B"),
        ("max_tokens", 0),
        ("max_tokens", 64_001),
        ("max_bytes", 0),
        ("seconds", 0.5),
        ("seconds", 901.0),
        ("retries", -1),
        ("retries", 6),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_key(key, value):
    with pytest.raises(InvalidInput) as refused:
        read(**{key: value})
    assert refused.value.code == "settings-range"
    assert f"`reviewer.{key}`" in refused.value.message
    assert "sk-1234567890" not in refused.value.message


@pytest.mark.parametrize("key", ["kind", "endpoint", "model", "send"])
def test_where_and_what_must_be_written_down(key):
    with pytest.raises(InvalidInput) as refused:
        read_settings({"reviewer": {name: value for name, value in GOOD.items() if name != key}})
    assert refused.value.code == "input-shape"


def test_nothing_to_send_is_refused():
    with pytest.raises(InvalidInput) as refused:
        read(send=[])
    assert refused.value.code == "pattern-invalid"


@pytest.mark.parametrize("key", ["key", "api_key", "headers", "approve"])
def test_a_key_of_nobodys_is_refused(key):
    with pytest.raises(InvalidInput) as refused:
        read(**{key: "x"})
    assert refused.value.code == "input-shape"
