"""What the server remembers of a ticket: single use, voided by STOP, gone after its time.

Rules:
1. ``issued`` becomes ``redeemed`` once, or ``voided``, or ``expired``; nothing ever becomes ``issued`` again.
2. Redeeming needs the time within the ticket's, and no bar on its digest.
3. STOP voids the ticket and bars the digest in that environment until an approval that was signed later.
   Going back to the previous digest needs no ticket, so no bar ever stands in its way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from interlock.core.approval.model import SignedStatement
from interlock.core.change.errors import IllegalTransition
from interlock.core.ticket.model import Ticket


class TicketState(StrEnum):
    """Where a ticket stands."""

    ISSUED = "issued"
    REDEEMED = "redeemed"
    VOIDED = "voided"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRecord:
    """``blob`` is the digest of the kept ticket; ``ended_by`` who redeemed or voided it, ``why`` in words.

    ``weight`` is the percent of traffic that was granted since by PASS, None before the first.
    """

    id: str
    change: str
    digest: str
    environment: str
    terms_digest: str
    blob: str
    issued_at: datetime
    expires_at: datetime
    state: TicketState = TicketState.ISSUED
    ended_at: datetime | None = None
    ended_by: str | None = None
    why: str = ""
    weight: float | None = None
    version: int = 1

    def at(self, now: datetime) -> TicketRecord:
        """The record as it stands at ``now``: an issued ticket whose time is over is expired."""
        if self.state is TicketState.ISSUED and now >= self.expires_at:
            return _ended(self, TicketState.EXPIRED, at=self.expires_at, by=None, why="its time was over")
        return self

    def redeem(self, *, now: datetime, by: str, bars: tuple[Bar, ...] = ()) -> TicketRecord:
        """The record after its one use.

        Raises:
            IllegalTransition: ``ticket-used``, ``ticket-voided``, ``ticket-expired``, ``ticket-not-yet`` or
                ``digest-barred``.
        """
        standing = self.at(now)
        bar = next((one for one in bars if one.holds(self.digest, self.environment)), None)
        if standing.state is not TicketState.ISSUED:
            raise _over(standing, barred=bar is not None)
        if now < self.issued_at:
            raise _illegal(self, "ticket-not-yet", "a clock that agrees with the issuer's", "one behind it")
        if bar is not None:
            got = f"one barred by `{bar.why}`"
            raise _illegal(self, "digest-barred", "a digest that is not barred", got, barred=True)
        return _ended(standing, TicketState.REDEEMED, at=now, by=by, why="")

    def widen(self, weight: float) -> TicketRecord:
        """The record after a PASS, or a person, granted more.

        Raises:
            IllegalTransition: ``ticket-not-redeemed`` for one that no rollout used, or that was voided.
        """
        if self.state is not TicketState.REDEEMED:
            raise _illegal(self, "ticket-not-redeemed", "a ticket in use", f"one that is {self.state}")
        return replace(self, weight=weight, version=self.version + 1)

    def void(self, *, now: datetime, by: str, why: str) -> TicketRecord:
        """The record after STOP. A redeemed ticket can be voided: its rollout goes no further.

        Raises:
            IllegalTransition: ``ticket-voided`` or ``ticket-expired``.
        """
        standing = self.at(now)
        if standing.state in {TicketState.VOIDED, TicketState.EXPIRED}:
            raise _over(standing)
        return _ended(standing, TicketState.VOIDED, at=now, by=by, why=why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A digest that STOP took out of an environment. ``lifted_by`` is the approval that let it back."""

    id: str
    digest: str
    environment: str
    since: datetime
    why: str
    lifted_by: str | None = None
    version: int = 1

    def holds(self, digest: str, environment: str) -> bool:
        """Whether this bar stands in the way of ``digest`` in ``environment``."""
        return self.lifted_by is None and (self.digest, self.environment) == (digest, environment)

    def lift(self, approvals: tuple[SignedStatement, ...]) -> Bar:
        """The bar, lifted by the first approval of this digest here that was signed and received after it."""
        later = next(
            (
                one
                for one in approvals
                if one.statement.purpose == "approve"
                and (one.statement.digest, one.statement.environment) == (self.digest, self.environment)
                and one.statement.issued_at > self.since
                and one.received_at > self.since
                and one.revoked_at is None
            ),
            None,
        )
        if self.lifted_by is not None or later is None:
            return self
        return replace(self, lifted_by=later.id, version=self.version + 1)


def record_of(ticket: Ticket, *, blob: str) -> TicketRecord:
    """The record of a ticket that has just been issued; ``blob`` is the digest of what is kept of it."""
    return TicketRecord(
        id=ticket.id,
        change=ticket.change,
        digest=ticket.digest,
        environment=ticket.environment,
        terms_digest=ticket.terms_digest,
        blob=blob,
        issued_at=ticket.issued_at,
        expires_at=ticket.expires_at,
    )


def _ended(record: TicketRecord, state: TicketState, *, at: datetime, by: str | None, why: str) -> TicketRecord:
    return replace(record, state=state, ended_at=at, ended_by=by, why=why, version=record.version + 1)


_CODES = {
    TicketState.REDEEMED: "ticket-used",
    TicketState.VOIDED: "ticket-voided",
    TicketState.EXPIRED: "ticket-expired",
}


def _over(record: TicketRecord, *, barred: bool = False) -> IllegalTransition:
    why = f" ({record.why})" if record.why else ""
    expected, got = f"ticket `{record.id}` to be issued", f"one that is {record.state}{why}"
    return _illegal(record, _CODES[record.state], expected, got, barred=barred)


def _illegal(
    record: TicketRecord, code: str, expected: str, got: str, *, barred: bool = False
) -> IllegalTransition:
    where = f"{record.change} --environment {record.environment}"
    hint = f"ask for a new one: interlock gate {where}"
    if barred:
        # The gate refuses what nobody approved since it did harm.
        hint = f"correct it and open it anew, or approve it again, knowing this: interlock approve {where}"
    return IllegalTransition(f"expected {expected}, got {got}", code=code, hint=hint)
