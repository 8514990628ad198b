"""How one version of the shop's service behaves: its speed, its faults, and the code it really runs.

Rules:
1. Every fault is named here and is off unless set. Chance comes from a seed, so that a run can be told again.
2. ``shop`` is a folder with the shop's own ``src/`` and ``config/``: orders then succeed or fail by that code, and
   nothing is simulated about them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Literal, Self

from interlock.core.change.errors import InvalidInput

Crash = Literal["never", "start", "first-request"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """``errors`` and ``lost`` are fractions of requests, times are milliseconds.

    ``lost``: answered in good order, and no order was placed. ``tail`` slows the slowest tenth of requests down by
    this factor, ``slower`` all. ``metrics_for``: seconds from its first customer until ``/metrics`` is gone, None
    for never.
    """

    version: str
    shop: str | None = None
    errors: float = 0.001
    lost: float = 0.0
    median_ms: float = 15.0
    slower: float = 1.0
    tail: float = 1.0
    crash: Crash = "never"
    metrics_for: float | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("errors", "lost"):
            if not 0 <= getattr(self, name) <= 1:
                raise _wrong(name, "a fraction from 0 to 1", getattr(self, name))
        for name in ("median_ms", "slower", "tail"):
            if not getattr(self, name) > 0:
                raise _wrong(name, "a number above 0", getattr(self, name))
        if self.crash not in {"never", "start", "first-request"}:
            raise _wrong("crash", "never, start or first-request", self.crash)

    def to_json(self) -> str:
        """As the service's configuration file holds it."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read such a file; keys that nobody knows are refused.

        Raises:
            InvalidInput: ``behaviour``.
        """
        try:
            given = json.loads(text)
            known = {one.name for one in fields(cls)}
            unknown = sorted(set(given) - known)
            if unknown:
                raise _wrong("behaviour", f"keys out of {', '.join(sorted(known))}", unknown[0])
            return cls(**given)
        except (TypeError, ValueError) as error:
            raise _wrong("behaviour", "a JSON object of a service's behaviour", text[:80]) from error


def _wrong(name: str, expected: str, got: object) -> InvalidInput:
    return InvalidInput(
        f"expected {expected} for {name}, got `{got}`",
        code="behaviour",
        hint="see interlock.testing.stack.behaviour",
    )
