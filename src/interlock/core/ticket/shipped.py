"""What of a repository went to an environment before, and whether a range begins there.

Rules:
1. Shipped means: permitted there by a ticket that was not voided. interlock does not see the deployment itself.
2. A range is whole when whatever lies before its base went there before: the base is where an earlier range began
   or ended, or the pipeline, which has the git, shows that nothing before the base is left out.
3. Where nothing went before, what lies before the base is taken as given, but for what the trunk does not have.
4. What the pipeline shows counts only for the bases and the shipped heads it was compared with.
5. A change without a range ships what it names; a checkout that is ahead of what was shipped is then refused too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from interlock.core.change.canonical import digest
from interlock.core.change.errors import InvalidInput
from interlock.core.change.gitlog import empty_tree
from interlock.core.change.parts import GitRange

MAX_TIPS = 20
MAX_SAME = 4
"""Tickets that are kept of one head, the newest."""

MAX_NAMED = 20
"""Commits or files that are told by name; the rest is counted."""

_MAX_TEXT = 1_000
FROM_NOTHING = frozenset(map(empty_tree, ("sha1", "sha256")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """A head that a ticket let through, its tree, and where its range began.

    ``weight`` is what the ticket was for, ``below`` what lies before the range went out with, in percent.
    """

    head: str
    tree: str
    base: str
    change: str
    ticket: str
    weight: float = 100.0
    below: float = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """What went from one repository to one environment: at most the ``MAX_TIPS`` newest heads, newest last.

    A head is there once for each ticket that let it through: voiding one of them leaves the others. ``given`` is
    where the first range began: should all of it be voided, the next one begins there or from nothing.
    ``latest`` is the ticket that moved it last, issued or voided: the ledger's entry on it names this record.
    """

    id: str
    repository: str
    environment: str
    tips: tuple[Tip, ...] = ()
    given: str = ""
    latest: str = ""
    version: int = 1

    def after(self, tip: Tip) -> Shipped:
        """With a head that has just been let through."""
        same = [one for one in self.tips if one.head == tip.head]
        dropped = same[: max(len(same) + 1 - MAX_SAME, 0)]
        rows = (*(one for one in self.tips if one not in dropped), tip)
        heads = list(dict.fromkeys(one.head for one in reversed(rows)))[:MAX_TIPS]
        return replace(
            self,
            tips=tuple(one for one in rows if one.head in heads),
            given=self.given or tip.base,
            latest=tip.ticket,
            version=self.version + 1,
        )

    def most(self, ranges: Iterable[GitRange]) -> float:
        """The weight in percent that what lies before these ranges went out with: no ticket is for more."""
        return min((self._before(part) for part in ranges), default=100.0)

    def _before(self, part: GitRange) -> float:
        """Without git: a known base went out as its tickets say; under any other lies the narrowest head."""
        if part.base in FROM_NOTHING:
            return 100.0
        known = [self._widest(tip.tree) for tip in self.tips if tip.head == part.base]
        known += [tip.below for tip in self.tips if tip.base == part.base]
        inside = {commit.id for commit in part.commits} | {part.head}
        others = (self._widest(tip.tree) for tip in self.tips if tip.head not in inside)
        return max(known) if known else min(others, default=100.0)

    def _widest(self, tree: str) -> float:
        return max(tip.weight for tip in self.tips if tip.tree == tree)

    def widened(self, ticket: str, weight: float) -> Shipped:
        """With what this ticket let through as wide as it was granted since."""
        wider = (
            replace(tip, weight=max(tip.weight, weight)) if tip.ticket == ticket else tip for tip in self.tips
        )
        return replace(self, tips=tuple(wider), latest=ticket, version=self.version + 1)

    def without(self, ticket: str) -> Shipped:
        """Without what this ticket let through: it was voided."""
        left = tuple(one for one in self.tips if one.ticket != ticket)
        return replace(self, tips=left, latest=ticket, version=self.version + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A commit that would go out and is in no range."""

    commit: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """Where the gate is asked, as the pipeline finds it: what ships is what lies there.

    ``bases`` and ``heads`` are what was compared: where the ranges begin, and the shipped heads. ``left_out``
    names the newest commits before the bases that no shipped head covers, ``left_out_count`` counts all. ``begin``
    is where a range must begin to leave none out, ``trunk`` what was compared with where nothing was shipped.
    ``edited`` are tracked files that differ from HEAD, ``untracked`` those that are neither tracked nor ignored.
    ``taken_back`` are files that differ from the newest shipped head, ``against``, and are in no range: what lies
    there is not what that head brought, and no range says so.
    """

    repository: str
    head: str
    bases: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    trunk: str | None = None
    left_out: tuple[LeftOut, ...] = ()
    left_out_count: int = 0
    begin: str | None = None
    edited: tuple[str, ...] = ()
    edited_count: int = 0
    untracked: tuple[str, ...] = ()
    untracked_count: int = 0
    against: str | None = None
    taken_back: tuple[str, ...] = ()
    taken_back_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Why a range is not whole, and from where it would be. ``compared`` is False where nobody has shown it."""

    text: str
    begin: str | None
    commits: tuple[LeftOut, ...] = ()
    count: int = 0
    compared: bool = True


def place_id(repository: str, environment: str) -> str:
    """The id of the record about one repository and one environment."""
    return f"shp-{digest('interlock.dev/shipped/v1', [repository, environment]).removeprefix('sha256:')[:32]}"


def check_checkout(checkout: Checkout) -> None:
    """Pass what a pipeline could have found.

    Raises:
        InvalidInput: ``offer-checkout`` for lists or texts without measure, or a count below its list.
    """
    lists = (
        checkout.bases,
        checkout.edited,
        checkout.untracked,
        checkout.left_out,
        checkout.heads,
        checkout.taken_back,
    )
    texts = [
        checkout.repository,
        checkout.head,
        checkout.trunk or "",
        checkout.begin or "",
        checkout.against or "",
    ]
    texts += [*checkout.bases, *checkout.heads, *checkout.edited, *checkout.untracked, *checkout.taken_back]
    texts += [text for one in checkout.left_out for text in (one.commit, one.subject)]
    counts = (
        (checkout.left_out_count, checkout.left_out),
        (checkout.edited_count, checkout.edited),
        (checkout.untracked_count, checkout.untracked),
        (checkout.taken_back_count, checkout.taken_back),
    )
    fits = all(len(each) <= 100 for each in lists) and all(len(text) <= _MAX_TEXT for text in texts)  # noqa: PLR2004  # as many ranges as a submission holds
    if not fits or any(count < len(named) for count, named in counts):
        raise InvalidInput(
            "expected a checkout as interlock gate describes it, got lists, texts or counts that do not fit",
            code="offer-checkout",
            hint="ask with interlock gate, in the checkout that ships",
        )


def gap(ranges: Iterable[GitRange], shipped: Shipped | None, checkout: Checkout | None) -> Gap | None:
    """What is left out between what was shipped and the ranges that are judged, None when they are whole."""
    tips = shipped.tips if shipped else ()
    bases = [part.base for part in ranges]
    begun = {tip.head for tip in tips} | {tip.base for tip in tips} | FROM_NOTHING
    if bases and begun.issuperset(bases):
        return None
    if shipped and shipped.given and not tips:
        return _forgotten(bases, shipped.given)
    if checkout is None:
        return _unshown(bases) if bases and tips else None
    if not set(bases) <= set(checkout.bases) or set(checkout.heads) != {tip.head for tip in tips}:
        return _unshown(bases)
    if not checkout.left_out_count or not (bases or tips):
        return None
    since = "what was shipped" if tips else f"`{checkout.trunk}`"
    before = f"before base {bases[0][:12]}" if bases else f"up to {checkout.head[:12]}"
    many = "1 commit" if checkout.left_out_count == 1 else f"{checkout.left_out_count} commits"
    return Gap(
        text=f"{many} since {since} would go out unjudged, {before}",
        begin=checkout.begin,
        commits=checkout.left_out,
        count=checkout.left_out_count,
    )


def _unshown(bases: list[str]) -> Gap:
    named = f"base {bases[0][:12]}" if bases else "the checkout"
    return Gap(text=f"nothing shows that what lies before {named} was ever permitted", begin=None, compared=False)


def _forgotten(bases: list[str], given: str) -> Gap | None:
    """All that was shipped was voided: nothing of it is taken as given."""
    if {given, *FROM_NOTHING}.issuperset(bases):
        return None
    text = f"all that was shipped was voided, and before base {bases[0][:12]} it would go out unjudged"
    return Gap(text=text, begin=None if given in FROM_NOTHING else given)
