"""Station 4, gather: runs of producers are on record as long as they go on, so that nobody starts another in vain.

Rules:
1. Whoever may add evidence may say that a run began and how it ended; a run is ended by whoever began it, or by an
   administrator for a runner that is gone.
2. Both are in the ledger; how far a run is, is the runner's own to tell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from interlock.core.approval.actor import Actor, Scope
from interlock.core.approval.identity import principal_of
from interlock.core.change.canonical import Json
from interlock.core.change.change import ChangeRecord
from interlock.core.change.errors import Conflict, Forbidden, InvalidInput
from interlock.core.evidence.run import MOST_SECONDS, Ended, EvidenceRun, Producer
from interlock.core.ledger.entry import Entry
from interlock.ports.store import Tx
from interlock.road.station import Station

BEGAN, ENDED = "evidence.began", "evidence.ended"
MOST_WORDS, MOST_LEFT, MOST_RUNS = 200, 20, 200
_NAME = re.compile(r"[a-z][a-z0-9-]{1,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOffer:
    """A run that begins. ``seconds`` is the most it can take; ``run`` is the runner's own name for it."""

    run: str
    producer: Producer
    about: str
    host: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """How it ended; ``left`` is what is still not as it was, ``evidence`` the id of what was handed in."""

    ended: Ended
    left: tuple[str, ...] = ()
    evidence: str | None = None


def begin(station: Station, actor: Actor, change_id: str, offer: RunOffer) -> EvidenceRun:
    """The run on record.

    Raises:
        InvalidInput: ``evidence-run`` for a name that is none, or a time out of range.
        Conflict: this very run is on record already, or ``evidence-run-many``.
    """
    actor.require(Scope.EVIDENCE)
    if not 0 < offer.seconds <= MOST_SECONDS:
        raise InvalidInput(
            f"expected a run of at most {MOST_SECONDS:g} s, got {offer.seconds:g}",
            code="evidence-run",
            hint="shorten the timeouts of its steps",
        )

    if not _NAME.fullmatch(offer.run):
        raise InvalidInput(
            f"expected a run's name of letters, digits and hyphens, got `{offer.run[:40]!a}`",
            code="evidence-run",
            hint="interlock evidence run gives each run its name",
        )

    def work(tx: Tx) -> EvidenceRun:
        if len(tx.records(EvidenceRun).find(change=change_id)) >= MOST_RUNS:
            raise Conflict(
                f"expected at most {MOST_RUNS} runs about `{change_id}`, got another",
                code="evidence-run-many",
                hint="open another change, or find out who begins them: interlock change show --all",
            )
        change, now = tx.records(ChangeRecord).get(change_id), station.clock.now()
        tx.vouch(ChangeRecord, [change_id], about=change_id)
        run = EvidenceRun(
            id=offer.run,
            change=change.id,
            digest=change.digest,
            producer=offer.producer,
            about=offer.about[:MOST_WORDS],
            by=principal_of(actor),
            host=offer.host[:MOST_WORDS],
            began_at=now,
            until=now + timedelta(milliseconds=round(offer.seconds * 1_000)),
        )
        tx.records(EvidenceRun).add(run)
        body: dict[str, Json] = {"run": run.id, "producer": run.producer, "digest": run.digest, "about": run.about}
        tx.log.append(Entry(kind=BEGAN, subject=change.id, actor=actor.principal, at=now, body=body))
        return run

    return station.store.write(work)


def end(station: Station, actor: Actor, run_id: str, how: RunEnd) -> EvidenceRun:
    """The run once it is over.

    Raises:
        Forbidden: ``evidence-run-not-yours``.
        IllegalTransition: ``evidence-run-over``.
    """
    actor.require(Scope.EVIDENCE)

    def work(tx: Tx) -> EvidenceRun:
        before, now = tx.records(EvidenceRun).get(run_id), station.clock.now()
        tx.vouch(EvidenceRun, [run_id], about=before.change)
        if principal_of(actor) != before.by and Scope.ADMIN not in actor.scopes:
            raise Forbidden(
                f"expected `{before.by}`, who began `{run_id}`, got `{principal_of(actor)}`",
                code="evidence-run-not-yours",
                hint="let its runner end it, or an administrator",
            )
        after = before.end(how.ended, now=now, left=how.left[:MOST_LEFT], evidence=how.evidence)
        tx.records(EvidenceRun).replace(after, expected_version=before.version)
        body: dict[str, Json] = {
            "run": run_id,
            "ended": after.ended,
            "left": [*after.left],
            "evidence": after.evidence,
        }
        tx.log.append(Entry(kind=ENDED, subject=before.change, actor=actor.principal, at=now, body=body))
        return after

    return station.store.write(work)


def runs_about(tx: Tx, change_id: str) -> tuple[EvidenceRun, ...]:
    """All runs on record for one change, oldest first, each as the ledger says.

    Raises:
        IntegrityError: ``record-unvouched``.
    """
    found = tuple(tx.records(EvidenceRun).find(change=change_id))
    tx.vouch(EvidenceRun, [run.id for run in found], about=change_id, whole=True)
    return found


def open_runs(tx: Tx, producer: Producer) -> tuple[EvidenceRun, ...]:
    """All runs of a producer of which nobody said that they left everything as it was, each as the ledger says.

    Raises:
        IntegrityError: ``record-unvouched``.
    """
    runs = tx.records(EvidenceRun)
    found = [run for ended in ("", "dirty") for run in runs.find(producer=producer, ended=ended)]
    for run in found:
        tx.vouch(EvidenceRun, [run.id], about=run.change)
    return tuple(sorted(found, key=lambda run: run.began_at))
