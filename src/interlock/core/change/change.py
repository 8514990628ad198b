"""The change: the one record that everything on the road names.

Rules:
1. The digest covers the identities of all parts, sorted, and the environment-independent class; it does not
   cover title, opener or time: the same content is the same change.
2. A new push to the same change is a new ``revision`` with a new digest; approvals and evidence bound to the
   older digest stay on record and no longer count.
3. States and their transitions are the table below; everything else is refused.
4. What is kept is small: the submission is a blob of its own, named by its digest, so that records are found,
   listed and counted without reading what was submitted.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Self

from interlock.core.change.canonical import canonical, digest
from interlock.core.change.errors import IllegalTransition, InvalidInput
from interlock.core.change.parts import GitRange, Part, Validation

ChangeClass = Literal["standard", "normal", "emergency"]


class ChangeState(StrEnum):
    """Where a change stands."""

    OPEN = "open"
    PERMITTED = "permitted"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"


_MOVES: dict[ChangeState, frozenset[ChangeState]] = {
    ChangeState.OPEN: frozenset({ChangeState.OPEN, ChangeState.PERMITTED, ChangeState.WITHDRAWN}),
    # A permitted change that is pushed to again is open again: its ticket names the older digest.
    ChangeState.PERMITTED: frozenset(
        {ChangeState.OPEN, ChangeState.PERMITTED, ChangeState.WITHDRAWN, ChangeState.CLOSED}
    ),
    ChangeState.WITHDRAWN: frozenset(),
    ChangeState.CLOSED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a part was read, so that the gate can read it again: the reader's name and its arguments."""

    reader: str
    arguments: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a reading produced and intake accepts: parts, how to read them again, what validators saw."""

    parts: tuple[Part, ...]
    recipes: tuple[Recipe, ...] = ()
    validations: tuple[Validation, ...] = ()

    @property
    def digest(self) -> str:
        """The change digest of these parts."""
        return change_digest(self.parts)

    @property
    def base(self) -> str:
        """The commit at which its first git range begins; empty where it has none."""
        return next((part.base for part in self.parts if isinstance(part, GitRange)), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeHeader:
    """A change but for its content. ``opened_by``, ``sponsor``, ``agent`` are principals of catalog or token.

    ``services`` are those declared and those the description found touched; ``reviewers`` those proposed when it
    was opened, which is what a person's load is counted by. ``pushed_for`` are the accounts that were named as
    having pushed; a pipeline's own principal among them is a push for which it named nobody.
    """

    id: str
    title: str
    change_class: ChangeClass
    services: tuple[str, ...]
    digest: str
    opened_by: str
    opened_at: datetime
    state: ChangeState = ChangeState.OPEN
    revision: int = 1
    agent: str | None = None
    sponsor: str | None = None
    pushed_by: tuple[str, ...] = ()
    pushed_for: tuple[str, ...] = ()
    emergency_reason: str | None = None
    reviewers: tuple[str, ...] = ()
    version: int = 1

    def move(self, state: ChangeState) -> Self:
        """This change in another state.

        Raises:
            IllegalTransition: ``change-state`` when the table does not have the step.
        """
        if state not in _MOVES[self.state]:
            raise IllegalTransition(
                f"expected a change that can become {state}, got `{self.id}` which is {self.state}",
                code="change-state",
                hint="open a new change: interlock change open",
            )
        return replace(self, state=state, version=self.version + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(ChangeHeader):
    """A change with its content in hand: what is described, judged and permitted."""

    submission: Submission

    @property
    def parts(self) -> tuple[str, ...]:
        """The kinds of its parts."""
        return tuple(part.kind for part in self.submission.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRecord(ChangeHeader):
    """What is kept. ``blob`` names the submission's canonical bytes, ``parts`` are the kinds of its parts."""

    blob: str
    parts: tuple[str, ...]

    @property
    def in_flight(self) -> tuple[str, ...]:
        """The services on which another change would meet this one; none once it is off the road."""
        return self.services if self.state in {ChangeState.OPEN, ChangeState.PERMITTED} else ()

    @property
    def asked(self) -> tuple[str, ...]:
        """Whose load this change counts towards; nobody's once it is not open."""
        return self.reviewers if self.state is ChangeState.OPEN else ()

    def complete(self, submission: Submission) -> Change:
        """The change with its content, which the caller has shown to be the blob's."""
        return Change(**_header(self), submission=submission)


def record_of(change: Change, blob: str) -> ChangeRecord:
    """What is kept of ``change`` whose submission's canonical bytes are ``blob``."""
    return ChangeRecord(**_header(change), blob=blob, parts=change.parts)


def _header(change: ChangeHeader) -> dict[str, Any]:
    return {field.name: getattr(change, field.name) for field in fields(ChangeHeader)}


def change_digest(parts: tuple[Part, ...]) -> str:
    """The digest over all parts, whatever order they were read in.

    Raises:
        InvalidInput: ``change-empty`` without parts, ``change-part-twice`` when two parts are the same.
    """
    if not parts:
        raise InvalidInput(
            "expected at least one part, got none",
            code="change-empty",
            hint="name a git range, a plan or a file",
        )
    identities = sorted(canonical(part.identity()) for part in parts)
    if len(set(identities)) != len(identities):
        raise InvalidInput(
            "expected different parts, got the same one twice",
            code="change-part-twice",
            hint="name each source once",
        )
    return digest("interlock.dev/change/v1", [identity.decode() for identity in identities])
