"""What a change is, as typed statements with the lines they were read from.

Rules:
1. Every fact is computed from parts and catalog alone and names its sources.
2. What cannot be known is said to be unknown (None, ``"unknown"``), never guessed and never left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from interlock.core.change.catalog import Tier
from interlock.core.change.parts import Finding, Identity, Validation


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a fact was read: a file, a commit, a plan address, with the line where there is one."""

    where: str
    line: int | None = None
    commit: str | None = None
    text: str = ""


class ProvenanceKind(StrEnum):
    """Who wrote it. Unknown is not human."""

    HUMAN = "human"
    AI_ASSISTED = "ai-assisted"
    AI_AUTHORED = "ai-authored"
    AUTONOMOUS_AGENT = "autonomous-agent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One marker of provenance: its kind (``trailer``, ``git-ai-note``, …), what it says, of which tool."""

    marker: str
    says: ProvenanceKind
    tool: str
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """All signals, what they amount to, and where they contradict each other or a declaration."""

    kind: ProvenanceKind
    signals: tuple[Signal, ...] = ()
    conflicts: tuple[str, ...] = ()
    marked_commits: int = 0
    commits: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A service that the change itself alters, and why we think so."""

    service: str
    tier: Tier
    reason: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A service that can be hurt, with one shortest path from a touched service to it."""

    service: str
    tier: Tier
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlastRadius:
    """What can be hurt. Shares are fractions 0–1 of fleet and orders, None where the catalog declares none.

    ``unowned`` are changed paths that belong to no service of the catalog. ``rules_only`` is certain: nothing in
    the change can run anywhere.
    """

    touched: tuple[Touched, ...] = ()
    reached: tuple[Reached, ...] = ()
    environments: tuple[str, ...] = ()
    fleet_share: float | None = None
    order_share: float | None = None
    unowned: tuple[str, ...] = ()
    rules_touched: bool = False
    rules_only: bool = False

    @property
    def tier(self) -> Tier | None:
        """The most critical tier that is touched, None when no service is."""
        return min((item.tier for item in self.touched), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Something that going back does not restore by itself: a destroyed or replaced resource, a dropped key."""

    what: str
    action: Literal["destroy", "replace", "irreversible-kind"]
    stateful: bool
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversibility:
    """Whether going back restores what was there. ``unknown`` is treated as irreversible by policy."""

    kind: Literal["reversible", "irreversible", "unknown"]
    losses: tuple[Loss, ...] = ()
    unknowns: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Documentation:
    """What ``change.md`` says. ``first_digest`` is that of the first commit's version, None where it wrote none.

    ``tests_before`` are the tests that a person listed before any code, whatever the list says now.
    """

    present: bool = False
    path: str = ""
    plan: str = ""
    failure_modes: tuple[str, ...] = ()
    rollback_steps: tuple[str, ...] = ()
    required_tests: tuple[str, ...] = ()
    tests_before: tuple[str, ...] = ()
    digest: str | None = None
    first_digest: str | None = None
    before_first_commit: bool = False
    edited_later: tuple[Source, ...] = ()
    problems: tuple[Finding, ...] = ()
    cites: tuple[str, ...] = ()
    declared_provenance: ProvenanceKind | None = None
    first_stage_percent: float | None = None
    bake_minutes: float | None = None
    business_metric: str | None = None

    @property
    def tests_listed_first(self) -> bool:
        """The required tests hold everything that a person listed before the code, and that is something."""
        return bool(self.tests_before) and set(self.tests_before) <= set(self.required_tests)

    @property
    def complete(self) -> bool:
        """Plan, failure modes and rollback steps are all written, without a problem."""
        return bool(self.plan and self.failure_modes and self.rollback_steps) and not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much there is to read."""

    files: int = 0
    added: int = 0
    removed: int = 0
    binaries: int = 0
    commits: int = 0
    keys: int = 0
    resources: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefacts:
    """What will run and whether it is pinned, can be gone back from, and is known to come from the head.

    ``tagged`` are images that a changed manifest runs by a name which can be moved.
    """

    names: tuple[str, ...] = ()
    pinned: bool = False
    tagged: tuple[str, ...] = ()
    previous_known: bool = False
    provenance_verified: bool = False
    matches_head: bool | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What validators said, which configuration files none of them looked at, and which are deleted."""

    validations: tuple[Validation, ...] = ()
    unvalidated: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()

    @property
    def failures(self) -> tuple[Finding, ...]:
        """All findings of level error."""
        return tuple(f for v in self.validations for f in v.findings if f.level == "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """Everything deterministic analysis says about one digest."""

    digest: str
    catalog_digest: str
    authors: tuple[Identity, ...]
    provenance: Provenance
    blast: BlastRadius
    reversibility: Reversibility
    documentation: Documentation
    size: Size
    artefacts: Artefacts
    checked: Checked
