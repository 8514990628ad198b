"""Proofs without a server: from the rows, the newest kept checkpoint and the public key."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from interlock.core.change.errors import InvalidInput
from interlock.core.ledger.checkpoint import open_checkpoint
from interlock.core.ledger.merkle import inclusion_proof
from interlock.core.ledger.note import VerifierKey
from interlock.core.ledger.prooffile import ProofFile
from interlock.core.ledger.tree import node_from
from interlock.storage import schema
from interlock.storage.audit import no_ledger, reading_error
from interlock.storage.engine import connect
from interlock.storage.export import newest_note
from interlock.storage.ledger import Head, damaged, load_tree, read_leaves, read_tile
from interlock.storage.session import Session


def prove_entry(url: str, key: VerifierKey, index: int) -> ProofFile:
    """The proof of entry ``index``, verified before it is handed out; ``extra`` is the entry.

    Raises:
        InvalidInput: ``index-beyond-tree``, ``note-refused`` for another key.
        NotFound: ``checkpoint-missing``, ``ledger-missing``.
        IntegrityError: ``ledger-damaged`` when the rows do not lead to the checkpoint.
    """
    engines = connect(url, create=False)
    try:
        with engines.reader.begin() as connection:
            return _prove(connection, key, index)
    except sa.exc.DBAPIError as error:
        raise reading_error(engines, error) from error
    finally:
        engines.dispose()


def claimed_key(url: str) -> VerifierKey:
    """The key that the database itself names: a claim, to be compared with a pinned one."""
    engines = connect(url, create=False)
    try:
        with engines.reader.begin() as connection:
            claim = connection.execute(sa.select(schema.log.c.vkey)).scalar()
    except sa.exc.DBAPIError as error:
        raise reading_error(engines, error) from error
    finally:
        engines.dispose()
    if claim is None:
        raise no_ledger()
    return VerifierKey.parse(claim)


def _prove(connection: sa.Connection, key: VerifierKey, index: int) -> ProofFile:
    session = Session(connection, writable=False)
    note = newest_note(connection)
    checkpoint = open_checkpoint(note, key)
    tree = load_tree(session, Head(size=checkpoint.size, root=checkpoint.root))

    def tiles(level: int, number: int, width: int) -> Sequence[bytes]:
        edge = tree.open_row(level, number)
        return edge if edge is not None else read_tile(session, level, number, width)

    proof = inclusion_proof(index, checkpoint.size, node_from(tiles))
    leaf = read_leaves(session, index, index + 1)[0]
    shown = ProofFile(index=index, proof=tuple(proof), checkpoint=note, extra=leaf)
    try:
        shown.verify(leaf, key)
    except InvalidInput as error:
        raise damaged(f"entry {index} does not lead to the signed root") from error
    return shown
