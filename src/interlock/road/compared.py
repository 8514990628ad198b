"""What the gate compares: the change on record and what is about to ship, made ready before the transaction.

Rules:
1. Everything that grows with a submission (reading it, parsing, writing, describing) is done here, while others
   use the writer. The transaction looks whether the record is still the same; if not, it reads again, inside.
2. A reading that counts is judged beside the record. Findings are those of the trusted reader; everything else
   counts if either side says so.
3. A reading of another digest is not judged at all: drift is a reason of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from interlock.core.change.change import Change, ChangeRecord, Submission
from interlock.ports.store import Tx
from interlock.road.recorded import Received, complete, received
from interlock.road.station import InForce, Station


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The change as it was on record in ``blob``, and what is offered.

    ``offered`` is the digest of what is about to ship. ``reading`` is None unless the caller's reading counts;
    ``both`` says that it describes the same content in other words, so that either description is judged.
    """

    blob: str
    change: Change
    offered: str | None
    reading: Received | None
    both: bool

    def at(self, tx: Tx, record: ChangeRecord) -> Compared:
        """The same for the change as it is in this transaction."""
        if record.blob != self.blob:
            change = complete(tx, record)
            return replace(self, blob=record.blob, change=change, both=_differ(change, self.reading))
        return replace(self, change=record.complete(self.change.submission))

    def judged(self) -> Iterator[tuple[Change, str]]:
        """The descriptions to judge, each with the name of its content; what was read again comes first."""
        reading, recorded = self.reading, self.change.submission
        if reading is None or reading.digest != self.change.digest:
            yield self.change, self.blob
            return
        yield replace(self.change, submission=reading.submission), reading.blob
        if self.both:
            before = replace(recorded, validations=reading.submission.validations)
            yield replace(self.change, submission=before), f"{self.blob} {reading.blob}"

    @property
    def submission(self) -> str:
        """The name of the content whose judgement is told."""
        believed = self.reading is not None and self.reading.digest == self.change.digest
        return self.reading.blob if believed and self.reading else self.blob


def compare(
    station: Station, change_id: str, submission: Submission | None, digest: str | None, *, believed: bool
) -> Compared:
    """What the gate needs to judge; ``believed`` says whether the caller's reading counts.

    Raises:
        InvalidInput: what is offered is nothing that a reader could have written.
        IntegrityError: ``submission-damaged``.
    """
    reading = received(submission) if submission and believed else None
    if submission is not None:
        digest = reading.digest if reading else submission.digest

    def look(tx: Tx) -> tuple[InForce, ChangeRecord, Change]:
        record = tx.records(ChangeRecord).get(change_id)
        return station.rules(tx), record, complete(tx, record)

    in_force, record, change = station.store.read(look)
    ready = Compared(
        blob=record.blob, change=change, offered=digest, reading=reading, both=_differ(change, reading)
    )
    for each, name in ready.judged():
        station.described.of(each.submission, in_force.rules, name)
    return ready


def _differ(change: Change, reading: Received | None) -> bool:
    if reading is None or reading.digest != change.digest:
        return False
    return change.submission.parts != reading.submission.parts
