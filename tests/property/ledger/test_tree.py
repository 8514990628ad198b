"""Proofs over trees of any size, against the definition in RFC 6962."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.change.errors import InvalidInput
from interlock.core.ledger.merkle import (
    EMPTY_ROOT,
    consistency_proof,
    hash_children,
    hash_leaf,
    inclusion_proof,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from interlock.core.ledger.tiles import pack_bundle, unpack_bundle
from interlock.core.ledger.tree import TILE_WIDTH, Tree, node_from, split

MOST = 700
LEAVES = [f"leaf {n}".encode() for n in range(MOST)]
HASHES = [hash_leaf(leaf) for leaf in LEAVES]
SIZES = st.integers(1, MOST)


def naive_root(hashes):
    if len(hashes) < 2:
        return hashes[0] if hashes else EMPTY_ROOT
    middle = 1 << ((len(hashes) - 1).bit_length() - 1)
    return hash_children(naive_root(hashes[:middle]), naive_root(hashes[middle:]))


def node(level, index):
    return naive_root(HASHES[index << level : (index + 1) << level])


def grown(size):
    """A tree of ``size`` leaves and a source of all its tiles."""
    tree = Tree()
    tree.extend(HASHES[:size])
    full = {(tile.level, tile.number): split(tile.hashes) for tile in tree.filled}
    return tree, lambda level, number, width: full.get((level, number)) or tree.open_row(level, number)


@given(SIZES)
def test_the_edge_knows_the_root_and_all_nodes(size):
    tree, tiles = grown(size)
    assert tree.root() == naive_root(HASHES[:size]) == tree_root(size, node) == tree_root(size, node_from(tiles))
    assert sum(tile.width for tile in tree.filled + tree.open_tiles() if tile.level == 0) == size
    assert all(tile.width == TILE_WIDTH for tile in tree.filled)


@given(SIZES, st.integers(0, MOST))
def test_an_edge_loaded_from_tiles_grows_like_one_that_was_never_stored(size, more):
    tree, tiles = grown(size)
    loaded = Tree.load(size, tiles)
    twin = tree.copy()
    for each in (loaded, twin):
        each.extend(HASHES[: min(more, 40)])
    assert loaded.root() == twin.root()
    assert loaded.open_tiles() == twin.open_tiles()
    assert loaded.filled == twin.filled
    assert tree.size == size, "a copy is independent"


@given(SIZES, st.data())
def test_inclusion_proofs_hold_and_fit_nothing_else(size, data):
    index = data.draw(st.integers(0, size - 1))
    root = naive_root(HASHES[:size])
    proof = inclusion_proof(index, size, node)
    verify_inclusion(index, size, HASHES[index], proof, root)
    for other in ({index + 1, index - 1, size - 1 - index} - {index}) & set(range(size)):
        with pytest.raises(InvalidInput):
            verify_inclusion(other, size, HASHES[index], proof, root)
    with pytest.raises(InvalidInput):
        verify_inclusion(index, size, hash_leaf(b"other"), proof, root)
    with pytest.raises(InvalidInput):
        verify_inclusion(index, size, HASHES[index], [*proof, bytes(32)], root)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        bent = list(proof)
        bent[at] = bytes([bent[at][0] ^ 1]) + bent[at][1:]
        for wrong in (bent, proof[:-1], list(reversed(proof)) if len(proof) > 1 else []):
            if wrong != proof:
                with pytest.raises(InvalidInput):
                    verify_inclusion(index, size, HASHES[index], wrong, root)


@given(st.tuples(SIZES, SIZES).map(sorted), st.data())
def test_consistency_proofs_hold_and_fit_nothing_else(sizes, data):
    old, new = sizes
    roots = naive_root(HASHES[:old]), naive_root(HASHES[:new])
    proof = consistency_proof(old, new, node)
    verify_consistency(old, new, *roots, proof)
    if old == new:
        assert proof == []
        return
    forked = [*HASHES[: old - 1], hash_leaf(b"forked")]
    with pytest.raises(InvalidInput):
        verify_consistency(old, new, naive_root(forked), roots[1], proof)
    with pytest.raises(InvalidInput):
        verify_consistency(new, old, *roots, proof)
    at = data.draw(st.integers(0, len(proof) - 1))
    bent = [*proof[:at], bytes(32), *proof[at + 1 :]]
    with pytest.raises(InvalidInput):
        verify_consistency(old, new, *roots, bent)


def test_proofs_for_what_is_not_there_are_refused():
    for index, size in ((0, 0), (5, 5), (-1, 5)):
        with pytest.raises(InvalidInput):
            inclusion_proof(index, size, node)
    with pytest.raises(InvalidInput):
        consistency_proof(6, 5, node)
    assert consistency_proof(0, 5, node) == []


@given(st.lists(st.binary(max_size=400), max_size=TILE_WIDTH))
def test_bundles_come_back_whole(leaves):
    assert unpack_bundle(pack_bundle(leaves)) == leaves


@given(st.binary(max_size=600))
def test_any_bytes_are_a_bundle_or_refused(packed):
    try:
        leaves = unpack_bundle(packed)
    except InvalidInput:
        return
    assert pack_bundle(leaves) == packed
