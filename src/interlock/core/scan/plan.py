"""A scan plan: with what a change is scanned, what is left out, and what was looked at and may stay.

Rules:
1. Plans are rules, ``scan-plans/<name>.yaml``: a change cannot edit what it is examined with. All of them hold for
   every change of the repository; YAML in folders below them is a scanner's own, such as semgrep's rules.
2. Without any plan a change is scanned by ``USUAL``.
3. Who accepts a finding, or code that no scanner reads, says why; who leaves files out says so in the rules, and
   every scan says how many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from interlock.core.change.canonical import Json
from interlock.core.change.globs import matches
from interlock.core.rollout.plan import Keys


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannerPlan:
    """One scanner by its kind, with its own settings."""

    kind: str
    settings: Mapping[str, Json] = field(default_factory=dict)
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A finding that may stay: by rule, in files that match one of the globs, for a reason."""

    rule: str
    paths: tuple[str, ...]
    why: str

    def covers(self, rule: str, path: str) -> bool:
        """Whether it is this finding."""
        return rule == self.rule and any(matches(glob, path) for glob in self.paths)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Code that nobody need look at: files that match one of the globs, for a reason."""

    paths: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanPlan:
    """One file. ``without`` are globs of files that are not scanned."""

    path: str = ""
    scanners: tuple[ScannerPlan, ...] = ()
    without: tuple[str, ...] = ()
    accept: tuple[Accepted, ...] = ()
    unread: tuple[Unread, ...] = ()
    digest: str = ""
    lines: Mapping[Keys, int] = field(default_factory=dict, repr=False, compare=False)

    def line_of(self, keys: Keys) -> int:
        """Where a key stands in the file, or the nearest above it that is written; 1 where none is."""
        return next((self.lines[keys[:end]] for end in range(len(keys), 0, -1) if keys[:end] in self.lines), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanFile:
    """One rule file about scans: a plan, or a scanner's own file, whose ``plan`` is None."""

    path: str
    digest: str
    plan: ScanPlan | None = None

    @property
    def service(self) -> str:
        """None: a change is scanned whole."""
        return ""

    @property
    def environment(self) -> str:
        """None, likewise."""
        return ""


USUAL = ScanPlan(scanners=tuple(ScannerPlan(kind=kind) for kind in ("access", "bandit", "secrets")))
"""What a change is scanned by where the rules have no plan."""


def together(plans: Sequence[ScanPlan]) -> tuple[tuple[str, ...], tuple[Accepted, ...]]:
    """All that is left out, and all that is accepted."""
    return (
        tuple(glob for plan in plans for glob in plan.without),
        tuple(one for plan in plans for one in plan.accept),
    )


def may_stay_unread(plans: Sequence[ScanPlan], path: str) -> bool:
    """Whether the plans accept that no scanner of code looks at a file."""
    return any(matches(glob, path) for plan in plans for one in plan.unread for glob in one.paths)


def left_out(without: Sequence[str], path: str) -> bool:
    """Whether a file is not scanned by the plans."""
    return any(matches(glob, path) for glob in without)
