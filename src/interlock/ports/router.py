"""The port to whatever splits traffic between the running version (control) and the new one (canary).

Rules:
1. ``set_weight`` is idempotent: the same weight again changes nothing and is no error. It returns when the router
   says that it was taken; what the data plane really does is asked for with ``weight``.
2. ``weight`` reads back from the data plane, never from this object's memory: another server may have set it.
3. ``assigned`` counts from some moment of the router's own choosing and only grows, except when the router was
   started anew. A request that the router refused on behalf of a dead canary was assigned to it.
4. Every call has its own deadline of at most 2 s, may be made from several threads, and leaves no connection open
   after ``close``.
5. A factory (the class itself) takes the plan's settings and touches nothing: an unusable setting raises
   ``InvalidSetting``. ``check`` touches the router and changes nothing there.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from interlock.core.rollout.samples import Exposure

__all__ = ["Deciding", "Dividing", "Exposure", "Router"]


class Router(Protocol):
    """One split of one service. Percent of traffic are 0…100."""

    def check(self) -> None:
        """Look whether the split can be moved: reachable, permitted, both arms known. Changes nothing.

        Raises:
            InvalidSetting: what was named does not exist there, or the split cannot be so fine.
            Unavailable: ``router-unreachable``, ``router-forbidden`` (a socket this user may not open).
        """

    def set_weight(self, percent: float) -> None:
        """Send ``percent`` of the traffic to the canary. 0 takes it out; 100 sends everything.

        Raises:
            Unavailable: no answer in time; whether it was taken is unknown.
            Rejected: the router understood and refused.
        """

    def weight(self) -> float:
        """Percent that the data plane sends to the canary now, as near as the router can say.

        Raises:
            Unavailable, BadReply.
        """

    def exposure(self) -> Exposure:
        """How many requests were assigned to each arm so far.

        Raises:
            Unavailable, BadReply.
        """

    def close(self) -> None:
        """Let go of connections. Idempotent; traffic stays as it is."""


@runtime_checkable
class Dividing(Protocol):
    """A router whose split is made of steps, so that a stage may be too fine for it."""

    def check_weight(self, percent: float) -> None:
        """Whether it can be split so, as the data plane stands now. Sets nothing.

        Raises:
            InvalidSetting: ``router-too-coarse``.
            Unavailable, BadReply: what it depends on cannot be read.
        """


@runtime_checkable
class Deciding(Protocol):
    """A router that can tell whom it decides for. Of one that cannot, a customer is taken to stay with an arm."""

    def by_request(self) -> bool:
        """Whether it decides for every request anew, whoever sends it.

        Raises:
            Unavailable, BadReply.
        """
