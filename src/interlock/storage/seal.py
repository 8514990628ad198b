"""Signing what is durable, and nothing else.

Rules:
1. The seal keeps a tree of its own, grown only from leaves read back from committed rows. It signs when that tree
   meets the committed head; otherwise nothing is signed and the store stops.
2. A checkpoint is kept before it is shown. Of the checkpoints within 256 entries only the newest is kept.
3. At the start the newest kept checkpoint must carry our own signature and the stored rows must still lead to it.
   An empty log is signed before its first entry, so that a log without a checkpoint is one that was tampered with.
4. What was signed last is remembered outside the database too (``memory``), under load at most once a second; a
   database that does not lead to it, or has lost that checkpoint, is never signed again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import sqlalchemy as sa

from interlock.core.change.canonical import timestamp
from interlock.core.change.errors import InterlockError, InvalidInput
from interlock.core.ledger.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from interlock.core.ledger.note import NoteSigner
from interlock.core.ledger.tree import TILE_HEIGHT, Tree
from interlock.ports.world import Clock
from interlock.storage import schema
from interlock.storage.engine import Engines, translate
from interlock.storage.ledger import Head, catch_up, damaged, load_tree, read_head
from interlock.storage.memory import Memory
from interlock.storage.session import Session

REMEMBER_SECONDS = 1.0

_NEWEST = sa.select(schema.checkpoint.c.size, schema.checkpoint.c.note).order_by(schema.checkpoint.c.size.desc())
_DROP = sa.delete(schema.checkpoint).where(schema.checkpoint.c.size == sa.bindparam("old"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A signed tree. ``tree`` is never changed after this was made."""

    tree: Tree
    note: str


_GONE = (
    "stop every server, keep the files, compare with a witness or backup; restored on purpose? remove "
    "ledger.signed beside the ledger's key (docs/how-to/backups.md)"
)


class Seal:
    """Signs checkpoints for one log. Used by one thread at a time; ``newest`` may be read from any."""

    def __init__(self, engines: Engines, signer: NoteSigner, clock: Clock, memory: Memory | None = None) -> None:
        self._engines = engines
        self._signer = signer
        self._clock = clock
        self._memory = memory
        # Read before the database, which may go on meanwhile: what is remembered is never newer than it.
        known = memory.recall(signer.verifier) if memory else None
        try:
            with engines.writer.begin() as connection:
                session = Session(connection, writable=True)
                self._pin_key(session)
                newest = self._load(session, known)
        except sa.exc.DBAPIError as error:
            raise translate(error) from error
        self.newest = newest
        self._remembered_at = 0.0
        self.unremembered = False
        """Whether something was signed that ``memory`` does not hold yet."""
        self.renew()
        self.remember(at_once=True)

    def renew(self) -> Sealed:
        """Sign the committed head, unless that is what was signed last.

        Raises:
            IntegrityError: ``ledger-damaged``; the writer must stop.
            Unavailable: the database does not answer; nothing was signed.
        """
        try:
            with self._engines.reader.begin() as connection:
                session = Session(connection, writable=False)
                tree = catch_up(session, self.newest.tree, read_head(session))
            if tree is not self.newest.tree:
                self.newest = self._sign(tree)
        except sa.exc.DBAPIError as error:
            raise translate(error) from error
        return self.newest

    def remember(self, *, at_once: bool) -> None:
        """Keep what was signed last outside the database: ``at_once``, or when the last time is a second ago."""
        now = time.monotonic()
        if not self.unremembered or not (at_once or now - self._remembered_at >= REMEMBER_SECONDS):
            return
        if self._memory is not None:
            self._memory.keep(self.newest.note)
        self._remembered_at, self.unremembered = now, False

    def _sign(self, tree: Tree) -> Sealed:
        note = sign_checkpoint(self._signer, size=tree.size, root=tree.root())
        row = {"size": tree.size, "note": note, "signed_at": timestamp(self._clock.now())}
        before = self.newest.tree.size
        with self._engines.turns.group(), self._engines.writer.begin() as connection:
            session = Session(connection, writable=True)
            session.insert_new(schema.checkpoint, row)
            if not before or before >> TILE_HEIGHT == tree.size >> TILE_HEIGHT:
                session.update(_DROP, {"old": before})
        tree.filled.clear()
        self.unremembered = self._memory is not None
        return Sealed(tree=tree, note=note)

    def _pin_key(self, session: Session) -> None:
        ours = str(self._signer.verifier)
        session.insert_new(schema.log, {"id": 1, "vkey": ours})
        kept = session.read(sa.select(schema.log.c.vkey)).scalar()
        if kept != ours:
            raise InvalidInput(
                f"expected the key of the log `{kept}`, got `{ours}`",
                code="log-key-mismatch",
                hint="start with the key this log was begun with; a log never changes its key",
            )

    def _load(self, session: Session, known: Checkpoint | None) -> Sealed:
        row = session.read(_NEWEST.limit(1)).first()
        if known is not None and (row is None or row.size < known.size):
            raise damaged(
                f"the checkpoint of {known.size} entries that was signed last is gone from it", hint=_GONE
            )
        if row is None:
            return self._begin(session)
        try:
            checkpoint = open_checkpoint(row.note, self._signer.verifier)
        except InterlockError as error:
            raise damaged(f"its newest checkpoint is not ours: {error.message}") from error
        if read_head(session).size < checkpoint.size:
            raise damaged(f"it holds fewer entries than the {checkpoint.size} that were signed")
        if known is not None:
            load_tree(session, Head(size=known.size, root=known.root))
        tree = load_tree(session, Head(size=checkpoint.size, root=checkpoint.root))
        return Sealed(tree=tree, note=row.note)

    def _begin(self, session: Session) -> Sealed:
        """Sign the empty log, before anything can be appended."""
        size = read_head(session).size
        # Another server may have begun it between the two readings.
        if size and session.read(_NEWEST.limit(1)).first() is None:
            raise damaged(f"it holds {size} entries and no checkpoint: they may have been written by anyone")
        note = sign_checkpoint(self._signer, size=0, root=Tree().root())
        session.insert_new(schema.checkpoint, {"size": 0, "note": note, "signed_at": timestamp(self._clock.now())})
        return Sealed(tree=Tree(), note=note)
