"""A snapshot plan: whose state is saved, how, and how old that may be.

Rules:
1. A plan is a rule, ``snapshot-plans/<name>.yaml``: a change cannot choose what is saved before it goes out.
2. The database is only read, so it may be the one in production; it is restored elsewhere.
3. An address may hold a password, so a plan names the environment variable that has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from interlock.core.rollout.plan import Keys

How = Literal["pg_dump", "command", "existing"]
"""Taken by us, by a program of the plan's, or by somebody before."""
HOUR = 3_600.0
RUN = "{run}"
FILE = "{file}"
"""What a plan writes where the run's id, or the backup's own path, is to stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotPlan:
    """The whole file. ``age``, ``slack`` and ``timeout`` are in seconds.

    ``database`` is the environment variable with the address. ``file`` is where the backup is or will be; ``run``
    makes it where ``how`` is *command*. ``taken`` is a file that says when an existing one was made, else its time
    of change does. ``marks`` name for a table the column that says when a row was written; rows of the last
    ``slack`` before a backup may still have been on their way. Of the marked tables ``deletes`` are those of which
    rows are deleted in daily life. ``without`` are tables that are not compared.
    """

    path: str
    service: str
    environment: str
    database: str
    file: str
    how: How = "pg_dump"
    run: tuple[str, ...] = ()
    taken: str = ""
    age: float = 24 * HOUR
    slack: float = 300.0
    timeout: float = HOUR
    schemas: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    marks: Mapping[str, str] = field(default_factory=dict)
    deletes: tuple[str, ...] = ()
    digest: str = ""
    lines: Mapping[Keys, int] = field(default_factory=dict, repr=False, compare=False)

    def line_of(self, keys: Keys) -> int:
        """Where a key stands in the file, or the nearest above it that is written; 1 where none is."""
        return next((self.lines[keys[:end]] for end in range(len(keys), 0, -1) if keys[:end] in self.lines), 1)


def longest(plan: SnapshotPlan) -> float:
    """The most seconds that it can take: taking, restoring, and looking at both."""
    return 4 * plan.timeout + 60.0
