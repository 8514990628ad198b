"""A rollback set on stage: several drivers that go there, and back, as one.

Rules:
1. Members are applied one after the other, and go back in the plan's order; the first step that fails is the last.
   What did not go back then is seen by its probes.
2. A member with a place of its own is not brought back by whoever recovers: its place is gone.
3. Each step says whose it is.
4. What a member notes is kept under its name.
5. A member that the change has nothing for is left out, and named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from interlock.core.change.canonical import Json
from interlock.core.rehearsal.outcome import Acted
from interlock.ports.rehearsal import Looks, MayBeIdle, Notes, OwnPlace, Probe, Rehearsal

SET = "set"
"""What a plan with members has for its driver's kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member that goes back, with its driver."""

    name: str
    driver: Rehearsal


class SetRehearsal:
    """The driver of a set: ``members`` in the order of applying, ``back`` their names in that of going back."""

    def __init__(self, members: Sequence[Member], back: Sequence[str]) -> None:
        self._members, self._back = members, back
        self._made = False
        self._idle: dict[str, str] = {}

    def needs(self) -> str:
        """What the first member needs that needs something."""
        for one in self._members:
            needed = one.driver.needs()
            if needed:
                return f"{needed} (member {one.name})"
            if isinstance(one.driver, MayBeIdle) and (reason := one.driver.idle()):
                self._idle[one.name] = reason
        self._made = True
        return ""

    def idle(self) -> str:
        """Why no member has anything to do, empty where one has."""
        return "; ".join(self._idle.values()) if len(self._idle) == len(self._members) else ""

    @property
    def idle_members(self) -> Mapping[str, str]:
        """The members that have nothing to do, with the reason; known once ``needs`` was asked."""
        return self._idle

    def apply(self) -> Iterator[Acted]:
        """Every member's steps."""
        for one in self._busy():
            for acted in one.driver.apply():
                yield _of(one, acted)
                if not acted.ok:
                    return

    def roll_back(self) -> Iterator[Acted]:
        """Every member's steps back."""
        known = {one.name: one for one in self._busy()}
        for one in (known[name] for name in self._back if name in known):
            if isinstance(one.driver, OwnPlace) and not self._made:
                continue
            for acted in one.driver.roll_back():
                yield _of(one, acted)
                if not acted.ok:
                    return

    def measured(self) -> Mapping[str, Json]:
        """What each member measured, by name."""
        found = {one.name: one.driver.measured() for one in self._busy()}
        return {name: {**each} for name, each in found.items() if each}

    def notes(self) -> Mapping[str, Json]:
        """What each member has to know again, by name."""
        found = {one.name: one.driver.notes() for one in self._busy() if isinstance(one.driver, Notes)}
        return {name: {**each} for name, each in found.items() if each}

    def _busy(self) -> list[Member]:
        return [one for one in self._members if one.name not in self._idle]

    def close(self) -> None:
        """Let go of all members."""
        for one in self._members:
            one.driver.close()

    def own_looks(self) -> dict[str, dict[str, Probe]]:
        """The probes that members bring for a place that is not their own, by member and by name."""
        return {one.name: found for one in self._members if (found := looks_of(one.name, one.driver))}

    def own_probes(self) -> dict[str, dict[str, Probe]]:
        """The probes that members bring, by member and by name."""
        return {
            one.name: {f"{one.name}: {name}": probe for name, probe in one.driver.probes().items()}
            for one in self._members
            if isinstance(one.driver, OwnPlace)
        }


def looks_of(name: str, driver: Rehearsal) -> dict[str, Probe]:
    """The probes that a driver brings for a place that is not its own, by what they are called in a journal."""
    found = driver.looks() if isinstance(driver, Looks) else {}
    return {f"{name}: {each}": probe for each, probe in found.items()}


def _of(one: Member, acted: Acted) -> Acted:
    return replace(acted, name=f"{one.name}: {acted.name}")
