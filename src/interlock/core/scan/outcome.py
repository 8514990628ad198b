"""What a scan comes to for one change, and what of it is signed.

Rules:
1. *Failed*: the change adds a finding of one of the four classes that nobody accepted. *Undecidable*: it adds
   none, but a scanner did not come to its end, a file could not be read, or is code that no scanner reads. Else
   *passed*: whatever else was found is told and does not block.
2. Of a secret nothing is told but where it stands and of what kind it is; nor is what another tool says of a line
   with one.
3. What is signed stays within the bounds of a statement: the findings that block come first, and how many there
   are is said beside those that are shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from interlock.core.change.canonical import Json, canonical, sha256
from interlock.core.evidence.weakness import WEAKNESSES, weaknesses
from interlock.core.scan.compare import Judged, counts
from interlock.core.scan.plan import Accepted
from interlock.core.scan.seen import Scanned, Source

SHOWN, UNREAD_SHOWN, SECRETS_SHOWN = 200, 50, 200
MOST_BYTES = 48 * 1024
"""Of the 64 KiB of a statement, what findings may take."""
_MOST_TEXT, _MOST_PATH = 200, 300


Verdict = Literal["passed", "failed", "undecidable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A new finding. ``classes`` are those of the four that it belongs to; ``weakness`` is such as ``CWE-89``.

    ``id`` is the same for the same finding in another scan; ``accepted`` is why it may stay, else empty.
    """

    id: str
    weakness: str
    classes: tuple[str, ...]
    where: str
    line: int
    rule: str
    tool: str
    level: str
    message: str
    symbol: str
    accepted: str = ""

    @property
    def blocks(self) -> bool:
        """Whether the change may not go with it."""
        return bool(self.classes) and not self.accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The whole scan. ``unread`` says of what nothing is known, and why."""

    findings: tuple[Finding, ...]
    existing: int
    moved: int
    unread: tuple[str, ...]
    scanners: tuple[tuple[str, str], ...]
    files: int
    lines: int
    binary: int
    left_out: int
    unlooked: int = 0

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The findings with which the change may not go."""
        return tuple(one for one in self.findings if one.blocks)

    @property
    def verdict(self) -> Verdict:
        """``passed``, ``failed`` or ``undecidable``."""
        if self.blocking:
            return "failed"
        return "undecidable" if self.unread else "passed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """How much was looked at: files and added lines; and how many files were binary, or left out by the plan.

    ``unlooked`` is how many files of code no scanner read and the plans accept that.
    """

    files: int
    lines: int
    binary: int = 0
    left_out: int = 0
    unlooked: int = 0


def outcome(
    judged: Sequence[Judged],
    scanned: Sequence[Scanned],
    unread: Sequence[str],
    accept: Sequence[Accepted],
    amount: Amount,
) -> Outcome:
    """The scan as a whole; ``unread`` is what nobody gave to a scanner."""
    counted = counts(judged)
    new = [one for one in judged if one.state == "new"]
    hidden = {_line(one) for one in judged if one.placed.seen.identity}
    times = Counter(_name(one) for one in new)
    found = sorted((_finding(one, _id(one, times), accept, hidden) for one in reversed(new)), key=_order)
    faults = [f"{one.tool}: {one.fault}" for one in scanned if one.fault]
    faults += [
        f"{source.place}: {why} ({one.tool})" for one in scanned for source, why in one.unread if _now(source)
    ]
    return Outcome(
        findings=tuple(found),
        existing=counted["existing"],
        moved=counted["moved"],
        unread=tuple(dict.fromkeys([*unread, *faults])),
        scanners=tuple((one.tool, one.version) for one in scanned),
        files=amount.files,
        lines=amount.lines,
        binary=amount.binary,
        left_out=amount.left_out,
        unlooked=amount.unlooked,
    )


def predicate(found: Outcome) -> dict[str, Json]:
    """What is signed; the caller adds whose and when."""
    blocking = found.blocking
    shown = [*blocking, *(one for one in found.findings if not one.blocks)][:SHOWN]
    listed: list[Json] = [_told(one) for one in shown]
    while len(canonical(listed)) > MOST_BYTES:
        listed = listed[: len(listed) * 3 // 4]
    scanners: list[Json] = [{"tool": tool, "version": version} for tool, version in found.scanners]
    unread: list[Json] = [one[:_MOST_PATH] for one in found.unread[:UNREAD_SHOWN]]
    secrets = sorted({one.where for one in blocking if "secrets" in one.classes})
    return {
        "verdict": found.verdict,
        "new_findings": listed,
        "new": len(found.findings),
        "blocking": len(blocking),
        "accepted": sum(1 for one in found.findings if one.accepted),
        "classes": {name: sum(name in one.classes for one in blocking) for name in WEAKNESSES},
        "secrets": [*secrets[:SECRETS_SHOWN]],
        "existing": found.existing,
        "moved": found.moved,
        "unread": unread,
        "unread_count": len(found.unread),
        "scanners": scanners,
        "files": found.files,
        "lines": found.lines,
        "binary": found.binary,
        "left_out": found.left_out,
        "unlooked": found.unlooked,
    }


def _told(one: Finding) -> dict[str, Json]:
    # What may stay has no class: policy reads the class to deny.
    return {
        "class": one.weakness if one.blocks else "",
        "where": one.where,
        "rule": one.rule,
        "tool": one.tool,
        "level": one.level,
        "message": one.message,
        "symbol": one.symbol,
        "id": one.id,
        "accepted": one.accepted,
    }


def _finding(one: Judged, name: str, accept: Sequence[Accepted], hidden: set[tuple[str, int]]) -> Finding:
    seen, where = one.placed.seen, one.placed.where
    classes = weaknesses(tool=seen.tool, cwes=seen.cwes, level=seen.level)
    mine = [cwe for cwe in sorted(seen.cwes) if any(cwe in WEAKNESSES[name] for name in classes)]
    cwe = next(iter([*mine, *sorted(seen.cwes)]), None)
    secret = bool(seen.identity) or "secrets" in classes or _line(one) in hidden
    path = seen.source.path[:_MOST_PATH]
    allowed = next((each.why for each in accept if each.covers(seen.rule, seen.source.path)), "")
    return Finding(
        id=name,
        weakness="" if cwe is None else f"CWE-{cwe}",
        classes=classes,
        where=f"{path}:{seen.line}" + (f" in {seen.source.commit[:12]}" if seen.source.commit else ""),
        line=seen.line,
        rule=seen.rule[:_MOST_TEXT],
        tool=seen.tool[:_MOST_TEXT],
        level=seen.level,
        message="a secret, not repeated here" if secret else seen.message[:_MOST_TEXT],
        symbol=where.symbol[:_MOST_TEXT],
        accepted=allowed[:_MOST_TEXT],
    )


def _name(one: Judged) -> str:
    """Of a secret neither its value nor what it could be guessed from goes in; nor does its line."""
    seen, where = one.placed.seen, one.placed.where
    parts = [one.placed.lineage, seen.tool, seen.rule, where.symbol, "" if seen.identity else where.snippet]
    return "\0".join(parts)


def _id(one: Judged, times: Counter[str]) -> str:
    """The name with how many of it stand above; ``times`` is how many are left."""
    name = _name(one)
    times[name] -= 1
    return sha256(f"{name}\0{times[name]}".encode("utf-8", "backslashreplace")).removeprefix("sha256:")[:16]


def _line(one: Judged) -> tuple[str, int]:
    return (one.placed.seen.source.path, one.placed.seen.line)


def _order(one: Finding) -> tuple[bool, bool, str, int]:
    return (not one.blocks, not one.classes, one.where.rpartition(":")[0], one.line)


def _now(source: Source) -> bool:
    """Whether it is of the head: what cannot be read at the base hides nothing, for all above it is new then."""
    return source.side != "base"
