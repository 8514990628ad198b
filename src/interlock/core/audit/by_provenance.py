"""What scans found in the changes on record, by who wrote them: the user's own ratio of AI to human.

Rules:
1. A finding counts once for its change, in however many scans of it, and also when it was corrected afterwards:
   what is counted is what was offered. Only findings that block do, as a trusted runner signed them.
2. The lines are the added ones of the scanned files, of the scan that had most.
3. No mark of AI is *unknown* and not human; declared human is what its author says of it, and counted apart. The
   ratio is between what bears a mark of AI and what bears none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from interlock.core.audit.rates import Group, Ratio, rate_ratio
from interlock.core.change.canonical import Json
from interlock.core.evidence.model import Evidence
from interlock.core.evidence.weakness import WEAKNESSES
from interlock.core.facts.model import Provenance, ProvenanceKind
from interlock.core.policy.shown import SCAN

KINDS = tuple(kind.value for kind in ProvenanceKind)
MARKED = frozenset({ProvenanceKind.AI_ASSISTED, ProvenanceKind.AI_AUTHORED, ProvenanceKind.AUTONOMOUS_AGENT})
_CLASS_OF = {f"CWE-{cwe}": name for name, members in WEAKNESSES.items() for cwe in members}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedChange:
    """One change: who wrote it, how much of it was scanned, and its findings by class."""

    change: str
    provenance: str
    lines: int
    findings: Mapping[str, int]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.findings.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class KindCount:
    """All changes of one provenance. ``per_thousand`` is findings per 1,000 added lines, None without a line."""

    provenance: str
    changes: int
    with_findings: int
    lines: int
    findings: int
    classes: dict[str, int]
    per_thousand: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenanceCount:
    """The whole count. ``unscanned`` changes have no scan by a trusted runner; ``unread`` could not be read.

    ``by_lines`` compares findings per added line, ``by_changes`` changes with a finding; None without any finding.
    """

    kinds: tuple[KindCount, ...]
    by_lines: Ratio | None
    by_changes: Ratio | None
    changes: int
    unscanned: int
    unread: int


def kind_of(provenance: Provenance) -> str:
    """The kind to count under: human only where it is declared, nothing marks it and nothing contradicts it."""
    declared = any(signal.says is ProvenanceKind.HUMAN for signal in provenance.signals)
    if provenance.kind is ProvenanceKind.UNKNOWN and declared and not provenance.conflicts:
        return ProvenanceKind.HUMAN.value
    return provenance.kind.value


def scanned_change(change: str, provenance: str, evidence: Iterable[Evidence]) -> ScannedChange | None:
    """What all scans of one change found together; None where a trusted runner made none."""
    scans = [one for one in evidence if one.predicate_type == SCAN and one.runner and one.standing != "untrusted"]
    if not scans:
        return None
    seen: dict[str, str] = {}
    for one in scans:
        seen |= _findings(one.summary.get("new_findings"))
    counts = {name: sum(found == name for found in seen.values()) for name in WEAKNESSES}
    return ScannedChange(
        change=change,
        provenance=provenance,
        lines=max(_whole(one.summary.get("lines")) for one in scans),
        findings=counts,
    )


def counted(changes: Sequence[ScannedChange], *, unscanned: int, unread: int) -> ProvenanceCount:
    """The count over all changes."""
    marked = [one for one in changes if one.provenance in MARKED]
    others = [one for one in changes if one.provenance not in MARKED]
    return ProvenanceCount(
        kinds=tuple(_of_kind(kind, [one for one in changes if one.provenance == kind]) for kind in KINDS),
        by_lines=rate_ratio(_by_lines(marked), _by_lines(others)),
        by_changes=rate_ratio(_by_changes(marked), _by_changes(others)),
        changes=len(changes),
        unscanned=unscanned,
        unread=unread,
    )


def _of_kind(kind: str, mine: Sequence[ScannedChange]) -> KindCount:
    lines, findings = sum(one.lines for one in mine), sum(one.total for one in mine)
    return KindCount(
        provenance=kind,
        changes=len(mine),
        with_findings=sum(one.total > 0 for one in mine),
        lines=lines,
        findings=findings,
        classes={name: sum(one.findings.get(name, 0) for one in mine) for name in WEAKNESSES},
        per_thousand=findings * 1_000 / lines if lines else None,
    )


def _by_lines(mine: Sequence[ScannedChange]) -> Group:
    return Group(events=sum(one.total for one in mine), exposure=sum(one.lines for one in mine), units=len(mine))


def _by_changes(mine: Sequence[ScannedChange]) -> Group:
    return Group(events=sum(one.total > 0 for one in mine), exposure=len(mine), units=len(mine))


def _findings(listed: Json) -> dict[str, str]:
    """The class of each finding that blocks, by its id."""
    found = {}
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and (name := _CLASS_OF.get(str(one.get("class")))):
            found[str(one.get("id") or one.get("where"))] = name
    return found


def _whole(value: Json) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
