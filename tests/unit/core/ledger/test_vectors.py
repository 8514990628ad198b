"""Public vectors: 518 Merkle proofs of transparency-dev/merkle and a whole log written by Tessera."""

import base64
import json
from pathlib import Path

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.ledger.checkpoint import open_checkpoint
from interlock.core.ledger.merkle import (
    hash_leaf,
    tree_root,
    verify_consistency,
    verify_inclusion,
    verify_subtree_consistency,
    verify_subtree_inclusion,
)
from interlock.core.ledger.note import VerifierKey
from interlock.core.ledger.tiles import entries_path, tile_path, unpack_bundle
from interlock.core.ledger.tree import Tree, node_from, split

VECTORS = Path(__file__).parents[3] / "vectors"
MERKLE = VECTORS / "merkle" / "testdata"
TESSERA = VECTORS / "tlog" / "testdata" / "log"
KEY = VerifierKey.parse("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")


def hashes(case, name):
    return [base64.b64decode(each) for each in case[name] or []]


def one(case, name):
    return base64.b64decode(case[name])


def inclusion(case):
    verify_inclusion(
        case["leafIdx"], case["treeSize"], one(case, "leafHash"), hashes(case, "proof"), one(case, "root")
    )


def consistency(case):
    roots = one(case, "root1"), one(case, "root2")
    verify_consistency(case["size1"], case["size2"], *roots, hashes(case, "proof"))


def subtreeinclusion(case):
    where = case["leafIdx"], case["start"], case["end"]
    verify_subtree_inclusion(*where, one(case, "leafHash"), hashes(case, "proof"), one(case, "root"))


def subtreeconsistency(case):
    where = case["start"], case["end"], case["size"]
    verify_subtree_consistency(*where, hashes(case, "proof"), one(case, "root1"), one(case, "root2"))


def refusal(verify, case):
    try:
        return verify(case)
    except InvalidInput as error:
        return error.code


KINDS = {
    "inclusion": (inclusion, 98),
    "consistency": (consistency, 98),
    "subtreeinclusion": (subtreeinclusion, 204),
    "subtreeconsistency": (subtreeconsistency, 118),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_vector_gets_its_verdict(kind):
    verify, count = KINDS[kind]
    files = sorted((MERKLE / kind).rglob("*.json"))
    wrong = []
    for file in files:
        case = json.loads(file.read_text())
        if (refusal(verify, case) == "proof-refused") != case["wantErr"]:
            wrong.append(str(file.relative_to(MERKLE)))
    assert wrong == []
    assert len(files) == count


def test_the_whole_tessera_log_verifies():
    leaves = unpack_bundle((TESSERA / entries_path(0, 15)).read_bytes())
    assert len(leaves) == 15
    tree = Tree()
    for size in range(16):
        checkpoint = open_checkpoint((TESSERA / f"checkpoint.{size}").read_text(), KEY)
        assert (checkpoint.size, checkpoint.root) == (size, tree.root())
        if size:
            row = split((TESSERA / tile_path(0, 0, size)).read_bytes())
            assert row == [hash_leaf(leaf) for leaf in leaves[:size]]
            assert unpack_bundle((TESSERA / entries_path(0, size)).read_bytes()) == leaves[:size]
            assert tree_root(size, node_from(lambda level, number, width, row=row: row)) == checkpoint.root
        if size < 15:
            tree.append(hash_leaf(leaves[size]))


def test_a_changed_checkpoint_of_the_tessera_log_is_refused():
    note = (TESSERA / "checkpoint.9").read_text()
    with pytest.raises(InvalidInput) as refusal:
        open_checkpoint(note.replace("\n9\n", "\n8\n"), KEY)
    assert refusal.value.code == "note-refused"
