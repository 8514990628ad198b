"""Transcripts: what is said stays, what is secret does not, in however many pieces it comes."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from interlock.core.evidence import transcript
from interlock.core.evidence.transcript import MASK, Masker, Transcript, secrets_of

SECRETS = ("hunter2hunter2", "s3cr3t-value")


def test_secrets_are_known_by_name_and_by_form():
    found = secrets_of(
        {
            "SHOP_TOKEN": "abcdef-ghij",
            "DB_PASSWORD": "correct horse",
            "DATABASE_URL": "postgresql://shop:pa55word@db/shop",
            "TOKEN_URL": "https://login.example",
            "HOME": "a folder with a long name",
            "PIN_PASSWORD": "1234",
        }
    )
    assert found == ("postgresql://shop:pa55word@db/shop", "correct horse", "abcdef-ghij")


@given(st.lists(st.sampled_from([*SECRETS, "hunter2", "s3cr3t", " words ", "h", "é"])), st.data())
def test_no_secret_is_left_however_it_is_cut_and_nothing_else_is_lost(words, chosen):
    text = "".join(words)
    masker = Masker(SECRETS)
    said, rest = "", text
    while rest:
        size = chosen.draw(st.integers(1, len(rest)))
        said += masker.feed(rest[:size])
        rest = rest[size:]
    said += masker.rest()
    assert not any(secret in said for secret in SECRETS)
    whole = Masker(SECRETS).whole(text)
    assert said == whole
    assert said.count(MASK) == masker.masked


def test_it_is_an_asciicast_also_of_bytes_that_are_no_text():
    written = Transcript(Masker(()), columns=80, rows=24, began=1_700_000_000, command="make run")
    written.said("é".encode()[:1], 0.1)
    written.said("é".encode()[1:] + b"\xff", 0.25)
    header, *events = [json.loads(line) for line in written.over(1.0).splitlines()]
    assert header == {"version": 2, "width": 80, "height": 24, "timestamp": 1_700_000_000, "command": "make run"}
    assert events == [[0.25, "o", "é\ufffd"]]


def test_it_has_a_limit_and_counts_what_is_not_in_it(monkeypatch):
    monkeypatch.setattr(transcript, "MOST_BYTES", 200)
    written = Transcript(Masker(()), columns=80, rows=24, began=0, command="yes")
    for number in range(10):
        written.said(b"y" * 30, number)
    assert len(written.over(10.0)) <= 200
    assert (written.events, written.left_out) == (2, 240)
