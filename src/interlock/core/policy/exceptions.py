"""Exceptions and broken glass: from signed statements to what they lift.

Rules:
1. An exception lifts one rule for one digest of one change in one environment. It needs the quorum of that rule:
   its ``@quorum``, else two people for Tier-1 and one below. On Tier-1 they prove presence, unless settings take
   software keys.
2. Nobody grants what they benefit from: an author of the change does not count, not even in one-person mode.
3. Broken glass lifts everything that may be lifted: two people, below Tier-1 one who is on call. Never an agent,
   at most 60 minutes, one change; a follow-up audit is always due.
4. What protects the road itself (``@liftable("never")``) is lifted by nothing.
5. A grant ends when the first of its statements does. One without a reason does not exist.
6. What has not its quorum yet is told: who signed, how many more it takes, and whose signature would count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from interlock.core.approval.delegation import absent
from interlock.core.approval.model import Counted, Purpose, Rejected, SignedStatement, Tally
from interlock.core.approval.principals import principals_of
from interlock.core.approval.tally import tally
from interlock.core.change.catalog import RANK, Catalog, Role, Tier
from interlock.core.change.change import Change
from interlock.core.change.settings import Settings
from interlock.core.evidence.model import Evidence
from interlock.core.facts.model import Description
from interlock.core.policy.bundle import Bundle
from interlock.core.policy.policy import Policy, Quorum
from interlock.core.policy.question import Grant, Pending
from interlock.core.policy.tier import tier_of

BREAK_GLASS = timedelta(minutes=60)
EVERY_RULE = "*"
_SOFTWARE = (
    "made with a software key, which proves possession only; Tier-1 takes a key with a PIN or a finger here"
)
_OFF_CALL = "not on call, and breaking the glass takes somebody who is"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What statements are held against: the change, where and when, and the rules in force."""

    change: Change
    description: Description
    environment: str
    settings: Settings
    catalog: Catalog
    bundle: Bundle
    now: datetime
    evidence: tuple[Evidence, ...]
    standing: tuple[SignedStatement, ...]
    not_before: datetime | None

    @property
    def tier_one(self) -> bool:
        """Whether the quorum is that of Tier-1."""
        return tier_of(self.change, self.description, self.catalog) is Tier.ONE

    def count(self, statements: Iterable[SignedStatement], purpose: Purpose, barred: Mapping[str, str]) -> Tally:
        """Whose statements count for this purpose."""
        return tally(
            change=self.change,
            description=self.description,
            statements=statements,
            catalog=self.catalog,
            settings=self.settings,
            environment=self.environment,
            now=self.now,
            evidence=self.evidence,
            standing=self.standing,
            not_before=self.not_before,
            purpose=purpose,
            barred=barred,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifts:
    """What is lifted now, and what would be if more people signed."""

    grants: tuple[Grant, ...] = ()
    pending: tuple[Pending, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Weighed:
    """All that was signed to lift one rule (``*``: every one): whose word counts, and how many it takes."""

    kind: Literal["exception", "break-glass"]
    rule: str
    statements: tuple[SignedStatement, ...]
    counted: tuple[Counted, ...]
    rejected: tuple[Rejected, ...]
    wanted: Quorum


def lifts_of(
    statements: Iterable[SignedStatement],
    *,
    change: Change,
    description: Description,
    environment: str,
    settings: Settings,
    catalog: Catalog,
    bundle: Bundle,
    now: datetime,
    evidence: Iterable[Evidence] = (),
    standing: Iterable[SignedStatement] = (),
    not_before: datetime | None = None,
) -> Lifts:
    """Every exception and break-glass among ``statements``: those that have their quorum now, and the others.

    Statements of other purposes are left out. The other arguments are those of ``tally``, and the rules in force.
    """
    about = _Question(
        change=change,
        description=description,
        environment=environment,
        settings=settings,
        catalog=catalog,
        bundle=bundle,
        now=now,
        evidence=tuple(evidence),
        standing=tuple(standing),
        not_before=not_before,
    )
    given = tuple(one for one in statements if one.statement.purpose in {"exception", "break-glass"})
    weighed = _weigh(given, about)
    return Lifts(
        grants=tuple(_grant(one, about) for one in weighed if _suffices(one.counted, one.wanted)),
        pending=tuple(_pending(one, about) for one in weighed if not _suffices(one.counted, one.wanted)),
    )


def quorum_of(policy: Policy, *, tier_one: bool) -> Quorum:
    """How many people, of which rank, lift ``policy``."""
    return policy.quorum or Quorum(people=2 if tier_one else 1)


def _weigh(given: tuple[SignedStatement, ...], about: _Question) -> list[_Weighed]:
    """One for each rule that somebody signed for and that may be lifted, and one for the glass."""
    found = []
    for rule in sorted({_rule(one) for one in given} - {""}):
        policy = about.bundle.policies.get(rule)
        if policy is not None and policy.effect == "forbid" and not policy.protected:
            found.append(_exception(policy, tuple(one for one in given if _rule(one) == rule), about))
    broken = tuple(one for one in given if one.statement.purpose == "break-glass")
    return [*found, _break_glass(broken, about)] if broken else found


def _exception(policy: Policy, statements: tuple[SignedStatement, ...], about: _Question) -> _Weighed:
    authors = about.count((), "exception", {}).authors
    barred = dict.fromkeys(authors, "an exception cannot be granted by who benefits from it")
    told = about.count([one for one in statements if _reason(one)], "exception", barred)
    present = _present(told.counted, about)
    wanted = quorum_of(policy, tier_one=about.tier_one)
    return _Weighed(
        kind="exception",
        rule=policy.id,
        statements=statements,
        counted=present,
        rejected=(*told.rejected, *_without(told.counted, present, _SOFTWARE)),
        wanted=wanted,
    )


def _break_glass(statements: tuple[SignedStatement, ...], about: _Question) -> _Weighed:
    told = about.count([one for one in statements if _reason(one) and _short(one)], "break-glass", {})
    present = _present(told.counted, about)
    called = tuple(one for one in present if about.tier_one or about.catalog.people[one.person].on_call)
    off = (*_without(told.counted, present, _SOFTWARE), *_without(present, called, _OFF_CALL))
    return _Weighed(
        kind="break-glass",
        rule=EVERY_RULE,
        statements=statements,
        counted=called,
        rejected=(*told.rejected, *off),
        wanted=Quorum(people=2 if about.tier_one else 1),
    )


def _without(before: tuple[Counted, ...], after: tuple[Counted, ...], why: str) -> tuple[Rejected, ...]:
    return tuple(Rejected(id=one.id, approver=one.person, reason=why) for one in before if one not in after)


def _grant(weighed: _Weighed, about: _Question) -> Grant:
    used = _used(weighed)
    return Grant(
        id=used[0].id,
        kind=weighed.kind,
        rule=weighed.rule,
        change=about.change.id,
        people=tuple(sorted({one.person for one in weighed.counted})),
        statements=tuple(sorted(one.id for one in used)),
        reason=_reason(used[0]),
        expires_at=min(one.statement.expires_at for one in used),
        audit=weighed.kind == "break-glass",
    )


def _pending(weighed: _Weighed, about: _Question) -> Pending:
    used = _used(weighed)
    return Pending(
        kind=weighed.kind,
        rule=weighed.rule,
        people=tuple(sorted({one.person for one in weighed.counted})),
        needed=weighed.wanted.people,
        role=weighed.wanted.role.value if weighed.wanted.role else None,
        reason=_reason(used[0]) if used else "",
        expires_at=min((one.statement.expires_at for one in used), default=None),
        may_sign=tuple(_could(weighed, about)),
        void=tuple(one for one in weighed.rejected if not _taken_back(one.id, weighed)),
    )


def _could(weighed: _Weighed, about: _Question) -> Iterator[str]:
    """Whose signature would bring it nearer: no author, nobody who has signed or is away, and of the rank."""
    known, wanted, people = principals_of(about.catalog), weighed.wanted, about.catalog.people
    authors = about.count((), weighed.kind, {}).authors
    gone = {name for one in weighed.counted for name in known.same(one.person)}
    gone |= absent(about.standing, about.now, known) | {same for name in authors for same in known.same(name)}
    last = len(weighed.counted) + 1 >= wanted.people and not _ranked(weighed.counted, wanted)
    for name, person in sorted(people.items()):
        of_rank = not last or wanted.role is None or RANK[person.role] >= RANK[wanted.role]
        on_call = weighed.kind == "exception" or about.tier_one or person.on_call
        if name not in gone and of_rank and on_call and known.can_sign(name, about.now):
            yield name


def _used(weighed: _Weighed) -> list[SignedStatement]:
    ids = {one.id for one in weighed.counted}
    used = (one for one in weighed.statements if one.id in ids)
    return sorted(used, key=lambda one: (one.received_at, one.id))


def _taken_back(name: str, weighed: _Weighed) -> bool:
    return any(one.id == name and one.revoked_at is not None for one in weighed.statements)


def _suffices(counted: tuple[Counted, ...], wanted: Quorum) -> bool:
    return len({one.person for one in counted}) >= wanted.people and _ranked(counted, wanted)


def _ranked(counted: tuple[Counted, ...], wanted: Quorum) -> bool:
    ranks = [RANK[Role(one.role)] for one in counted if one.role in RANK]
    return wanted.role is None or any(rank >= RANK[wanted.role] for rank in ranks)


def _present(counted: tuple[Counted, ...], about: _Question) -> tuple[Counted, ...]:
    allowed = about.settings.trust.software_keys
    if allowed == "all" or (allowed == "below-tier-1" and not about.tier_one):
        return counted
    return tuple(one for one in counted if one.presence == "verified")


def _short(signed: SignedStatement) -> bool:
    return signed.statement.expires_at - signed.statement.issued_at <= BREAK_GLASS


def _rule(signed: SignedStatement) -> str:
    return signed.statement.details.get("rule", "") if signed.statement.purpose == "exception" else ""


def _reason(signed: SignedStatement) -> str:
    return signed.statement.details.get("reason", "").strip()
