"""From a Cedar statement to a policy: its annotations, checked.

Rules:
1. Every forbid carries ``@id``, ``@outcome``, ``@reason`` and ``@remedy``; a permit carries ``@id`` and no more.
2. A layer holds forbids only, each with ``@active_from``, ``@expires`` and ``@scope``: it can only tighten.
3. Whatever is misspelt, missing or out of place is refused with its file and line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from interlock.core.change.catalog import Place, Role
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest
from interlock.core.policy.decision import Mode, Outcome
from interlock.core.policy.expressions import WHOLE, facts_read
from interlock.core.policy.facts import FACTS
from interlock.core.policy.policy import Liftable, Policy, Quorum, Span
from interlock.core.policy.scope import read_scope
from interlock.core.policy.statements import CedarStatement

_REQUIRED = ("id", "outcome", "reason", "remedy")
_OPTIONAL = ("mode", "progress", "liftable", "quorum")
_LAYERED = ("active_from", "expires", "scope")
KNOWN = (*_REQUIRED, *_OPTIONAL, *_LAYERED)

_ID = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*")
_SLOT = re.compile(r"\{([^{}]*)\}")
_QUORUM = re.compile(r"([1-9])(?: with (senior|manager|director|vp))?")
BASE = "base"


def read_policy(statement: CedarStatement, *, path: str, layer: str) -> Policy:
    """The policy in ``statement``, which stands in ``path`` and belongs to ``layer``.

    Raises:
        InvalidInput: ``policy-annotation`` or ``layer-permit``.
    """
    reader = _Reader(statement, f"{path}:{statement.line}")
    effect = statement.est["effect"]
    if layer != BASE and effect != "forbid":
        raise InvalidInput(
            f"{reader.where}: expected a forbid in the layer `{layer}`, got a permit",
            code="layer-permit",
            hint="a layer may only tighten; put a permit into base/",
        )
    place = Place(path=path, line=statement.line)
    reads = facts_read(statement.est)
    if WHOLE in reads:
        raise reader.refused("expected single facts, got `context` as a whole", "write context.fact for each fact")
    if effect == "permit":
        reader.expect(("id",), ())
        return Policy(
            id=reader.id(),
            effect="permit",
            layer=layer,
            place=place,
            reads=reads,
            source=statement.text,
            est=statement.est,
        )
    reader.expect((*_REQUIRED, *(_LAYERED if layer != BASE else ())), _OPTIONAL)
    return Policy(
        id=reader.id(),
        effect="forbid",
        layer=layer,
        place=place,
        reads=reads,
        source=statement.text,
        est=statement.est,
        outcome=reader.outcome(),
        reason=reader.template("reason"),
        remedy=reader.template("remedy"),
        mode=reader.mode(),
        liftable=reader.liftable(),
        quorum=reader.quorum(),
        progress=reader.progress(),
        span=reader.span() if layer != BASE else None,
        scope=read_scope(reader.text("scope"), where=reader.where) if layer != BASE else (),
    )


class _Reader:
    """The annotations of one statement; every method raises with the statement's place."""

    def __init__(self, statement: CedarStatement, where: str) -> None:
        found = statement.est.get("annotations", {})
        self.written: Mapping[str, str | None] = found if isinstance(found, dict) else {}
        self.where = where

    def refused(self, problem: str, hint: str) -> InvalidInput:
        return InvalidInput(f"{self.where}: {problem}", code="policy-annotation", hint=hint)

    def expect(self, required: tuple[str, ...], optional: tuple[str, ...]) -> None:
        allowed = (*required, *optional)
        for name in self.written:
            if name not in allowed:
                known = "" if name in KNOWN else closest(name, list(KNOWN))
                raise self.refused(
                    f"expected a known annotation, got `@{name[:60]}`{known}",
                    f"known here: {', '.join('@' + word for word in allowed)}",
                )
        for name in required:
            if not (self.written.get(name) or "").strip():
                raise self.refused(f"expected `@{name}`, got none", f'write @{name}("…") above the policy')

    def text(self, name: str) -> str:
        return self.written.get(name) or ""

    def word(self, name: str, allowed: tuple[str, ...]) -> str:
        text = self.text(name)
        if text not in allowed:
            near = closest(text, list(allowed))
            raise self.refused(
                f"expected `@{name}` to be {' or '.join(allowed)}, got `{text[:60]}`{near}",
                f"write one of {', '.join(allowed)}",
            )
        return text

    def id(self) -> str:
        text = self.text("id")
        if not _ID.fullmatch(text) or len(text) > 80:  # noqa: PLR2004  # fits a line beside its mark
            raise self.refused(
                f"expected `@id` in lowercase words joined by `-`, got `{text[:60]}`",
                "use at most 80 of a-z, 0-9, - and .",
            )
        return text

    def outcome(self) -> Outcome:
        return Outcome(self.word("outcome", ("needs", "deny")))

    def mode(self) -> Mode | None:
        if "mode" not in self.written:
            return None
        return "observe" if self.word("mode", ("observe", "enforce")) == "observe" else "enforce"

    def liftable(self) -> Liftable:
        if "liftable" not in self.written:
            return "exception"
        return "never" if self.word("liftable", ("exception", "never")) == "never" else "exception"

    def quorum(self) -> Quorum | None:
        if "quorum" not in self.written:
            return None
        match = _QUORUM.fullmatch(self.text("quorum"))
        if not match:
            raise self.refused(
                f"expected `@quorum` such as `2` or `2 with senior`, got `{self.text('quorum')[:60]}`",
                "a number of people, and the rank that one of them has at least",
            )
        return Quorum(people=int(match[1]), role=Role(match[2]) if match[2] else None)

    def template(self, name: str) -> str:
        text = " ".join(self.text(name).split())
        for slot in _SLOT.findall(text):
            self._fact(slot, name)
        if re.search(r"[{}]", _SLOT.sub("", text)):
            raise self.refused(f"expected `@{name}` with paired braces", "write {fact} with the name of a fact")
        return text

    def progress(self) -> tuple[str, str] | None:
        if "progress" not in self.written:
            return None
        shown, _, total = (piece.strip() for piece in self.text("progress").partition(" of "))
        self._fact(shown, "progress")
        if not total.isdigit():
            self._fact(total, "progress")
        return shown, total

    def _fact(self, name: str, annotation: str) -> None:
        if name not in FACTS:
            raise self.refused(
                f"expected a fact in `@{annotation}`, got `{name[:60]}`{closest(name, list(FACTS))}",
                "docs/reference/policies.md lists every fact",
            )

    def span(self) -> Span:
        span = Span(start=self._time("active_from"), end=self._time("expires"))
        if span.start >= span.end:
            raise self.refused("expected `@expires` after `@active_from`", "a layer holds for some time")
        return span

    def _time(self, name: str) -> datetime:
        text = self.text(name)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise self.refused(
                f"expected `@{name}` as a date or an RFC 3339 time, got `{text[:60]}`", "write 2026-03-09"
            ) from error
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
