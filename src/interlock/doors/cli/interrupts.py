"""Being asked to end is being interrupted: what a command cleans up after Ctrl-C it cleans up after SIGTERM too.

Rules:
1. Only as long as it goes on; afterwards what was there before is there again. Pipelines end a job by SIGTERM.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def asked_to_end() -> Iterator[None]:
    """SIGTERM raises ``KeyboardInterrupt`` in the main thread."""
    before = signal.signal(signal.SIGTERM, _interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupted(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt
