"""The port of tests that are held against old code: copies of a repository in which a plan's tests are run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from interlock.core.bite.reach import Reached
from interlock.core.bite.seen import Seen

Side = Literal["head", "base", "base-alone", "mutant", "stood-in"]
"""``head`` is the change, ``base`` the old product under the new tests, ``base-alone`` as it was.

``mutant`` is head with other product files, ``stood-in`` base with the new tests and other product files.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """One file that differs between base and head; ``formerly`` is its path on base where it had another.

    The bytes are None on the side where there is no such file, and of files that are not Python. ``gone``: head
    has none. ``plain``: it is a file of head that has the permissions it had.
    """

    path: str
    formerly: str
    before: bytes | None
    after: bytes | None
    gone: bool = False
    plain: bool = True


class Bench(Protocol):
    """Runs tests in copies of the repository, never in the checkout. Not safe from several threads."""

    def missing(self) -> str:
        """Why the plan's tests cannot be run here, with what installs it; empty where they can."""

    def edited(self) -> tuple[Edited, ...]:
        """What differs between base and head, by path."""

    def run(self, side: Side, only: Collection[str] | None = None, *, listing: bool = False) -> Seen:
        """Run all tests of the plan on a side, or ``only`` some. That nothing can be said is a value (``fault``).

        Each run has a copy of its own, and nothing but the product's files says which side it is. ``listing``
        collects the tests without running them; only pytest can. The runner's own time limit is the plan's; what
        it started is ended with it.
        """

    def mutate(self, side: Literal["mutant", "stood-in"], files: Mapping[str, bytes]) -> None:
        """Make a side anew with these files in the place of its own, or besides them."""

    def reached(self, only: Collection[str], watched: Collection[str], *, lines: bool) -> Reached:
        """Run these tests on head once more, seeing what they reach of the ``watched`` files.

        ``lines``: counting which changed lines of the product they reach, too.
        """
