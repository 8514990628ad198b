"""The new findings of a scan as SARIF 2.1.0, for whoever shows them beside the code.

Rules:
1. Only what the change adds is in it, each tool a run of its own. What was accepted is there as suppressed.
2. A scan that did not come to its end says so. No secret is in it.
"""

from __future__ import annotations

from urllib.parse import quote

from interlock.core.change.canonical import Json, canonical
from interlock.core.change.paths import path_bytes
from interlock.core.scan.outcome import Finding, Outcome

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def written(found: Outcome) -> bytes:
    """The log."""
    runs: list[Json] = [_run(tool, version, found) for tool, version in found.scanners]
    return canonical({"$schema": SCHEMA, "version": "2.1.0", "runs": runs})


def _run(tool: str, version: str, found: Outcome) -> Json:
    mine = [one for one in found.findings if one.tool == tool]
    rules: list[Json] = [
        {"id": rule, "properties": {"tags": [*sorted({f"external/cwe/{cwe.lower()}" for cwe in cwes if cwe})]}}
        for rule, cwes in _rules(mine).items()
    ]
    notes: list[Json] = [{"level": "error", "message": {"text": each}} for each in found.unread]
    return {
        "tool": {"driver": {"name": tool, "version": version, "rules": rules}},
        "invocations": [{"executionSuccessful": not found.unread, "toolExecutionNotifications": notes}],
        "results": [_result(one) for one in mine],
    }


def _rules(found: list[Finding]) -> dict[str, set[str]]:
    rules: dict[str, set[str]] = {}
    for one in found:
        rules.setdefault(one.rule, set()).add(one.weakness)
    return rules


def _result(one: Finding) -> Json:
    path = one.where.rpartition(":")[0]
    result: dict[str, Json] = {
        "ruleId": one.rule,
        "level": one.level,
        "message": {"text": one.message or one.rule},
        "partialFingerprints": {"interlock/v1": one.id},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(path_bytes(path))},
                    "region": {"startLine": one.line},
                }
            }
        ],
    }
    if one.accepted:
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": one.accepted}]
    return result
