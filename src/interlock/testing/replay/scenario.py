"""A scenario folder: what is known of an incident, the change that stands for it, and what must happen to it.

Rules:
1. What is reported is told as reported, with its sources; what is disputed says so. None of it was measured.
2. The change is a real diff against the sample shop. Its harm comes from running it, never from a fault beside it.
3. A scenario that does not fit is refused with the key that is wrong, before anything starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Literal

from interlock.core.change.errors import InvalidInput, NotFound
from interlock.core.change.parse import parse
from interlock.core.change.plain_yaml import read_plain

FILE = "scenario.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where it was reported."""

    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """One reported fact; ``disputed`` says who tells it otherwise."""

    what: str
    was: str
    disputed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioChange:
    """The change: ``diff`` is a file of the folder."""

    title: str
    author: str
    message: str
    diff: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Customers, and how many of them meet the canary."""

    orders_per_second: float
    canary_percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MustRoad:
    """What the gate must say, and which policies must be among the reasons."""

    gate: Literal["refused", "allowed"]
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MustRollout:
    """What must become of it where no rule was in the way."""

    stopped_by: tuple[str, ...]
    within_seconds: float
    orders_lost_at_most: int
    traffic_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Must:
    """What must happen."""

    road: MustRoad
    rollout: MustRollout


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One replay."""

    version: Literal[1]
    name: str
    title: str
    date: str
    sources: tuple[Source, ...]
    reported: tuple[Reported, ...]
    disputed: tuple[str, ...]
    unknown: str
    base: Literal["shop"]
    change: ScenarioChange
    traffic: Traffic
    fault: str
    must: Must

    def diff(self) -> bytes:
        """The change, as ``git apply`` takes it."""
        return _folder().joinpath(self.name, self.change.diff).read_bytes()


def names() -> Sequence[str]:
    """Every scenario there is."""
    return sorted(each.name for each in _folder().iterdir() if each.joinpath(FILE).is_file())


def load(name: str) -> Scenario:
    """One scenario.

    Raises:
        NotFound: ``replay-unknown``, with those that exist.
        InvalidInput: ``input-shape`` and others for a file that does not fit.
    """
    known = names()
    if name not in known:
        raise NotFound(
            f"expected a replay out of {', '.join(known)}, got `{name[:60]}`",
            code="replay-unknown",
            hint=f"interlock replay {known[0]}",
        )
    scenario = read(f"{name}/{FILE}", _folder().joinpath(name, FILE).read_bytes())
    if scenario.name != name:
        raise InvalidInput(
            f"expected the scenario in `{name}` to have that name, got `{scenario.name[:60]}`",
            code="replay-name",
            hint="name the folder and the scenario alike",
        )
    return scenario


def read(path: str, content: bytes) -> Scenario:
    """A scenario file's content as a record."""
    scenario = parse(Scenario, read_plain(path, content), what=path)
    traffic = scenario.traffic
    if not 0 < traffic.orders_per_second <= MOST_ORDERS or not 0 < traffic.canary_percent < 100:  # noqa: PLR2004  # percent
        raise InvalidInput(
            f"expected traffic of up to {MOST_ORDERS} orders a second and a canary above 0 and below 100 % in "
            f"{path}, got {traffic.orders_per_second:g} and {traffic.canary_percent:g}",
            code="replay-traffic",
            hint="correct the section traffic",
        )
    return scenario


MOST_ORDERS = 2_000


def _folder() -> Traversable:
    return resources.files("interlock").joinpath("replays")
