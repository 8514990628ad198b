"""Time and chance come through here; the core never asks for either."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The time of day in UTC, cut to milliseconds. Not monotonic: a clock may be set back."""

    def now(self) -> datetime:
        """The present moment, timezone-aware."""


class Ids(Protocol):
    """Names for new records. Unique across servers, not secret."""

    def new(self, prefix: str) -> str:
        """``prefix-`` and at least 40 random bits in lowercase base32, such as ``chg-7f3akq2m``."""
