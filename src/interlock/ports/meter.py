"""The port to whatever counts: orders, errors and slow requests of canary and control.

Rules:
1. A meter reads cumulative counts and never rates: what happened between two readings is computed in one place,
   where resets and gaps are judged too.
2. Every sample says how old it is: ``at`` is the moment the *source* counted it, not the moment it was asked. A
   value that the source has not renewed keeps its old ``at``. What is missing is absent, never zero.
3. A source that counts from zero until the first event says zero; one that does not know the series says so
   (``BadReply`` ``series-missing``) unless the plan allows it to be absent at first (``absent: zero``).
4. A shard whose process is known to be gone (its address refuses the connection) counts nothing: value 0,
   ``since`` ``GONE``. One that does not answer in time is absent: nobody knows what it counts.
5. Every call has its own deadline of at most 2 s and may be made from several threads.
6. A factory (the class itself) takes the plan's settings and the metrics it is to count, and touches nothing: an
   unusable setting raises ``InvalidSetting``. ``check`` reads once and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from interlock.core.rollout.samples import GONE, Arm, History, Sample

__all__ = ["GONE", "Arm", "Counted", "History", "Meter", "Refusing", "Remembering", "Renewing", "Sample"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """One metric that a meter is to count. ``edges`` are the latency bucket edges in seconds, as written.

    ``query`` is the plan's section for this metric in this meter, whose keys are the meter's own.
    """

    name: str
    edges: tuple[str, ...] = ()
    query: Mapping[str, object] = field(default_factory=dict)


class Meter(Protocol):
    """One source of counts for both arms of one service."""

    def check(self) -> None:
        """Read once and say what is wrong, before any traffic moves.

        Raises:
            InvalidSetting: a query that returns nothing, a label that no series has, an edge that no bucket has;
                the path leads to the metric.
            Unavailable: ``meter-unreachable``, ``meter-forbidden``.
        """

    def read(self) -> Sequence[Sample]:
        """The newest counts of every metric for both arms, read as nearly at one moment as the source allows.

        Raises:
            Unavailable, BadReply: nothing could be read; a part that could not be read is absent instead.
        """

    def close(self) -> None:
        """Let go of connections. Idempotent."""


@runtime_checkable
class Remembering(Protocol):
    """A meter whose source keeps the past, so that nobody waits for a baseline. Its deadline is 10 s."""

    def history(self, seconds: float, step: float) -> Sequence[History]:
        """What each shard of the control counted in the last ``seconds``, in steps of ``step`` seconds.

        Raises:
            Unavailable, BadReply.
            InvalidSetting: ``history-range``: more steps than the source gives.
        """


@runtime_checkable
class Refusing(Protocol):
    """A meter that can say where nobody listens."""

    def refused(self, arm: Arm) -> Sequence[str]:
        """Addresses of an arm that refused the connection in the newest ``read``, as a person types them."""


@runtime_checkable
class Renewing(Protocol):
    """A meter whose source counts anew only every ``interval`` seconds, however often it is asked."""

    @property
    def interval(self) -> float:
        """Seconds, known from the settings alone. No tick may be shorter."""
