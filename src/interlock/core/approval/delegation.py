"""Delegation and absence: a signed window in which somebody may be stood in for, or is away.

Rules:
1. A delegation is signed by the delegator and names one delegate, an environment (``*`` for all), services
   (``details.services``, comma-separated; ``*`` or nothing for all) and a window of at most 90 days: from
   ``details.starts`` (RFC 3339, else the time of issue) to the statement's expiry.
2. The delegate remains one person, themself: a delegation lends rank and ownership, it never makes two people
   of one, and what is lent can be used by one delegate for one change.
3. Not from an author, not to an author, not to oneself, and never passed on.
4. An absence takes a person out of proposals; it takes no right away.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from interlock.core.approval.accept import WINDOW, check_signature
from interlock.core.approval.model import SignedStatement, Statement
from interlock.core.approval.principals import Principals
from interlock.core.change.errors import InvalidInput

DELEGATE = "delegate"
SERVICES = "services"
STARTS = "starts"
ALL = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a delegation would have to cover: one environment, these services, this moment."""

    environment: str
    services: tuple[str, ...]
    now: datetime


def delegate_of(said: Statement) -> str:
    """The named delegate, empty when none is."""
    return said.details.get(DELEGATE, "") if said.purpose == "delegation" else ""


def starts_at(said: Statement) -> datetime | None:
    """The beginning of the window in UTC; None when it cannot be read, and the window then never opens."""
    written = said.details.get(STARTS)
    if written is None:
        return said.issued_at
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None


def in_window(signed: SignedStatement, now: datetime) -> bool:
    """Whether the window of a delegation or an absence is open."""
    said, start = signed.statement, starts_at(signed.statement)
    return signed.revoked_at is None and start is not None and start <= now < said.expires_at


def refusal(
    *, delegator: str, delegate: str, standing: Iterable[SignedStatement], scope: Scope, principals: Principals
) -> str | None:
    """Why ``delegate`` may not stand in for ``delegator``, None when a delegation on record says so."""
    if principals.person(delegator) != delegator:
        return f"`{delegator}` is no person of the catalog"
    if delegate in principals.same(delegator):
        return f"`{delegate}` cannot stand in for themself"
    given = [item for item in standing if item.statement.purpose == "delegation"]
    mine = [item for item in given if names(item, delegator, delegate)]
    if not mine:
        passed_on = any(item.statement.approver == delegator for item in given) and any(
            delegate_of(item.statement) == delegate for item in given
        )
        chain = "it was passed on, and a delegation cannot be" if passed_on else "no delegation is on record"
        return f"not delegated by `{delegator}`: {chain}"
    reasons = sorted(_why_not(item, scope, principals) or "" for item in mine)
    return reasons[0] or None


def absent(standing: Iterable[SignedStatement], now: datetime, principals: Principals) -> frozenset[str]:
    """Everybody with an open, rightly signed absence."""
    return frozenset(absent_until(standing, now, principals))


def absent_until(
    standing: Iterable[SignedStatement], now: datetime, principals: Principals
) -> dict[str, datetime]:
    """Everybody with an open, rightly signed absence, and when the last of these ends."""
    found: dict[str, datetime] = {}
    for item in standing:
        said = item.statement
        if said.purpose == "absence" and in_window(item, now) and _signature(item, principals, now) is None:
            found[said.approver] = max(said.expires_at, found.get(said.approver, said.expires_at))
    return found


def names(item: SignedStatement, delegator: str, delegate: str) -> bool:
    """Whether a delegation is from ``delegator`` to ``delegate``."""
    return item.statement.approver == delegator and delegate_of(item.statement) == delegate != ""


def _why_not(item: SignedStatement, scope: Scope, principals: Principals) -> str | None:
    return outside_of(item, scope) or _signature(item, principals, scope.now)


def outside_of(item: SignedStatement, scope: Scope) -> str | None:
    """Why a delegation does not cover ``scope``, whoever signed it; None when it does."""
    said = item.statement
    if item.revoked_at is not None:
        return f"the delegation by `{said.approver}` was taken back"
    if scope.now >= said.expires_at:
        return f"the delegation by `{said.approver}` expired on {said.expires_at:%Y-%m-%d %H:%M} UTC"
    if said.expires_at - said.issued_at > WINDOW:
        return f"the delegation by `{said.approver}` is for longer than {WINDOW.days} days"
    if not in_window(item, scope.now):
        return f"the delegation by `{said.approver}` has not begun"
    if said.environment not in (ALL, scope.environment):
        return f"the delegation by `{said.approver}` is for environment {said.environment}"
    services = {name.strip() for name in said.details.get(SERVICES, ALL).split(",")}
    outside = sorted(set(scope.services) - services)
    if ALL not in services and (outside or not scope.services):
        return f"the delegation by `{said.approver}` does not cover {', '.join(outside) or 'this change'}"
    return None


def _signature(item: SignedStatement, principals: Principals, now: datetime) -> str | None:
    said = item.statement
    try:
        check_signature(said, item.signature, principals=principals, moments=(said.issued_at, now))
    except InvalidInput as error:
        return f"the {said.purpose} by `{said.approver}` does not verify: {error.message}"
    return None
