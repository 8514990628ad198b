"""Notes, checkpoints and proof files: what was written is read back, everything else is refused in one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.change.errors import InvalidInput
from interlock.core.ledger.checkpoint import open_checkpoint, parse_checkpoint, sign_checkpoint
from interlock.core.ledger.note import NoteSigner, VerifierKey, open_note, split_note
from interlock.core.ledger.prooffile import ProofFile

SIGNER = NoteSigner("ledger.example/text", bytes(range(32)))
HASH = st.binary(min_size=32, max_size=32)


@given(st.integers(0, 2**63 - 1), HASH)
def test_checkpoints_come_back(size, root):
    note = sign_checkpoint(SIGNER, size=size, root=root)
    opened = open_checkpoint(note, SIGNER.verifier)
    assert (opened.origin, opened.size, opened.root) == (SIGNER.name, size, root)


@given(st.integers(0, 10**6), HASH, st.data())
def test_a_note_changed_anywhere_is_refused(size, root, data):
    note = sign_checkpoint(SIGNER, size=size, root=root)
    at = data.draw(st.integers(0, len(note) - 1))
    put = data.draw(st.characters())
    changed = note[:at] + put + note[at + 1 :]
    if changed == note:
        return
    try:
        opened = open_checkpoint(changed, SIGNER.verifier)
    except InvalidInput as error:
        problem = error.message
    else:
        # Base64 of a signature has spare bits at its end; what is signed must be the same.
        assert (opened.size, opened.root) == (size, root)
        return
    assert "\n" not in problem


@given(st.text(max_size=300))
def test_any_text_is_refused_or_understood(text):
    for read in (split_note, VerifierKey.parse, NoteSigner.parse, ProofFile.parse, parse_checkpoint):
        with pytest.raises(InvalidInput):
            read(text)


@given(st.integers(0, 2**62), st.lists(HASH, max_size=63), st.none() | st.binary(max_size=80))
def test_proof_files_come_back(index, hashes, extra):
    note = sign_checkpoint(SIGNER, size=5, root=bytes(32))
    proof = ProofFile(index=index, proof=tuple(hashes), checkpoint=note, extra=extra)
    assert ProofFile.parse(proof.text()) == proof


@given(st.binary(min_size=32, max_size=32))
def test_keys_come_back(seed):
    signer, secret = NoteSigner.generate("ledger.example/key", lambda _: seed)
    assert VerifierKey.parse(str(signer.verifier)) == signer.verifier
    assert NoteSigner.parse(secret).verifier == signer.verifier
    assert open_note(signer.sign("hello\n"), signer.verifier).text == "hello\n"
