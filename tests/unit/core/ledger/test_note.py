"""Signed notes at their edges."""

import base64

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.ledger.checkpoint import open_checkpoint, parse_checkpoint
from interlock.core.ledger.note import (
    MAX_SIGNATURES,
    NoteSigner,
    VerifierKey,
    open_note,
    signature_line,
    split_note,
)

SIGNER = NoteSigner("ledger.example/log", bytes(range(32)))
STRANGER = NoteSigner("somebody.example/else", bytes(32))
NAMESAKE = NoteSigner("ledger.example/log", bytes(32))
TEXT = "first\n\nafter an empty line\n"


def line(signer, text=TEXT):
    return signer.sign(text).rpartition("\n\n")[2]


def test_strangers_are_ignored_wherever_they_stand():
    note = f"{TEXT}\n{line(STRANGER)}{line(SIGNER)}{line(NAMESAKE)}"
    assert open_note(note, SIGNER.verifier).text == TEXT


def test_only_strangers_are_refused():
    for note in (STRANGER.sign(TEXT), NAMESAKE.sign(TEXT)):
        with pytest.raises(InvalidInput) as refusal:
            open_note(note, SIGNER.verifier)
        assert refusal.value.code == "note-refused"


def test_a_second_signature_by_our_key_that_fails_refuses_the_whole_note():
    note = SIGNER.sign(TEXT) + line(SIGNER, "another text\n")
    with pytest.raises(InvalidInput) as refusal:
        open_note(note, SIGNER.verifier)
    assert refusal.value.code == "note-refused"


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n\n",
        TEXT,
        SIGNER.sign(TEXT)[:-1],
        SIGNER.sign(TEXT) + "\n",
        SIGNER.sign(TEXT).replace("\u2014", "-"),
        SIGNER.sign(TEXT).replace(" ledger", "  ledger"),
        SIGNER.sign("tab\there\n"),
        f"{TEXT}\n\u2014 {SIGNER.name} AAAA\n",
        f"{TEXT}\n\u2014 {SIGNER.name} ====\n",
        SIGNER.sign("x" * 70_000 + "\n"),
        f"{TEXT}\n{line(SIGNER) * (MAX_SIGNATURES + 1)}",
    ],
)
def test_what_is_no_note_is_refused(note):
    with pytest.raises(InvalidInput) as refusal:
        split_note(note)
    assert refusal.value.code == "note-malformed"


def test_sixteen_signatures_are_accepted():
    note = f"{TEXT}\n{line(STRANGER) * 15}{line(SIGNER)}"
    assert len(open_note(note, SIGNER.verifier).signatures) == 16


def spoilt_keys():
    good = str(SIGNER.verifier)
    name, key_id, encoded = good.split("+", 2)
    typed = bytearray(base64.b64decode(encoded))
    other_type = base64.b64encode(bytes([2]) + bytes(typed[1:])).decode()
    yield from ("", name, f"{name}+{key_id}", f"{name}+00000000+{encoded}", f"{name}+{key_id}+{encoded[:-4]}")
    yield from (f"other+{key_id}+{encoded}", f"{name}+{key_id}+{other_type}", f"two words+{key_id}+{encoded}")


@pytest.mark.parametrize("text", list(spoilt_keys()))
def test_what_is_no_key_is_refused(text):
    with pytest.raises(InvalidInput) as refusal:
        VerifierKey.parse(text)
    assert refusal.value.code == "vkey-malformed"


def test_a_known_key_reads_as_published():
    vkey = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
    assert str(VerifierKey.parse(vkey)) == vkey


def test_a_checkpoint_of_another_log_under_our_key_is_refused():
    text = f"other.example/log\n1\n{'A' * 43}=\n"
    with pytest.raises(InvalidInput) as refusal:
        open_checkpoint(SIGNER.sign(text), SIGNER.verifier)
    assert refusal.value.code == "note-refused"


@pytest.mark.parametrize("size", ["01", "-1", "+1", "1.0", "", " 1", "9" * 19, "1" * 30, "١"])
def test_sizes_that_are_not_plain_decimals_are_refused(size):
    with pytest.raises(InvalidInput) as refusal:
        parse_checkpoint(f"ledger.example/log\n{size}\n{'A' * 43}=\n")
    assert refusal.value.code == "checkpoint-malformed"


def test_extension_lines_are_kept_and_not_read():
    assert parse_checkpoint(f"ledger.example/log\n7\n{'A' * 43}=\nextension\n").size == 7


def test_a_signature_line_needs_its_key_id():
    assert signature_line(SIGNER.verifier, bytes(64)).split(" ")[1] == SIGNER.name
