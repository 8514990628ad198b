"""What policy reads of a statement: the same few shapes whoever wrote it.

Rules:
1. Test results read alike whether they came as JUnit or as in-toto's test-result; scans alike whether they came
   as SARIF or as a vulnerability scan.
2. A predicate type nobody here knows is kept and summarised as nothing but its type; it meets no obligation by
   itself.
3. Our own predicates carry their summary as they are (``OURS``); each producer documents its keys.
"""

from __future__ import annotations

from collections import Counter

from interlock.core.change.canonical import Json, canonical
from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.junit import Case, CaseOutcome, TestReport, read_junit
from interlock.core.evidence.sarif import scan_of
from interlock.core.evidence.slsa import source_of
from interlock.core.evidence.statement import (
    JUNIT,
    OURS,
    SARIF,
    SLSA_V02,
    SLSA_V1,
    TEST_RESULT,
    VSA,
    VULNS,
    InTotoStatement,
)

SHOWN = 2_000
_OUTCOMES: dict[str, CaseOutcome] = {"passedTests": "passed", "warnedTests": "flaky", "failedTests": "failed"}
MAX_OWN = 65_536
"""Bytes of one of our own predicates in canonical form."""


def summary_of(statement: InTotoStatement) -> dict[str, Json]:
    """The summary of one statement's predicate.

    Raises:
        InvalidInput: ``predicate-shape``, or what the reader of an embedded format raises.
    """
    kind, predicate = statement.predicate_type, statement.predicate
    if kind == SARIF:
        return scan_of(predicate.get("sarif")).summary()
    if kind == JUNIT:
        return read_junit(_needed_text(predicate, "junit").encode("utf-8", "surrogatepass")).summary()
    if kind == TEST_RESULT:
        return _tests(predicate)
    if kind in VULNS:
        return _vulnerabilities(predicate)
    if kind in {SLSA_V1, SLSA_V02}:
        repository, commit = source_of(statement)
        return {"kind": "provenance", "repository": repository, "commit": commit}
    if kind == VSA:
        return _verification(predicate)
    if kind.startswith(OURS):
        if len(canonical(predicate)) > MAX_OWN:
            raise _shape(f"at most {MAX_OWN} bytes")
        return {**predicate, "kind": kind.removeprefix(OURS).partition("/")[0]}
    return {"kind": "other"}


def _tests(predicate: dict[str, Json]) -> dict[str, Json]:
    result = predicate.get("result")
    if result not in ("PASSED", "WARNED", "FAILED"):
        raise _shape("`result` PASSED, WARNED or FAILED")
    cases = [
        Case(where="", name=name, outcome=outcome)
        for key, outcome in _OUTCOMES.items()
        for name in _names(predicate, key)
    ]
    report = TestReport(cases=tuple(cases), claimed=0).summary()
    bad = result != "PASSED" or any(one.outcome != "passed" for one in cases)
    return {**report, "verdict": "failed" if bad else "passed"}


def _vulnerabilities(predicate: dict[str, Json]) -> dict[str, Json]:
    scanner = predicate.get("scanner")
    holder: dict[str, Json] = scanner if isinstance(scanner, dict) else {}
    uri, found = holder.get("uri"), holder.get("result")
    # cosign leaves the result in the scanner's own format, which is not read here: no verdict then
    listed = found if isinstance(found, list) else []
    ids = {one["id"] for one in listed if isinstance(one, dict) and isinstance(one.get("id"), str)}
    severities = Counter(text for one in listed for text in _severities(one))
    counts: dict[str, Json] = {name: severities[name] for name in sorted(severities)[:20]}
    return {
        "kind": "vulnerabilities",
        "verdict": "passed" if isinstance(found, list) else "failed",
        "tool": uri if isinstance(uri, str) else "unknown",
        "total": len(listed),
        "severities": counts,
        "ids": [*sorted(str(one) for one in ids)[:SHOWN]],
    }


def _severities(value: Json) -> list[str]:
    found = value.get("severity") if isinstance(value, dict) else None
    return [
        str(one["score"]).lower()[:20]
        for one in (found if isinstance(found, list) else [])
        if isinstance(one, dict) and isinstance(one.get("score"), str)
    ]


def _verification(predicate: dict[str, Json]) -> dict[str, Json]:
    result, levels, verifier = (predicate.get(key) for key in ("verificationResult", "verifiedLevels", "verifier"))
    if result not in ("PASSED", "FAILED"):
        raise _shape("`verificationResult` PASSED or FAILED")
    who = verifier.get("id") if isinstance(verifier, dict) else None
    named: list[Json] = [one for one in levels if isinstance(one, str)] if isinstance(levels, list) else []
    return {
        "kind": "verification",
        "verdict": "passed" if result == "PASSED" else "failed",
        "levels": named[:50],
        "verifier": who if isinstance(who, str) else "",
    }


def _names(predicate: dict[str, Json], key: str) -> list[str]:
    value = predicate.get(key, [])
    if not isinstance(value, list):
        raise _shape(f"`{key}` as a list of names")
    names = [one for one in value if isinstance(one, str)]
    if len(names) != len(value):
        raise _shape(f"`{key}` as a list of names")
    return sorted(names)


def _needed_text(predicate: dict[str, Json], key: str) -> str:
    value = predicate.get(key)
    if not isinstance(value, str):
        raise _shape(f"`{key}` as text")
    return value


def _shape(expected: str) -> InvalidInput:
    return InvalidInput(
        f"expected a predicate with {expected}",
        code="predicate-shape",
        hint="see the predicate type's own page; the signer wrote something else",
    )
