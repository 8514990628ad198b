"""Who may write next within this process, where a database has a single writer.

Rules:
1. SQLite hands its write lock to whoever happens to ask in the right moment: a busy writer thread would shut a
   small transaction out until a lease has ended. Here the writer thread waits behind a small one that waits.
2. A small transaction lets the writer thread pass before the next small one that comes while it works, so that
   neither starves.
3. PostgreSQL needs none of this between the two; there only small transactions wait for each other, so that they
   hold one connection and never the writer's.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Two queues before one door. Safe to use from several threads; not to be entered twice by one."""

    def __init__(self, *, one_writer: bool) -> None:
        self._one_writer = one_writer
        self._next = threading.Lock()
        self._door = threading.Lock()

    @contextmanager
    def group(self) -> Iterator[None]:
        """For the transactions of the writer thread."""
        if not self._one_writer:
            yield
            return
        with self._next:
            self._door.acquire()
        try:
            yield
        finally:
            self._door.release()

    @contextmanager
    def small(self) -> Iterator[None]:
        """For a short transaction of its own: whoever holds the place before the door is let in next."""
        with self._next:
            self._door.acquire()
        try:
            yield
        finally:
            self._door.release()
