"""The machine's own clock and its own randomness."""

from __future__ import annotations

import base64
import secrets
import time
from datetime import UTC, datetime


class SystemClock:
    """UTC of the operating system, cut to milliseconds."""

    def now(self) -> datetime:
        """The present moment."""
        moment = datetime.now(UTC)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class RandomIds:
    """Ids of 50 random bits: a collision is expected after some 30 million records of one kind."""

    def new(self, prefix: str) -> str:
        """``prefix-`` and ten characters of lowercase base32."""
        return f"{prefix}-{base64.b32encode(secrets.token_bytes(7)).decode().lower()[:10]}"


def steady() -> float:
    """Seconds that only go forward, those included in which this machine slept, where the system counts them."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)
