"""The growing edge of the tree: what must be known to append, and the tiles that fill up on the way.

Rules:
1. A tile holds 256 hashes of one level (C2SP tlog-tiles: level L holds nodes of tree level 8·L). Full tiles never
   change and leave the edge through ``filled``; the open ones (at most 255 hashes a level) stay in memory.
2. The edge is the same whether it was grown leaf by leaf or loaded from tiles.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from interlock.core.ledger.merkle import EMPTY_ROOT, HASH_BYTES, fold, hash_children

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT

Tiles = Callable[[int, int, int], Sequence[bytes]]
"""``(level, number, width)`` to at least the first ``width`` hashes of a tile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A tile: ``number`` counts from the left, ``hashes`` are 1–256 SHA-256 values back to back."""

    level: int
    number: int
    hashes: bytes

    @property
    def width(self) -> int:
        """How many hashes it holds."""
        return len(self.hashes) // HASH_BYTES


class Tree:
    """The right edge of a tree of ``size`` leaves. Not safe for use from two threads at once."""

    def __init__(self) -> None:
        self.size = 0
        self.filled: list[Tile] = []
        self._peaks: list[bytes] = []
        self._open: list[list[bytes]] = [[]]

    @classmethod
    def load(cls, size: int, tiles: Tiles) -> Tree:
        """The edge of a tree that is kept as tiles."""
        tree = cls()
        tree.size = size
        tree._open = []
        level = 0
        while size >> (TILE_HEIGHT * level) or level == 0:
            nodes = size >> (TILE_HEIGHT * level)
            width = nodes & (TILE_WIDTH - 1)
            hashes = list(tiles(level, nodes >> TILE_HEIGHT, width)[:width]) if width else []
            tree._open.append(hashes)
            tree._peaks[:0] = _peaks(hashes)
            level += 1
        return tree

    def copy(self) -> Tree:
        """An independent edge of the same tree, with no filled tiles waiting."""
        twin = Tree()
        twin.size = self.size
        twin._peaks = self._peaks.copy()
        twin._open = [row.copy() for row in self._open]
        return twin

    def append(self, leaf_hash: bytes) -> None:
        """Add one leaf at the right."""
        row = self._open[0]
        row.append(leaf_hash)
        if len(row) == TILE_WIDTH:
            self._fill(0, row)
        size, level, node, peaks = self.size, 0, leaf_hash, self._peaks
        while size & 1:
            node = hashlib.sha256(b"\x01" + peaks.pop() + node).digest()
            size >>= 1
            level += 1
            if not level % TILE_HEIGHT:
                self._keep(level // TILE_HEIGHT, node)
        peaks.append(node)
        self.size += 1

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Add leaves in order."""
        for leaf_hash in leaf_hashes:
            self.append(leaf_hash)

    def root(self) -> bytes:
        """The root over all leaves."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = hash_children(peak, root)
        return root

    def open_tiles(self, lowest: int = 0) -> list[Tile]:
        """The tiles that are not full yet, from level ``lowest`` up."""
        return [
            Tile(level=level, number=self.size >> (TILE_HEIGHT * (level + 1)), hashes=b"".join(row))
            for level, row in enumerate(self._open)
            if row and level >= lowest
        ]

    def open_row(self, level: int, number: int) -> Sequence[bytes] | None:
        """The hashes of the open tile ``number`` of ``level``, or None where that tile is full."""
        if level < len(self._open) and number == self.size >> (TILE_HEIGHT * (level + 1)):
            return self._open[level]
        return None

    def _keep(self, level: int, node: bytes) -> None:
        if level == len(self._open):
            self._open.append([])
        row = self._open[level]
        row.append(node)
        if len(row) == TILE_WIDTH:
            self._fill(level, row)

    def _fill(self, level: int, row: list[bytes]) -> None:
        number = self.size >> (TILE_HEIGHT * (level + 1))
        self.filled.append(Tile(level=level, number=number, hashes=b"".join(row)))
        row.clear()


def split(hashes: bytes) -> list[bytes]:
    """A tile's bytes as single hashes."""
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]


def node_from(tiles: Tiles) -> Callable[[int, int], bytes]:
    """Node hashes computed from tiles, in the form that proofs are built from."""

    def node(level: int, index: int) -> bytes:
        row = level // TILE_HEIGHT
        below = level % TILE_HEIGHT
        first = index << below
        place = first & (TILE_WIDTH - 1)
        width = 1 << below
        return fold(tiles(row, first >> TILE_HEIGHT, place + width)[place : place + width])

    return node


def _peaks(hashes: Sequence[bytes]) -> list[bytes]:
    """The perfect subtrees over a row of fewer than 256 hashes, widest first."""
    peaks, start = [], 0
    for bit in reversed(range(TILE_HEIGHT)):
        if len(hashes) >> bit & 1:
            peaks.append(fold(hashes[start : start + (1 << bit)]))
            start += 1 << bit
    return peaks
