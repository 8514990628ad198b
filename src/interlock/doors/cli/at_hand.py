"""The change as it is checked out here, read again by its own recipes: what is judged or tried is what is here.

Rules:
1. Ranges are read up to HEAD, whatever head the change was opened with.
2. Whoever signs what was seen here needs the very content on record, without edits that are in no commit: when
   it begins, and again right before it is signed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from interlock.config import Config
from interlock.core.change.change import Recipe, Submission
from interlock.core.change.errors import Conflict, InvalidInput, Unavailable
from interlock.core.change.parts import GitRange
from interlock.core.ticket.shipped import Checkout
from interlock.doors.cli.checkout import PRODUCTION, Asked, ask, look
from interlock.doors.cli.client import Client
from interlock.doors.cli.reading import read
from interlock.doors.cli.screens.drift import drift
from interlock.doors.cli.text import safe, short

AS_CHECKED_OUT = {"git": {"head": "HEAD", "path": "."}}
"""What is here is what is checked out, whatever head and folder the change was opened with."""
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AtHand:
    """``change`` is the record as the API shows it; ``moved`` says in one line what is not as recorded.

    ``wanted`` is the commit on record as its head, ``head`` the one that is checked out, empty where the change
    has no range of this repository; ``asked`` is what it takes to look at the checkout again.
    """

    change: dict[str, Any]
    submission: Submission
    moved: str
    wanted: str = ""
    head: str = ""
    asked: Asked | None = None

    @property
    def bases(self) -> list[str]:
        """Where the ranges of its repositories begin, as full commit ids."""
        return [part.base for part in self.submission.parts if isinstance(part, GitRange)]


def at_hand(api: Client, name: str, config: Config) -> AtHand:
    """The change ``name`` and what of it is here.

    Raises:
        InvalidInput: a source cannot be read.
    """
    from interlock.core.change.canonical import plain  # noqa: PLC0415  # --help reads nothing

    recorded = api.get(f"/v1/changes/{name}/submission").json
    wanted = [
        Recipe(reader=recipe["reader"], arguments=recipe["arguments"] | AS_CHECKED_OUT.get(recipe["reader"], {}))
        for recipe in recorded["recipes"]
    ]
    submission = read(api, wanted, config)
    change = api.get(f"/v1/changes/{name}").json
    told = plain(submission)
    moved = drift(recorded, change["digest"], told, submission.digest) if isinstance(told, dict) else ""
    return AtHand(change=change, submission=submission, moved=moved, wanted=_recorded_head(recorded))


def exactly(api: Client, name: str, config: Config) -> AtHand:
    """The same, where it is the very content on record.

    Raises:
        Conflict: ``evidence-moved`` where it is another, ``evidence-edited`` with edits that are in no commit.
    """
    try:
        found = at_hand(api, name, config)
    except InvalidInput as error:
        if error.code != "git-range-empty":
            raise
        raise Conflict(
            f"expected the content of `{name}` here, got none of it: what is checked out is where it begins",
            code="evidence-moved",
            hint=f"check out the change's own branch, or its head: {_switch(_head_of(api, name))}",
        ) from error
    if found.moved:
        raise Conflict(
            f"expected the content of `{name}` here, got another: {found.moved}",
            code="evidence-moved",
            hint=f"check out its head: {_switch(found.wanted)}; only where what is here is meant to be the "
            f"change: interlock change push {name}, which voids what was shown of it",
        )
    asked = ask(api, config.root, PRODUCTION) if found.bases else None
    seen = look(config.root, found.submission, asked) if asked is not None else None
    if seen is not None and seen.edited_count:
        raise _edited(seen)
    return replace(found, head=seen.head if seen is not None else "", asked=asked)


def still(api: Client, here: AtHand, config: Config) -> None:
    """Pass when the checkout is what it was when ``exactly`` looked at it.

    Raises:
        Conflict: ``evidence-moved`` where another commit is checked out or the record moved, ``evidence-edited``.
    """
    now = _on_record(api, here)
    if now != here.change["digest"]:
        raise _moved_on(short(here.change["digest"]), short(now))
    seen = look(config.root, here.submission, here.asked) if here.asked is not None else None
    if seen is not None and seen.head != here.head:
        raise _moved_on(here.head[:12], seen.head[:12])
    if seen is not None and seen.edited_count:
        raise _edited(seen)


def _recorded_head(submission: dict[str, Any]) -> str:
    """The head of its range, as far as there is one."""
    return next((str(part["head"]) for part in submission["parts"] if part["kind"] == "git"), "")


def _head_of(api: Client, name: str) -> str:
    return _recorded_head(api.get(f"/v1/changes/{name}/submission").json)


def _switch(head: str) -> str:
    return f"git switch --detach {safe(head[:12])}"


def _on_record(api: Client, here: AtHand) -> str:
    """The digest the change has now; of a server that is gone meanwhile, what it said last.

    What is signed names its digest: should the record have moved, it will not count once it is handed in.
    """
    try:
        return str(api.get(f"/v1/changes/{here.change['id']}").json["digest"])
    except Unavailable:
        return str(here.change["digest"])


def _moved_on(before: str, after: str) -> Conflict:
    return Conflict(
        f"expected `{before}` here until this was signed, got `{after}`: nothing is handed in",
        code="evidence-moved",
        hint="leave the checkout and the change alone while it runs, and run it again",
    )


def _edited(seen: Checkout) -> Conflict:
    named = ", ".join(safe(path) for path in seen.edited[:_NAMED])
    more = f" and {seen.edited_count - _NAMED} more" if seen.edited_count > _NAMED else ""
    return Conflict(
        f"expected a checkout without edits, got some that are in no commit: {named}{more}",
        code="evidence-edited",
        hint="commit them (interlock change push), or put them aside: git stash",
    )
