"""What a statement must say so that it can ever count: asked before it is signed, and again when it is handed in.

Rules:
1. An exception names a rule that exists and may be lifted, and says why; broken glass says what is broken. One
   without a reason counts nowhere, so nobody signs one.
2. What is about a change names an environment of the rules in force. A typing error there would bind the
   signature to a place that nobody ever asks about.
3. A delegation names somebody else of the catalog; an absence is about whoever signs it.
4. A new key is nobody else's already: a key that two people list counts for neither.
5. An answer names one concern and says something.
6. Whether what passes here counts is decided later, each time anew: who wrote the change, and how many signed.
"""

from __future__ import annotations

from collections.abc import Callable

from interlock.core.approval.delegation import ALL, delegate_of
from interlock.core.approval.keys import parse_public_key
from interlock.core.approval.model import Purpose, Statement
from interlock.core.approval.principals import principals_of
from interlock.core.change.canonical import sha256
from interlock.core.change.catalog import Catalog, PublicKey
from interlock.core.change.errors import Conflict, InterlockError, InvalidInput, NotFound
from interlock.core.change.parse import closest
from interlock.core.change.submission_check import check_reason
from interlock.core.policy.rules import Rules
from interlock.core.review.answered import TEXT

_PEOPLE = "interlock catalog check says which file lists people; name one as it is spelt there"


def check_signable(said: Statement, rules: Rules) -> None:
    """Pass a statement that could count under ``rules``.

    Raises:
        InvalidInput: ``reason-missing``, ``reason-text``, ``rule-protected``, ``delegate-self`` or
            ``absence-of-another``.
        NotFound: ``rule-unknown``, ``person-unknown`` or ``environment-unknown``.
        Conflict: ``key-taken``.
    """
    check = _CHECKS.get(said.purpose)
    if check is not None:
        check(said, rules)


def _check_place(said: Statement, rules: Rules) -> None:
    known = rules.settings.environments
    if said.environment in known or (said.purpose == "delegation" and said.environment == ALL):
        return
    raise NotFound(
        f"expected an environment of interlock.yaml, got `{said.environment[:60]}`"
        f"{closest(said.environment, list(known))}",
        code="environment-unknown",
        hint=f"name one of {', '.join(sorted(known))}: --environment NAME",
    )


def _check_reason(said: Statement) -> None:
    reason = said.details.get("reason", "")
    if not reason.strip():
        raise InvalidInput(
            f"expected a reason for {_NAMED[said.purpose]}, got none",
            code="reason-missing",
            hint="say why in plain words: --reason '…'; without one it counts nowhere",
        )
    check_reason(reason)


def _check_exception(said: Statement, rules: Rules) -> None:
    name, policies = said.details.get("rule", ""), rules.bundle.policies
    policy = policies.get(name)
    if policy is None or policy.effect != "forbid":
        raise NotFound(
            f"expected the id of a rule, got `{name[:80]}`{closest(name, list(policies))}",
            code="rule-unknown",
            hint="interlock policy check lists every rule; a refusal names those in the way with --json",
        )
    if policy.protected:
        raise InvalidInput(
            f"expected a rule that may be lifted, got `{name}`, which never is",
            code="rule-protected",
            hint="it protects the road itself: do what the refusal says instead",
        )
    _check_place(said, rules)
    _check_reason(said)


def _check_glass(said: Statement, rules: Rules) -> None:
    _check_place(said, rules)
    _check_reason(said)


def _check_answer(said: Statement, rules: Rules) -> None:
    _check_place(said, rules)
    check_reason(said.details.get(TEXT, ""), "--text")


def _check_delegation(said: Statement, rules: Rules) -> None:
    name, people = delegate_of(said), rules.catalog.people
    if name not in people:
        raise NotFound(
            f"expected a person of the catalog to delegate to, got `{name[:80]}`{closest(name, list(people))}",
            code="person-unknown",
            hint=_PEOPLE,
        )
    if name in principals_of(rules.catalog).same(said.approver):
        raise InvalidInput(
            f"expected somebody else to delegate to, got `{name}`, who signs this",
            code="delegate-self",
            hint="name a colleague; whoever is away without one says so: interlock absence --days N",
        )
    _check_place(said, rules)


def _check_absence(said: Statement, rules: Rules) -> None:
    del rules
    if said.subject != said.approver:
        raise InvalidInput(
            f"expected an absence of `{said.approver}`, who signs it, got one of `{said.subject[:60]}`",
            code="absence-of-another",
            hint="everybody says for themselves that they are away: interlock absence --days N",
        )


def _check_enrolment(said: Statement, rules: Rules) -> None:
    own = principals_of(rules.catalog).same(said.subject)
    owner = _owner(said.digest, rules.catalog, besides=own)
    if owner is not None:
        raise Conflict(
            f"expected a key of `{said.subject[:60]}` alone, got one that the catalog lists for `{owner}`",
            code="key-taken",
            hint="a key that two people list counts for neither: make a new one with ssh-keygen",
        )


def _owner(digest: str, catalog: Catalog, *, besides: frozenset[str] | set[str]) -> str | None:
    for name, person in catalog.people.items():
        if name not in besides and any(_digest(key) == digest for key in person.keys):
            return name
    return None


def _digest(key: PublicKey) -> str:
    try:
        return sha256(parse_public_key(key.line).blob)
    except InterlockError:  # a line that is no key is nobody's; `catalog check` reports it
        return ""


_NAMED: dict[Purpose, str] = {"exception": "an exception", "break-glass": "breaking the glass"}

_CHECKS: dict[Purpose, Callable[[Statement, Rules], None]] = {
    "answer": _check_answer,
    "approve": _check_place,
    "exception": _check_exception,
    "break-glass": _check_glass,
    "delegation": _check_delegation,
    "absence": _check_absence,
    "key-enrolment": _check_enrolment,
}
