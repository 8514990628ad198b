"""Large requests: one at a time, and their memory goes back to the system.

Rules:
1. A body above 1 MiB is parsed into many times its size. Others like it wait in the event loop, where waiting
   costs a socket and no thread; small requests go past them.
2. Afterwards the C library is asked to return what is free. Where it has no such call, nothing happens.
"""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

T = TypeVar("T")

LARGE = 1 << 20
"""Bytes of a body."""


class Lane:
    """Runs work in the thread pool. One for each application."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)

    async def run(self, size: int, work: Callable[[], T]) -> T:
        """The result of ``work`` for a body of ``size`` bytes."""
        if size <= LARGE:
            return await run_in_threadpool(work)
        async with self._turn:
            try:
                return await run_in_threadpool(work)
            finally:
                await run_in_threadpool(give_back)


def give_back() -> None:
    """Return free memory to the system, where the C library can (glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
