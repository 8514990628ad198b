"""The ports of a rehearsal: who applies and rolls back (a driver), and who looks at the state (a probe).

Rules:
1. A driver is made for one plan and one scene; making it touches nothing and refuses settings it cannot use.
2. ``roll_back`` may be called without ``apply`` before it in this very object: whoever recovers does so. Doing it
   twice changes nothing more.
3. A step that fails is a value, not an error; the first that fails is the last of its set.
4. Used by one thread. Steps end within their own timeouts; probes within ``PROBE_SECONDS``.
5. A driver may make a place of its own, such as a throw-away database, and then brings the probes that look at it.
   The place ends with the driver, or with the process that made it: nothing is left in it that anybody has to
   bring back, and whoever recovers does not call ``roll_back``.
6. A driver that must know again on the way back what it found before notes it: whoever recovers makes the driver
   with these notes in its scene. Notes hold names and digests, never a secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from interlock.core.change.canonical import Json
from interlock.core.rehearsal.fingerprint import Fingerprint
from interlock.core.rehearsal.going_back import Before, GoingBack
from interlock.core.rehearsal.outcome import Acted
from interlock.core.rehearsal.plan import PROBE_SECONDS as PROBE_SECONDS  # noqa: PLC0414  # told on to probes
from interlock.core.rehearsal.plan import RehearsalPlan
from interlock.core.rollout.passed_on import NEEDED
from interlock.ports.programs import Programs


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalScene:
    """Where it takes place: the checkout at ``root``, and whose change it is; it begins at the commit ``base``.

    ``production`` are the names and the markers of what the rules call production, where they are at hand.
    ``noted`` is what the driver noted before it was interrupted.
    ``passed_on`` are variables of the runner that the plan's own programs get.
    """

    root: str
    run: str
    change: str
    digest: str
    service: str
    environment: str
    programs: Programs
    base: str = ""
    production: tuple[str, ...] = ()
    noted: Mapping[str, Json] = field(default_factory=dict)
    passed_on: tuple[str, ...] = ()

    @property
    def steps(self) -> Programs:
        """What runs the plan's own programs: they get few variables of the runner."""
        return self.programs.only(NEEDED | set(self.passed_on))


class Rehearsal(Protocol):
    """Applies a change somewhere, and goes back."""

    def apply(self) -> Iterator[Acted]:
        """The steps that put the change there, each when it is over."""

    def roll_back(self) -> Iterator[Acted]:
        """The steps that go back, each when it is over. Idempotent."""

    def needs(self) -> str:
        """What is missing here without which nothing can be decided; empty where nothing is.

        Touches nothing; a driver with a place of its own may make it here, to see what is missing in it.
        """

    def measured(self) -> Mapping[str, Json]:
        """What was found on the way, such as locks; keys are the driver's own."""

    def close(self) -> None:
        """Let go of whatever it started. Idempotent."""


class MakesRehearsal(Protocol):
    """A driver's factory, as ``interlock.rehearsals`` names it."""

    def __call__(self, plan: RehearsalPlan, scene: RehearsalScene) -> Rehearsal:
        """One for this plan.

        Raises:
            InvalidSetting: with the path of the setting that cannot be used.
        """


@runtime_checkable
class SaysGoingBack(Protocol):
    """A driver's factory that says by which commands a change of its kind goes back, where nobody rehearses."""

    def going_back(self, plan: RehearsalPlan, before: Before) -> GoingBack:
        """The commands, in order. Touches nothing and looks nowhere: what is known is in ``before``.

        Raises:
            InvalidSetting: with the path of the setting that cannot be used.
        """


class Probe(Protocol):
    """Looks at one part of the state."""

    def look(self) -> Fingerprint:
        """What is there now; that it could not look is a value. Changes nothing."""


@runtime_checkable
class OwnPlace(Protocol):
    """A driver that rehearses in a place of its own making, see rule 5."""

    def probes(self) -> Mapping[str, Probe]:
        """Those that look at it, by name; there is at least one. They look once ``needs`` said that nothing is."""


@runtime_checkable
class MayBeIdle(Protocol):
    """A driver that not every change has something for."""

    def idle(self) -> str:
        """Why there is nothing in the change for it, empty where there is. Asked once ``needs`` was."""


@runtime_checkable
class Looks(Protocol):
    """A driver that brings probes for a place that is not its own: what it touches is seen without being asked."""

    def looks(self) -> Mapping[str, Probe]:
        """They look once ``needs`` said that nothing is, or by the notes in the scene."""


@runtime_checkable
class Notes(Protocol):
    """A driver that has to know something again on the way back, see rule 6."""

    def notes(self) -> Mapping[str, Json]:
        """Asked once ``needs`` was, before anything is touched."""


class MakesProbe(Protocol):
    """A probe's factory, as ``interlock.probes`` names it."""

    def __call__(self, settings: Mapping[str, Json], scene: RehearsalScene) -> Probe:
        """One with these settings.

        Raises:
            InvalidSetting: with the path of the setting that cannot be used.
        """
