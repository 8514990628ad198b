from __future__ import annotations

import time

import pytest

from interlock.core.change.canonical import is_digest
from interlock.core.change.redact import redacted, shown


def is_hidden(value):
    return isinstance(value, dict) and set(value) == {"redacted"} and is_digest(value["redacted"])


@pytest.mark.parametrize(
    "path",
    [
        ("password",),
        ("dbPassword",),
        ("DB_PASSWORD_PROD",),
        ("api_key",),
        ("apiKey",),
        ("API-KEY",),
        ("clientSecret",),
        ("SECRET_KEY_BASE",),
        ("aws_secret_access_key",),
        ("token",),
        ("github.token",),
        ("privateKey",),
        ("connectionString",),
        ("SENTRY_DSN",),
        ("Authorization",),
        ("smtp_pass",),
        ("secrets", "anything", 0),
        ("credentials", "user"),
        ("password", "value"),
        ("passwords", 3),
    ],
)
def test_a_secret_looking_key_hides_its_value(path):
    assert is_hidden(shown("hunter2", path))


@pytest.mark.parametrize(
    "path",
    [
        ("max_tokens",),
        ("token_url",),
        ("secretName",),
        ("valueFrom", "secretKeyRef", "name"),
        ("password_policy",),
        ("passwordLength",),
        ("access_key_id",),
        ("compass",),
        ("key",),
        ("monkey",),
        ("job_authorization_scope",),
        ("bypass_rules",),
        ("tokenizer",),
        (),
    ],
)
def test_a_key_that_only_speaks_about_secrets_hides_nothing(path):
    assert shown("x", path) == "x"


@pytest.mark.parametrize(
    "value",
    [
        "-----BEGIN RSA PRIVATE KEY-----\nMII",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_" + "a" * 36,
        "xoxb-1234567890-abc",
        "postgres://user:pw@host/db",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig",
        "Endpoint=x;SharedAccessKey=abc=",
    ],
)
def test_a_secret_looking_text_is_hidden_under_any_key(value):
    assert is_hidden(shown(value, ("note",)))


@pytest.mark.parametrize("value", [None, True, False, ""])
def test_what_cannot_be_a_secret_stays(value):
    assert shown(value, ("password",)) == value


def test_numbers_below_a_secret_key_are_hidden_and_others_exact():
    assert is_hidden(shown(1234, ("password",)))
    assert shown(2**60, ("size",)) == {"number": str(2**60)}


def test_secrets_inside_a_whole_value_are_hidden():
    found = shown({"user": "u", "password": "p", "deep": [{"token": "t", "port": 1}]}, ("db",))
    assert found["user"] == "u"
    assert is_hidden(found["password"])
    assert is_hidden(found["deep"][0]["token"])
    assert found["deep"][0]["port"] == 1


def test_the_digest_tells_whether_a_secret_changed_and_is_not_a_bare_hash():
    assert redacted("a") == redacted("a")
    assert redacted("a") != redacted("b")
    assert redacted("1") != redacted(1)
    assert "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb" not in redacted("a")["redacted"]


def test_a_long_text_is_told_by_digest_and_length():
    found = shown("x" * 10_000, ("script",))
    assert found["length"] == 10_000
    assert is_digest(found["long"])


@pytest.mark.parametrize("piece", ["-eyJ", "eyJaaaaaaaaaaa.", "://a", "://a:b", "-----BEGIN A", "sk-", "AKIA"])
def test_hostile_texts_are_looked_through_quickly(piece):
    started = time.process_time()
    for _ in range(10):
        shown((piece * 8_192)[:8_192], ("note",))
    assert time.process_time() - started < 2
