"""Findings by who wrote the change: once for each change, by class, and what is not counted."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from interlock.core.audit.by_provenance import counted, kind_of, scanned_change
from interlock.core.evidence.model import Evidence
from interlock.core.facts.model import Provenance, ProvenanceKind, Signal, Source
from interlock.core.policy.shown import SCAN, TESTS

NOW = datetime(2026, 3, 5, tzinfo=UTC)


def scan(findings, lines=100, runner="ci", standing="trusted", kind=SCAN):
    listed = [{"class": weakness, "where": f"a.py:{number}", "id": name} for number, (name, weakness) in findings]
    return Evidence(
        id="evi-1",
        change="chg-1",
        subject="sha256:00",
        predicate_type=kind,
        format="dsse",
        runner=runner,
        standing=standing,
        summary={"new_findings": listed, "lines": lines},
        blob="sha256:00",
        issued_at=NOW,
        expires_at=NOW,
        received_at=NOW,
        received_from="ci",
    )


def told(*findings, **more):
    return scan([*enumerate(findings)], **more)


def provenance(kind=ProvenanceKind.UNKNOWN, says=None, conflicts=()):
    source = Source(where="change.md", text="")
    signals = () if says is None else (Signal(marker="declared", says=says, tool="", source=source),)
    return Provenance(kind=kind, signals=signals, conflicts=conflicts, marked_commits=0, commits=1)


def test_a_finding_counts_once_for_its_change_also_when_it_was_corrected():
    first = told(("x", "CWE-89"), ("y", "CWE-502"), ("z", ""), lines=40)
    second = told(("x", "CWE-89"), lines=60)
    third = told(lines=50)
    found = scanned_change("chg-1", "ai-assisted", [first, second, third])
    assert (found.total, found.lines) == (2, 60)
    assert {name for name, count in found.findings.items() if count} == {"sql-injection", "deserialization"}


def test_only_what_a_trusted_runner_signed_counts():
    unsigned = told(("x", "CWE-89"), runner=None, standing="self-attested")
    for one in (unsigned, told(("x", "CWE-89"), standing="untrusted"), told(("x", "CWE-89"), kind=TESTS)):
        assert scanned_change("chg-1", "unknown", [one]) is None


def test_counts_by_kind_with_the_rate_and_the_ratio():
    marked = [scanned_change(f"chg-{n}", "ai-assisted", [told((f"{n}", "CWE-89"), lines=100)]) for n in range(6)]
    rest = [scanned_change(f"chg-{n}", "unknown", [told(lines=200)]) for n in range(6, 12)]
    found = counted([*marked, *rest], unscanned=3, unread=1)
    rows = {one.provenance: one for one in found.kinds}
    assert (rows["ai-assisted"].changes, rows["ai-assisted"].findings, rows["ai-assisted"].lines) == (6, 6, 600)
    assert rows["ai-assisted"].per_thousand == pytest.approx(10.0)
    assert rows["ai-assisted"].classes["sql-injection"] == 6
    assert (rows["unknown"].with_findings, rows["unknown"].per_thousand) == (0, 0.0)
    assert rows["human"].per_thousand is None
    assert (found.unscanned, found.unread) == (3, 1)
    assert found.by_lines.enough
    assert found.by_lines.high is None
    share = 0.025 ** (1 / 6)
    assert found.by_lines.low == pytest.approx(2 * share / (1 - share))


def test_human_is_what_is_declared_and_nothing_contradicts():
    assert kind_of(provenance()) == "unknown"
    assert kind_of(provenance(says=ProvenanceKind.HUMAN)) == "human"
    assert kind_of(provenance(says=ProvenanceKind.HUMAN, conflicts=("a trailer says otherwise",))) == "unknown"
    assert kind_of(provenance(ProvenanceKind.AI_AUTHORED, says=ProvenanceKind.HUMAN)) == "ai-authored"
