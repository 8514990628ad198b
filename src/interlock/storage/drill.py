"""The drill: do to a copy of the log what an attacker would, and see who notices.

Rules:
1. Everything happens to a throw-away copy, signed by a throw-away key. The log itself is only read, and no private
   key is asked for. The records that are attacked are made up; none of the log's own leaves it.
2. Each attack is really carried out, as cleverly as its attacker could: whoever recomputes, recomputes everything.
3. The truth is told about the limits: whoever holds the key, or puts back a whole old state, is not seen by the
   log alone. An older checkpoint kept elsewhere (a witness) sees both.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from interlock.core.ledger.checkpoint import Checkpoint, open_checkpoint
from interlock.core.ledger.entry import Entry, read_leaf
from interlock.core.ledger.merkle import hash_leaf
from interlock.core.ledger.note import NoteSigner, VerifierKey
from interlock.core.ledger.tree import Tree
from interlock.ports.world import Clock
from interlock.storage import schema
from interlock.storage.audit import AuditReport, audit, reading_error, stored_leaves
from interlock.storage.drill_records import RecordAttack, record_attacks, samples
from interlock.storage.engine import connect
from interlock.storage.kinds import RECORD_TYPES
from interlock.storage.ledger import keep_growth
from interlock.storage.open import open_store
from interlock.storage.session import Session

MOST_ENTRIES = 5_000
FEWEST_ENTRIES = 300
_NAME = "drill.interlock.dev/throw-away"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One thing done to the copy. ``alone`` is what the log itself shows, ``witness`` what a kept checkpoint adds.

    ``expected`` says whether the log alone can see this at all.
    """

    name: str
    done: str
    expected: bool
    alone: str | None
    witness: str | None

    @property
    def seen(self) -> bool:
        """Whether it was noticed by whom it should have been."""
        return (self.alone is not None) == self.expected and (self.alone or self.witness) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """How many entries the copy had, and what came of each attack."""

    entries: int
    copied: int
    attacks: tuple[Attack, ...]

    @property
    def passed(self) -> bool:
        """Whether everything was noticed by whom it should have been."""
        return all(attack.seen for attack in self.attacks)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy:
    file: Path
    key: VerifierKey
    kept: Checkpoint
    """What a witness would have seen before the attack."""

    @property
    def url(self) -> str:
        return f"sqlite:///{self.file}"

    def run(self, change: Callable[[Session], None]) -> None:
        engines = connect(self.url)
        with engines.writer.begin() as connection:
            change(Session(connection, writable=True))
        engines.dispose()


def drill(url: str | None, *, clock: Clock, randomness: Callable[[int], bytes]) -> Drill:
    """Attack a copy of the log at ``url`` (None: of a made-up one) in eleven ways."""
    copied = _entries(url)
    now = clock.now()
    sample = Entry(kind="drill.sample", subject="drill", actor="drill", at=now, body={})
    missing = FEWEST_ENTRIES - len(copied) - len(samples(now))
    entries = [*copied, *(replace(sample, body={"n": n}) for n in range(missing))]
    with tempfile.TemporaryDirectory(prefix="interlock-drill-") as folder:
        field = _Field(Path(folder), entries, clock, now, randomness)
        ways = (field.edit, field.unsign, field.delete, field.reorder, field.fork, field.restore, field.re_key)
        attacks = (*(attack() for attack in ways), *map(field.on_record, record_attacks(now)))
        return Drill(entries=field.size, copied=len(copied), attacks=attacks)


class _Field:
    """Where the drill takes place: one good log to copy from, and the key it was signed with."""

    def __init__(
        self,
        folder: Path,
        entries: Sequence[Entry],
        clock: Clock,
        now: datetime,
        randomness: Callable[[int], bytes],
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._samples = samples(now)
        self._signer = NoteSigner(_NAME, randomness(32))
        self._other = NoteSigner(_NAME, randomness(32))
        self._good = folder / "good.db"
        self._note = self._build(self._good, entries, self._signer)
        self._entries = _entries(f"sqlite:///{self._good}", named=True)

    @property
    def size(self) -> int:
        """How many entries the good log has; the first ones are about the drill's own records."""
        return len(self._entries)

    def edit(self) -> Attack:
        """One entry says something else now."""
        at = len(self._entries) // 2
        forged = replace(self._entries[at], actor="somebody-else").leaf()

        def change(session: Session) -> None:
            session.update(sa.update(schema.entry).where(schema.entry.c.position == at), {"leaf": forged})

        return self._judge("edit", f"entry {at} names another actor", self._copy("edit", change))

    def unsign(self) -> Attack:
        """The last entry says something else, everything was recomputed, and no checkpoint is left."""
        forged = [*self._entries[:-1], replace(self._entries[-1], actor="somebody-else")]

        def change(session: Session) -> None:
            _rewrite(session, forged)
            session.update(sa.delete(schema.checkpoint), {})

        done = "the last entry was rewritten, everything recomputed, every checkpoint dropped"
        return self._judge("unsign", done, self._copy("unsign", change))

    def delete(self) -> Attack:
        """One entry is gone and the later ones moved up; tiles and head were recomputed."""
        at = len(self._entries) // 3
        left = [*self._entries[:at], *self._entries[at + 1 :]]
        copy = self._copy("delete", lambda session: _rewrite(session, left))
        return self._judge("delete", f"entry {at} is gone, the rest moved up, tiles and head recomputed", copy)

    def reorder(self) -> Attack:
        """Two neighbours changed places; tiles and head were recomputed."""
        at = len(self._entries) // 4
        order = list(self._entries)
        while order[at] == order[at + 1]:
            at += 1
        order[at], order[at + 1] = order[at + 1], order[at]
        copy = self._copy("reorder", lambda session: _rewrite(session, order))
        return self._judge("reorder", f"entries {at} and {at + 1} changed places, everything recomputed", copy)

    def fork(self) -> Attack:
        """The holder of the key wrote another history of the same length and signed it."""
        at = len(self._entries) // 2
        other = list(self._entries)
        other[at] = replace(other[at], actor="somebody-else")
        copy = _Copy(file=self._folder / "fork.db", key=self._signer.verifier, kept=self._kept())
        self._build(copy.file, other[len(self._samples) :], self._signer)
        return self._judge("fork", "the holder of the key rewrote history and signed it", copy, expected=False)

    def restore(self) -> Attack:
        """A whole old backup was put back."""
        copy = _Copy(file=self._folder / "restore.db", key=self._signer.verifier, kept=self._kept())
        self._build(copy.file, self._entries[len(self._samples) : self.size * 2 // 3], self._signer)
        return self._judge("restore", "an old backup was put back, signatures and all", copy, expected=False)

    def re_key(self) -> Attack:
        """Everything was signed anew with another key under the same name."""
        copy = _Copy(file=self._folder / "rekey.db", key=self._signer.verifier, kept=self._kept())
        self._build(copy.file, self._entries[len(self._samples) :], self._other)
        return self._judge("re-key", "everything was signed anew with another key of the same name", copy)

    def on_record(self, attack: RecordAttack) -> Attack:
        """A record is another now, or gone; no entry was touched."""
        return self._judge(attack.name, attack.done, self._copy(attack.name, attack.run))

    def _judge(self, name: str, done: str, copy: _Copy, *, expected: bool = True) -> Attack:
        alone = audit(copy.url, copy.key, patience=0)
        witness = audit(copy.url, copy.key, [copy.kept], patience=0)
        return Attack(name=name, done=done, expected=expected, alone=_first(alone), witness=_first(witness))

    def _copy(self, name: str, change: Callable[[Session], None]) -> _Copy:
        copy = _Copy(file=self._folder / f"{name}.db", key=self._signer.verifier, kept=self._kept())
        shutil.copyfile(self._good, copy.file)
        copy.run(change)
        return copy

    def _kept(self) -> Checkpoint:
        return open_checkpoint(self._note, self._signer.verifier)

    def _build(self, file: Path, entries: Sequence[Entry], signer: NoteSigner) -> str:
        store = open_store(f"sqlite:///{file}", signer=signer, clock=self._clock, record_types=RECORD_TYPES)
        for sample in self._samples:
            store.write(sample)
        store.write(lambda tx: [tx.log.append(entry) for entry in entries])
        note = store.checkpoint()
        store.close()
        return note


def _rewrite(session: Session, entries: Sequence[Entry]) -> None:
    """Put other entries in place and recompute tiles and head, as a clever owner of the database would."""
    before, after = Tree(), Tree()
    leaves = [entry.leaf() for entry in entries]
    after.extend(map(hash_leaf, leaves))
    for table in (schema.entry, schema.tile):
        session.update(sa.delete(table), {})
    rows = [
        {"position": position, "subject": entry.subject, "leaf": leaf, "hash": hash_leaf(leaf)}
        for position, (entry, leaf) in enumerate(zip(entries, leaves, strict=True))
    ]
    session.insert(schema.entry, rows)
    latest = session.read(sa.select(schema.head.c.latest)).scalar()
    keep_growth(session, before, after, latest)


def _entries(url: str | None, *, named: bool = False) -> list[Entry]:
    """The log's entries; without the records they name, which are not copied, unless ``named``."""
    if url is None:
        return []
    engines = connect(url, create=False)
    try:
        with engines.reader.begin() as connection:
            read = [read_leaf(leaf) for leaf in stored_leaves(connection, MOST_ENTRIES + FEWEST_ENTRIES)]
            return read if named else [replace(entry, records={}) for entry in read[:MOST_ENTRIES]]
    except sa.exc.DBAPIError as error:
        raise reading_error(engines, error) from error
    finally:
        engines.dispose()


def _first(report: AuditReport) -> str | None:
    return report.findings[0].text if report.findings else None
