"""The key's file: whole, private, never overwritten."""

import os
import stat
from itertools import count

import pytest

from interlock.core.change.errors import Conflict, InvalidInput, NotFound
from interlock.core.ledger.note import NoteSigner, open_note
from interlock.storage.keys import create_key, load_key, load_or_create_key

NAME = "ledger.example/keys"


def counting():
    numbers = count(1)
    return lambda size: bytes([next(numbers)]) * size


def test_a_key_is_kept_for_its_owner_only_and_read_back(tmp_path):
    path = tmp_path / "deep" / "ledger.key"
    made = create_key(path, NAME, counting())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["ledger.key"]
    read = load_key(path)
    assert str(read.verifier) == str(made.verifier)
    assert open_note(read.sign("text\n"), made.verifier).text == "text\n"


def test_a_key_is_never_overwritten(tmp_path):
    path = tmp_path / "ledger.key"
    create_key(path, NAME, counting())
    before = path.read_bytes()
    with pytest.raises(Conflict) as conflict:
        create_key(path, NAME, bytes)
    assert conflict.value.code == "key-exists"
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601, 0o610])
def test_a_key_that_others_can_reach_is_refused(tmp_path, mode):
    path = tmp_path / "ledger.key"
    create_key(path, NAME, counting())
    path.chmod(mode)
    with pytest.raises(InvalidInput) as refusal:
        load_key(path)
    assert refusal.value.code == "key-readable-by-others"


def test_a_link_a_pipe_and_a_large_file_are_refused(tmp_path):
    create_key(tmp_path / "real", NAME, counting())
    (tmp_path / "link").symlink_to(tmp_path / "real")
    os.mkfifo(tmp_path / "pipe", 0o600)
    large = tmp_path / "large"
    large.write_bytes(bytes(5000))
    large.chmod(0o600)
    for name in ("link", "pipe", "large"):
        with pytest.raises(InvalidInput) as refusal:
            load_key(tmp_path / name)
        assert refusal.value.code == "key-unreadable"


@pytest.mark.parametrize("cut", [slice(0, 40), slice(12, None), slice(0, -2), slice(0, 0)])
def test_a_damaged_key_is_refused_and_never_shown(tmp_path, cut):
    path = tmp_path / "ledger.key"
    create_key(path, NAME, counting())
    text = path.read_text().strip()
    path.write_text(text[cut])
    with pytest.raises(InvalidInput) as refusal:
        load_key(path)
    assert refusal.value.code == "signer-malformed"
    assert text.rsplit("+", 1)[1][:20] not in str(refusal.value)


def test_a_missing_key_is_missing_unless_it_may_be_made(tmp_path):
    with pytest.raises(NotFound):
        load_key(tmp_path / "ledger.key")
    made = load_or_create_key(tmp_path / "ledger.key", NAME, counting())
    again = load_or_create_key(tmp_path / "ledger.key", NAME, counting())
    assert str(made.verifier) == str(again.verifier)


@pytest.mark.parametrize("name", ["", "two words", "plus+sign", "x" * 256, "tab\there"])
def test_names_that_no_note_can_carry_are_refused(tmp_path, name):
    with pytest.raises(InvalidInput):
        create_key(tmp_path / "ledger.key", name, counting())
    assert list(tmp_path.iterdir()) == []


def test_a_signer_does_not_show_its_key():
    assert "PRIVATE" not in repr(NoteSigner(NAME, bytes(32)))


def test_a_file_that_holds_no_key_is_named(tmp_path):
    path = tmp_path / "ledger.key"
    path.write_text("nonsense")
    path.chmod(0o600)
    with pytest.raises(InvalidInput) as refused:
        load_key(path)
    assert refused.value.code == "signer-malformed"
    assert str(path) in refused.value.message
