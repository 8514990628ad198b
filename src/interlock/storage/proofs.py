"""Proofs under a signed tree, with as few questions to the database as there can be.

Rules:
1. Leaves and full tiles never change, so a proof needs no snapshot: on PostgreSQL it is read outside a
   transaction, which saves two round trips.
2. The leaf and the stored tiles above it are asked for in one statement. Full tiles are kept in memory, at most
   1,024 of them (8 MiB), and so are hashes of larger subtrees.
3. What was kept or read is only a means: whoever hands out a proof verifies it against the signed root first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa

from interlock.core.ledger.merkle import HASH_BYTES, Node, consistency_proof, hash_leaf, inclusion_proof
from interlock.core.ledger.tree import TILE_HEIGHT, TILE_WIDTH, Tree, node_from, split
from interlock.storage import schema
from interlock.storage.engine import Engines, translate
from interlock.storage.ledger import as_bytes, damaged, read_tile
from interlock.storage.session import Session

MAX_TILES = 1_024
MAX_NODES = 50_000
_KEPT_FROM_LEVEL = 4
_LEVELS = 3
_NOTHING = sa.cast(sa.null(), sa.LargeBinary)
_LEAF_AND_TILES = sa.union_all(
    sa.select(
        sa.literal(-1).label("level"),
        schema.entry.c.position.label("number"),
        schema.entry.c.leaf.label("content"),
        schema.entry.c.hash.label("hash"),
    ).where(schema.entry.c.position == sa.bindparam("position")),
    sa.select(schema.tile.c.level, schema.tile.c.number, schema.tile.c.hashes, _NOTHING).where(
        sa.or_(
            *(
                sa.and_(schema.tile.c.level == level, schema.tile.c.number == sa.bindparam(f"tile_{level}"))
                for level in range(_LEVELS)
            )
        )
    ),
)


class Prover:
    """Inclusion and consistency under trees that were signed. Safe to use from several threads."""

    def __init__(self, engines: Engines) -> None:
        self._engine = engines.settled
        # Both only ever gain what can be read again, so a race between threads costs a reading and nothing else.
        self._tiles: dict[tuple[int, int], Sequence[bytes]] = {}
        self._nodes: dict[tuple[int, int], bytes] = {}

    def inclusion(self, index: int, tree: Tree) -> tuple[bytes, list[bytes]]:
        """The leaf at ``index`` and its siblings up to the root of ``tree``, not verified yet.

        Raises:
            InvalidInput: ``index-beyond-tree``.
            IntegrityError: ``ledger-damaged`` when the leaf is gone or was changed.
        """
        with self._reading() as session:
            leaf = self._look_up(session, index, tree) if 0 <= index < tree.size else b""
            return leaf, inclusion_proof(index, tree.size, self._node(session, tree))

    def consistency(self, old: int, new: int, tree: Tree) -> list[bytes]:
        """Hashes that show the first ``old`` entries to be the beginning of the first ``new``, under ``tree``."""
        with self._reading() as session:
            return consistency_proof(old, new, self._node(session, tree))

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        try:
            with self._engine.connect() as connection:
                yield Session(connection, writable=False)
        except sa.exc.DBAPIError as error:
            raise translate(error) from error

    def _look_up(self, session: Session, index: int, tree: Tree) -> bytes:
        """The leaf; the tiles above it that are full and not known yet are kept on the way."""
        values = {"position": index}
        for level in range(_LEVELS):
            number = index >> (TILE_HEIGHT * (level + 1))
            wanted = tree.open_row(level, number) is None and (level, number) not in self._tiles
            values[f"tile_{level}"] = number if wanted else -1
        leaf: bytes | None = None
        for row in session.read(_LEAF_AND_TILES, values):
            if row.level >= 0:
                self._keep(row.level, row.number, as_bytes(row.content))
                continue
            leaf = as_bytes(row.content)
            if hash_leaf(leaf) != row.hash:
                raise damaged(f"entry {index} was changed after it was written")
        if leaf is None:
            raise damaged(f"entry {index} is gone")
        return leaf

    def _keep(self, level: int, number: int, hashes: bytes) -> None:
        # A tile that another server has not filled yet is not full, and not kept.
        if len(hashes) == TILE_WIDTH * HASH_BYTES:
            if len(self._tiles) >= MAX_TILES:
                self._tiles.clear()
            self._tiles[level, number] = split(hashes)

    def _node(self, session: Session, tree: Tree) -> Node:
        """Node hashes under one signed tree. Perfect subtrees never change, so the higher ones are remembered."""

        def tile(level: int, number: int, _width: int) -> Sequence[bytes]:
            edge = tree.open_row(level, number)
            if edge is not None:
                return edge
            known = self._tiles.get((level, number))
            if known is None:
                known = read_tile(session, level, number, TILE_WIDTH)
                self._keep(level, number, b"".join(known))
            return known

        compute = node_from(tile)

        def node(level: int, index: int) -> bytes:
            known = self._nodes.get((level, index))
            if known is None:
                known = compute(level, index)
                if level >= _KEPT_FROM_LEVEL:
                    if len(self._nodes) >= MAX_NODES:
                        self._nodes.clear()
                    self._nodes[level, index] = known
            return known

        return node
