"""What is doubtful about the runners that the rules trust: a word misspelt there trusts nobody, and says nothing.

Rules:
1. A key that cannot be read, a name or a key that is there twice, and an id of ours that is another key's.
2. Predicates that nobody signs: ours under a name that is none, and what is no type at all. Others' types are
   theirs to name.
3. Services that the catalog does not have, and a runner that is trusted for nothing, or until a time that is over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest
from interlock.core.change.settings import SETTINGS_FILE
from interlock.core.evidence.dsse import key_id_of, load_public_key
from interlock.core.evidence.model import Runner
from interlock.core.evidence.statement import (
    JUNIT,
    OURS,
    SARIF,
    SLSA_V02,
    SLSA_V1,
    TEST_RESULT,
    VSA,
    VULNS,
)

_OTHERS = (TEST_RESULT, *VULNS, SLSA_V1, SLSA_V02, VSA, SARIF, JUNIT)
_HOST = OURS.removesuffix("predicates/")


def doubts(
    runners: Sequence[Runner], *, services: Collection[str], predicates: Collection[str], now: datetime
) -> Iterator[InvalidInput]:
    """All of them; ``services`` are the catalog's, ``predicates`` the types that our producers sign."""
    names = [one.name for one in runners]
    keys = [one.public_key.strip() for one in runners]
    for number, one in enumerate(runners):
        place = f"trust.runners[{number}]"
        if not one.name.strip() or one.name in names[:number]:
            yield _doubt(f"{place}.name", "a name of its own", one.name, "name each runner once")
        if one.public_key.strip() in keys[:number]:
            yield _doubt(f"{place}.public_key", "a key of its own", "one that is there", "give each runner a key")
        yield from _key(place, one)
        yield from _predicates(place, one, predicates)
        yield from _services(place, one, services)
        if one.not_after is not None and one.not_after <= now and not one.revoked:
            hint = "give it a later time, or take the runner out"
            yield _doubt(f"{place}.not_after", "a time to come", f"{one.not_after:%Y-%m-%d %H:%M}", hint)


def _key(place: str, one: Runner) -> Iterator[InvalidInput]:
    try:
        ours = key_id_of(load_public_key(one.public_key))
    except InvalidInput as error:
        yield _doubt(
            f"{place}.public_key", "a public key in PEM, of Ed25519 or P-256", "something else", error.hint
        )
        return
    if one.key_id.startswith("sha256:") and one.key_id != ours:
        hint = f"the key's own is {ours}"
        yield _doubt(f"{place}.key_id", "the id of `public_key`", one.key_id, hint)


def _predicates(place: str, one: Runner, known: Collection[str]) -> Iterator[InvalidInput]:
    every = sorted({*known, *_OTHERS})
    if not one.predicates:
        yield _doubt(
            f"{place}.predicates", "at least one type", "none", "without one nothing that it signs counts"
        )
    for each in one.predicates:
        prefix = each.removesuffix("*") if each.endswith("/*") else ""
        if each == "*" or each in every or (prefix and any(kind.startswith(prefix) for kind in every)):
            continue
        if each.startswith(_HOST) or "://" not in each:
            hint = f"known here: {', '.join(kind.removeprefix(OURS) for kind in sorted(known))}, all below {OURS}"
            whole = f"{OURS}{each.strip('/')}/v1"
            near = (
                f" (did you mean `{whole}`?)" if whole in every else closest(each, every) or closest(whole, every)
            )
            yield _doubt(f"{place}.predicates", f"a type of statement that there is{near}", each, hint)


def _services(place: str, one: Runner, known: Collection[str]) -> Iterator[InvalidInput]:
    if not one.services:
        yield _doubt(f"{place}.services", "at least one service, or *", "none", "leave it out for all of them")
    for each in one.services:
        if each != "*" and each not in known:
            hint = f"known: {', '.join(sorted(known)[:20])}; `*` is all of them"
            near = closest(each, sorted(known))
            yield _doubt(f"{place}.services", f"a service of the catalog{near}", each, hint)


def _doubt(place: str, expected: str, got: str, hint: str) -> InvalidInput:
    return InvalidInput(
        f"expected {expected} at `{place}`, got `{got[:120]}` in {SETTINGS_FILE}", code="trust-runner", hint=hint
    )
