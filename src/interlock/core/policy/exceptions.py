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
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from interlock.core.approval.model import Counted, Purpose, SignedStatement, Tally
from interlock.core.approval.tally import tally
from interlock.core.change.catalog import RANK, Catalog, Role, Tier
from interlock.core.change.change import Change
from interlock.core.change.settings import Settings
from interlock.core.evidence.model import Evidence
from interlock.core.facts.model import Description
from interlock.core.policy.bundle import Bundle
from interlock.core.policy.policy import Policy, Quorum
from interlock.core.policy.question import Grant
from interlock.core.policy.tier import tier_of

BREAK_GLASS = timedelta(minutes=60)
EVERY_RULE = "*"


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


def grants_of(
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
) -> tuple[Grant, ...]:
    """Every exception and break-glass among ``statements`` that has its quorum now.

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
    given = tuple(statements)
    rules = sorted({_rule(one) for one in given} - {""})
    found = [_exception(rule, [one for one in given if _rule(one) == rule], about) for rule in rules]
    found.append(_break_glass([one for one in given if one.statement.purpose == "break-glass"], about))
    return tuple(grant for grant in found if grant is not None)


def quorum_of(policy: Policy, *, tier_one: bool) -> Quorum:
    """How many people, of which rank, lift ``policy``."""
    return policy.quorum or Quorum(people=2 if tier_one else 1)


def _exception(rule: str, statements: list[SignedStatement], about: _Question) -> Grant | None:
    policy = about.bundle.policies.get(rule)
    if policy is None or policy.effect != "forbid" or policy.protected:
        return None
    reasoned = [one for one in statements if _reason(one)]
    authors = about.count((), "exception", {}).authors
    barred = dict.fromkeys(authors, "an exception cannot be granted by who benefits from it")
    counted = _present(about.count(reasoned, "exception", barred).counted, about)
    wanted = quorum_of(policy, tier_one=about.tier_one)
    if not _suffices(counted, wanted):
        return None
    return _grant("exception", rule, reasoned, counted, about)


def _break_glass(statements: list[SignedStatement], about: _Question) -> Grant | None:
    reasoned = [one for one in statements if _reason(one) and _short(one)]
    counted = _present(about.count(reasoned, "break-glass", {}).counted, about)
    if not about.tier_one:
        counted = tuple(one for one in counted if about.catalog.people[one.person].on_call)
    if not _suffices(counted, Quorum(people=2 if about.tier_one else 1)):
        return None
    return _grant("break-glass", EVERY_RULE, reasoned, counted, about)


def _grant(
    kind: str, rule: str, statements: list[SignedStatement], counted: tuple[Counted, ...], about: _Question
) -> Grant:
    ids = {one.id for one in counted}
    used = sorted((one for one in statements if one.id in ids), key=lambda one: (one.received_at, one.id))
    return Grant(
        id=used[0].id,
        kind="break-glass" if kind == "break-glass" else "exception",
        rule=rule,
        change=about.change.id,
        people=tuple(sorted({one.person for one in counted})),
        statements=tuple(sorted(ids)),
        reason=_reason(used[0]),
        expires_at=min(one.statement.expires_at for one in used),
        audit=kind == "break-glass",
    )


def _suffices(counted: tuple[Counted, ...], wanted: Quorum) -> bool:
    ranks = [RANK[Role(one.role)] for one in counted if one.role in RANK]
    people = {one.person for one in counted}
    ranked = wanted.role is None or any(rank >= RANK[wanted.role] for rank in ranks)
    return len(people) >= wanted.people and ranked


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
