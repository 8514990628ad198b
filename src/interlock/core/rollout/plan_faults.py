"""All that is wrong with a plan's file, in one go.

Rules:
1. What can be read without the rest is read without it, so that whoever corrects a plan corrects it once. What
   only follows from another fault is not told.
2. Whoever wants one line gets the first fault, and in its hint where the others are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

from interlock.core.change.errors import InvalidInput

T = TypeVar("T")


class Placed(Protocol):
    """A plan of one service in one environment."""

    @property
    def service(self) -> str:
        """Whose."""

    @property
    def environment(self) -> str:
        """Where."""


P = TypeVar("P", bound=Placed)
_LINE = re.compile(r"`([^`]*):([0-9]+)`$")
_MOST_NAMED = 10


class PlanFaults(InvalidInput):
    """Several, in the order of their lines; by itself it says the first."""

    def __init__(self, faults: tuple[InvalidInput, ...]) -> None:
        first, *others = faults
        super().__init__(first.message, code=first.code, hint=f"{first.hint}; {_others(others)}")
        self.faults = faults


class Gathering:
    """Faults until ``finish``."""

    def __init__(self) -> None:
        self._faults: list[InvalidInput] = []

    @property
    def faults(self) -> tuple[InvalidInput, ...]:
        """All of them, by file and line."""
        return tuple(sorted(self._faults, key=_place))

    def note(self, faults: Iterable[InvalidInput]) -> None:
        """These are among them."""
        self._faults += faults

    def read(self, act: Callable[[], T], otherwise: T) -> T:
        """What ``act`` gives, or ``otherwise`` with the fault kept."""
        try:
            return act()
        except InvalidInput as error:
            self.note(faults_of(error))
            return otherwise

    def finish(self) -> None:
        """Raise what was found, if anything was.

        Raises:
            InvalidInput: the only one, or ``PlanFaults``.
        """
        if self._faults:
            raise together(self._faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed(Generic[P]):
    """The ``plans`` that can be used, by service and environment, and all that is wrong with the others.

    ``unread`` are those others as far as they can be read, what cannot be left empty.
    """

    plans: Mapping[tuple[str, str], P]
    unread: tuple[P, ...]
    faults: tuple[InvalidInput, ...]


def surveyed(
    files: Mapping[str, bytes],
    survey: Callable[[str, bytes], tuple[P, tuple[InvalidInput, ...]]],
    misplaced: Callable[[P, P | None], Iterable[InvalidInput]],
) -> Surveyed[P]:
    """All plans among ``files``.

    ``survey`` gives one as far as it can be read and all that is wrong with it; ``misplaced`` is given a plan and
    the one that has its place already, if any.
    """
    plans: dict[tuple[str, str], P] = {}
    unread: list[P] = []
    found = Gathering()
    for path, content in sorted(files.items()):
        read = found.read(partial(survey, path, content), None)
        if read is None:
            continue
        plan, faults = read
        place = (plan.service, plan.environment)
        wrong = (*faults, *misplaced(plan, plans.get(place)))
        found.note(wrong)
        if wrong:
            unread.append(plan)
        else:
            plans[place] = plan
    return Surveyed(plans=plans, unread=tuple(unread), faults=found.faults)


def faults_of(error: InvalidInput) -> tuple[InvalidInput, ...]:
    """Each of them."""
    return error.faults if isinstance(error, PlanFaults) else (error,)


def together(faults: Iterable[InvalidInput]) -> InvalidInput:
    """One error for at least one fault, by file and line."""
    ordered = tuple(sorted(faults, key=_place))
    return ordered[0] if len(ordered) == 1 else PlanFaults(ordered)


def _others(others: list[InvalidInput]) -> str:
    lines = sorted({_place(each) for each in others})
    named = ", ".join(f"{path}:{line}" for path, line in lines[:_MOST_NAMED])
    more = ", …" if len(lines) > _MOST_NAMED else ""
    return f"{len(others)} more at {named}{more}: interlock policy check shows all"


def _place(error: InvalidInput) -> tuple[str, int]:
    found = _LINE.search(error.message)
    return (found[1], int(found[2])) if found else ("", 0)
