"""The store: the port ``Store`` over one SQL database, and the proofs only a ledger can give."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import TypeVar

import sqlalchemy as sa

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InterlockError, Unavailable
from interlock.core.ledger.checkpoint import parse_checkpoint
from interlock.core.ledger.merkle import hash_leaf, verify_inclusion
from interlock.core.ledger.note import NoteSigner, split_note
from interlock.core.ledger.prooffile import ProofFile
from interlock.core.ledger.tiles import entries_path, pack_bundle, tile_path, unknown_tile
from interlock.core.ledger.tree import TILE_HEIGHT, TILE_WIDTH
from interlock.ports.store import Tx
from interlock.ports.world import Clock
from interlock.storage.engine import CONNECTION_LOST, Engines, translate
from interlock.storage.leases import SqlLeases
from interlock.storage.ledger import damaged, read_leaves, read_tile
from interlock.storage.memory import Memory
from interlock.storage.proofs import Prover
from interlock.storage.pushed import SqlPushedCounts
from interlock.storage.seal import Seal, Sealed
from interlock.storage.session import Session
from interlock.storage.transaction import Shelves, SqlTx
from interlock.storage.writer import Writer

T = TypeVar("T")


class SqlStore:
    """State behind one database. Safe to use from several threads.

    ``leases`` say who does what is waiting, ``counts`` are what services push.
    """

    def __init__(
        self, engines: Engines, *, signer: NoteSigner, clock: Clock, shelves: Shelves, memory: Memory | None = None
    ) -> None:
        self._engines = engines
        self._shelves = shelves
        self._seal = Seal(engines, signer, clock, memory)
        self._writer = Writer(engines, self._seal, shelves)
        self._prover = Prover(engines)
        self.verifier = signer.verifier
        self.leases = SqlLeases(engines)
        self.counts = SqlPushedCounts(engines)

    def write(self, work: Callable[[Tx], T], *, signed: bool = False) -> T:
        """Run ``work`` in a transaction and return its result once that is durable, or covered by a checkpoint."""
        result: T = self._writer.submit(work, signed=signed)
        return result

    def read(self, work: Callable[[Tx], T]) -> T:
        """Run ``work`` over one consistent snapshot; writing inside raises ``IntegrityError``."""
        return self._reading(lambda session: work(SqlTx(session, self._shelves)))

    def checkpoint(self, covering: int | None = None) -> str:
        """The newest signed checkpoint, covering every acknowledged entry or at least the one at ``covering``."""
        sealed: Sealed = self._writer.submit(None) if covering is None else self._covering(covering)
        return sealed.note

    def inclusion(self, index: int) -> Mapping[str, Json]:
        """``{index, leaf, proof, checkpoint}``: the leaf as text, the proof as base64 hashes."""
        leaf, proof = self.prove(index)
        siblings: list[Json] = [base64.b64encode(node).decode() for node in proof.proof]
        return {"index": index, "leaf": leaf.decode(), "proof": siblings, "checkpoint": proof.checkpoint}

    def prove(self, index: int) -> tuple[bytes, ProofFile]:
        """The leaf at ``index`` and its proof, verified before it leaves; ``InvalidInput`` beyond the log."""
        sealed = self._covering(index)
        leaf, proof = self._twice(lambda: self._prover.inclusion(index, sealed.tree))
        try:
            verify_inclusion(
                index,
                sealed.tree.size,
                hash_leaf(leaf),
                proof,
                parse_checkpoint(split_note(sealed.note).text).root,
            )
        except InterlockError as error:
            raise damaged(f"entry {index} does not lead to the signed root") from error
        return leaf, ProofFile(index=index, proof=tuple(proof), checkpoint=sealed.note, extra=leaf)

    def consistency(self, old: int, new: int | None = None) -> list[bytes]:
        """Hashes that show the first ``old`` entries to be the beginning of the first ``new`` (default: all)."""
        sealed = self._covering((new or old) - 1)
        size = sealed.tree.size if new is None else new
        return self._twice(lambda: self._prover.consistency(old, size, sealed.tree))

    def tile(self, level: int, number: int, width: int) -> bytes:
        """The first ``width`` hashes of a tile under the newest checkpoint; ``NotFound`` beyond it."""
        nodes = number * TILE_WIDTH + width
        sealed = self._covering((nodes << (TILE_HEIGHT * level)) - 1)
        if sealed.tree.size >> (TILE_HEIGHT * level) < nodes:
            raise unknown_tile(tile_path(level, number, width))
        edge = sealed.tree.open_row(level, number)
        if edge is None:
            edge = self._reading(lambda session: read_tile(session, level, number, TILE_WIDTH))
        return b"".join(edge[:width])

    def bundle(self, number: int, width: int) -> bytes:
        """The first ``width`` leaves of a bundle, hashed anew; ``NotFound`` beyond the newest checkpoint."""
        start = number * TILE_WIDTH
        if self._covering(start + width - 1).tree.size < start + width:
            raise unknown_tile(entries_path(number, width))
        return pack_bundle(self._reading(lambda session: read_leaves(session, start, start + width)))

    def close(self) -> None:
        """Finish what was accepted, sign it, then let go. Idempotent."""
        self._writer.close()
        self._engines.dispose()

    def _covering(self, index: int) -> Sealed:
        sealed = self._seal.newest
        if index < sealed.tree.size:
            return sealed
        renewed: Sealed = self._writer.submit(None)
        return renewed

    def _reading(self, look: Callable[[Session], T]) -> T:
        return self._twice(lambda: self._look(look))

    def _twice(self, read: Callable[[], T]) -> T:
        """``read``, once more where a pooled connection was dead."""
        try:
            return read()
        except Unavailable as error:
            if error.code != CONNECTION_LOST:
                raise
        return read()

    def _look(self, look: Callable[[Session], T]) -> T:
        try:
            with self._engines.reader.begin() as connection:
                return look(Session(connection, writable=False))
        except sa.exc.DBAPIError as error:
            raise translate(error) from error
