"""The Merkle tree of RFC 6962: hashes, proofs and their verification.

Rules:
1. A leaf is hashed behind a zero byte, an inner node behind a one byte: no leaf passes for a node.
2. There is one walk. A proof that the subtree ``[start, end)`` is part of a tree of ``size`` leaves is a list of
   siblings, deepest first; an inclusion proof is that for a subtree of one leaf, a consistency proof that for a
   subtree that starts at 0.
3. A proof is refused (``InvalidInput``, code ``proof-refused``) unless every one of its hashes was used and
   both roots were met. Nothing returns a boolean that could be forgotten.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Literal

from interlock.core.change.errors import InvalidInput

Node = Callable[[int, int], bytes]
"""``(level, index)`` to the hash of the perfect subtree over leaves ``[index << level, (index + 1) << level)``."""

EMPTY_ROOT = hashlib.sha256(b"").digest()
HASH_BYTES = 32
MAX_SIZE = (1 << 63) - 1

_Step = tuple[Literal["left", "right", "left-inside"], int, int]
"""Which sibling stands beside the walk, and the leaves it covers; ``left-inside`` also lies in the subtree."""


def hash_leaf(leaf: bytes) -> bytes:
    """The hash of one leaf's bytes."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over ``hashes``, whose number is a power of two."""
    row = list(hashes)
    while len(row) > 1:
        row = [hash_children(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


def range_hash(start: int, end: int, node: Node) -> bytes:
    """The hash of the subtree ``[start, end)``, ``start`` being aligned to its width rounded up."""
    width = end - start
    level = width.bit_length() - 1
    if width == 1 << level:
        return node(level, start >> level)
    left = 1 << level
    return hash_children(node(level, start >> level), range_hash(start + left, end, node))


def tree_root(size: int, node: Node) -> bytes:
    """The root of a tree of ``size`` leaves."""
    return range_hash(0, size, node) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """Siblings from the leaf at ``index`` up to the root of ``size`` leaves.

    Raises:
        InvalidInput: ``index-beyond-tree``.
    """
    if not 0 <= index < size:
        raise InvalidInput(
            f"expected an index below the tree's size {size}, got `{index}`",
            code="index-beyond-tree",
            hint="ask for an entry the checkpoint covers",
        )
    return _siblings(index, index + 1, size, node)


def consistency_proof(old: int, new: int, node: Node) -> list[bytes]:
    """Shows that the tree of ``old`` leaves is the beginning of that of ``new`` leaves; empty from 0.

    Raises:
        InvalidInput: ``index-beyond-tree`` when ``old`` is the larger.
    """
    if not 0 <= old <= new:
        raise InvalidInput(
            f"expected an older size of at most {new}, got `{old}`",
            code="index-beyond-tree",
            hint="name the smaller tree first",
        )
    return _siblings(0, old, new, node) if old else []


def verify_inclusion(index: int, size: int, leaf_hash: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Whether the leaf stands at ``index`` of the tree with ``root``; refuses otherwise."""
    if not 0 <= index < size <= MAX_SIZE or len(leaf_hash) != HASH_BYTES:
        raise _refused(f"index {index} is not in a tree of {size} leaves, or the leaf's hash is not one")
    verify_subtree_consistency(index, index + 1, size, proof, leaf_hash, root)


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Whether the tree of ``new`` leaves continues that of ``old``; refuses otherwise.

    From size 0 nothing can be shown: only an empty proof between two equal empty trees holds.
    """
    if old in (new, 0):
        alike = old == new and old_root == new_root and (old > 0 or old_root == EMPTY_ROOT)
        if proof or not alike:
            raise _refused(f"between sizes {old} and {new} only an empty proof of one root can hold")
        return
    verify_subtree_consistency(0, old, new, proof, old_root, new_root)


def verify_subtree_inclusion(
    index: int, start: int, end: int, leaf_hash: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Whether the leaf at ``index`` stands in the subtree ``[start, end)`` with ``root``; refuses otherwise."""
    _check_subtree(start, end, MAX_SIZE)
    if start == end:
        raise _refused("an empty subtree holds no leaf")
    verify_inclusion(index - start, end - start, leaf_hash, proof, root)


def verify_subtree_consistency(
    start: int, end: int, size: int, proof: Sequence[bytes], subtree_root: bytes, root: bytes
) -> None:
    """Whether the subtree ``[start, end)`` is part of the tree of ``size`` leaves; refuses otherwise."""
    _check_subtree(start, end, size)
    if start == end:
        if proof or subtree_root != EMPTY_ROOT:
            raise _refused("an empty subtree has the empty root and an empty proof")
        return
    steps, known = _walk(start, end, size)
    if len(proof) != len(steps) + (not known):
        raise _refused(f"expected {len(steps) + (not known)} hashes, got {len(proof)}")
    hashes = iter(proof)
    inner = outer = subtree_root if known else next(hashes)
    for (side, _, _), sibling in zip(reversed(steps), hashes, strict=True):
        outer = hash_children(outer, sibling) if side == "right" else hash_children(sibling, outer)
        inner = hash_children(sibling, inner) if side == "left-inside" else inner
    if inner != subtree_root or outer != root:
        raise _refused("the hashes lead to another root")


def _siblings(start: int, end: int, size: int, node: Node) -> list[bytes]:
    steps, known = _walk(start, end, size)
    proof = [range_hash(low, high, node) for _, low, high in reversed(steps)]
    if known:
        return proof
    # The walk ended on the right edge of the subtree: its own last piece comes first.
    low = max(high for side, _, high in steps if side == "left-inside")
    return [range_hash(low, end, node), *proof]


def _walk(start: int, end: int, size: int) -> tuple[list[_Step], bool]:
    """The siblings from the root down, and whether the walk ends at the subtree itself (else its right part)."""
    low, high, known = 0, size, True
    steps: list[_Step] = []
    while (low, high) != (start, end):
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        if end <= middle:
            steps.append(("right", middle, high))
            high = middle
        elif middle <= start:
            steps.append(("left", low, middle))
            low = middle
        else:
            steps.append(("left-inside", low, middle))
            low = start = middle
            known = False
    return steps, known


def _check_subtree(start: int, end: int, size: int) -> None:
    width = end - start
    if not 0 <= start <= end <= size <= MAX_SIZE or (width and start & ((1 << (width - 1).bit_length()) - 1)):
        raise _refused(f"`{start}` to `{end}` is not a subtree of {size} leaves")


def _refused(why: str) -> InvalidInput:
    return InvalidInput(
        f"expected a proof that holds, got one that does not: {why}",
        code="proof-refused",
        hint="the log or the proof was altered; ask for a new proof and compare checkpoints",
    )
