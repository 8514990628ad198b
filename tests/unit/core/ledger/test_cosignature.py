"""Cosignatures: the published example's form, verified, refused when bent."""

from datetime import UTC, datetime

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.ledger.checkpoint import sign_checkpoint
from interlock.core.ledger.cosignature import Cosignature, cosign, cosignatures
from interlock.core.ledger.note import COSIGNATURE, NoteSigner, VerifierKey, open_note

LOG = NoteSigner("ledger.example/log", bytes(range(32)))
WITNESS = NoteSigner("witness.example/w1", bytes(32))
KEY = VerifierKey(name=WITNESS.name, public=WITNESS.verifier.public, algorithm=COSIGNATURE)
AT = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)


def cosigned(size=5):
    note = sign_checkpoint(LOG, size=size, root=bytes(32))
    return note + cosign(WITNESS, note, AT)


def test_a_cosignature_says_who_and_when():
    assert cosignatures(cosigned(), [KEY]) == (Cosignature(witness="witness.example/w1", at=AT),)
    assert open_note(cosigned(), LOG.verifier).text.startswith("ledger.example/log\n5\n")


def test_without_a_known_witness_there_is_none():
    assert cosignatures(cosigned(), []) == ()
    assert cosignatures(sign_checkpoint(LOG, size=5, root=bytes(32)), [KEY]) == ()


def test_a_cosignature_of_another_checkpoint_is_refused():
    note = sign_checkpoint(LOG, size=6, root=bytes(32)) + cosigned(5).splitlines(keepends=True)[-1]
    with pytest.raises(InvalidInput) as refusal:
        cosignatures(note, [KEY])
    assert refusal.value.code == "note-refused"


def test_a_log_key_is_no_cosigner():
    with pytest.raises(InvalidInput) as refusal:
        cosignatures(cosigned(), [LOG.verifier])
    assert refusal.value.code == "vkey-malformed"


def test_a_cosigner_key_reads_back():
    assert VerifierKey.parse(str(KEY)) == KEY
