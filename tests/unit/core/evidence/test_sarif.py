"""SARIF as real scanners write it, and as nobody should."""

from __future__ import annotations

import json
from typing import Any

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.sarif import read_sarif
from interlock.core.evidence.weakness import cwe_in


@pytest.mark.parametrize(
    ("name", "tool", "levels", "classes"),
    [
        ("bandit-1.9.4", "Bandit", (0, 2, 2, 0), {"sql-injection": 1, "deserialization": 1, "secrets": 1}),
        ("bandit-clean", "Bandit", (0, 0, 0, 0), {}),
        ("ruff", "ruff", (6, 0, 0, 0), {"sql-injection": 1, "deserialization": 1, "secrets": 1}),
        ("zizmor", "zizmor", (3, 2, 0, 0), {}),
    ],
)
def test_real_logs_are_counted(
    sample: Any, name: str, tool: str, levels: tuple[int, ...], classes: dict[str, int]
) -> None:
    found = read_sarif(sample(f"sarif/{name}.sarif")).summary()
    assert (found["tool"], found["verdict"]) == (tool, "passed")
    assert levels == tuple(found["levels"].values())
    assert classes == {key: count for key, count in found["classes"].items() if count}


def test_a_scan_that_could_not_read_its_files_is_no_clean_scan(sample: Any) -> None:
    found = read_sarif(sample("sarif/bandit-broken.sarif")).summary()
    assert (found["verdict"], found["total"]) == ("failed", 0)


def test_findings_that_block_come_first_and_secrets_are_not_repeated(sample: Any) -> None:
    found = read_sarif(sample("sarif/bandit-1.9.4.sarif")).summary()
    assert [one["class"] for one in found["new_findings"]] == ["CWE-89", "CWE-502", "CWE-259", ""]
    assert found["secrets"] == ["bad.py:2"]
    assert "hunter2" not in json.dumps(found)


def _log(*results: Any, rules: Any = (), tool: str = "scanner", **run: Any) -> bytes:
    driver = {"name": tool, "rules": list(rules)}
    whole = {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": list(results), **run}]}
    return json.dumps(whole).encode()


def _levels(content: bytes) -> dict[str, int]:
    return {name: count for name, count in read_sarif(content).summary()["levels"].items() if count}  # type: ignore[union-attr]  # counts by level


def test_a_level_is_the_result_s_or_the_rule_s_or_a_warning() -> None:
    rule = {"id": "R1", "defaultConfiguration": {"level": "error"}}
    assert _levels(_log({"ruleId": "R1"}, rules=[rule])) == {"error": 1}
    assert _levels(_log({"ruleId": "R1/sub"}, rules=[rule])) == {"error": 1}
    assert _levels(_log({"ruleIndex": 0}, rules=[rule])) == {"error": 1}
    assert _levels(_log({"rule": {"id": "R1"}}, rules=[rule])) == {"error": 1}
    assert _levels(_log({"ruleId": "R1", "level": "note"}, rules=[rule])) == {"note": 1}
    assert _levels(_log({"ruleId": "R2"}, rules=[rule])) == {"warning": 1}
    assert _levels(_log({"ruleId": "R1", "kind": "pass"}, rules=[rule])) == {"none": 1}


def test_rules_of_extensions_are_found() -> None:
    rule = {"id": "py/sql", "properties": {"tags": ["external/cwe/cwe-089"]}}
    tool = {"driver": {"name": "codeql"}, "extensions": [{"name": "python", "rules": [rule]}]}
    log = {"version": "2.1.0", "runs": [{"tool": tool, "results": [{"ruleId": "py/sql", "level": "error"}]}]}
    found = read_sarif(json.dumps(log).encode()).summary()
    assert found["classes"]["sql-injection"] == 1


def _log_with(**where: Any) -> bytes:
    return _log(
        {"ruleId": "R", "level": "error", **where.get("result", {})}, rules=[{"id": "R", **where.get("rule", {})}]
    )


@pytest.mark.parametrize(
    "where",
    [
        {"rule": {"properties": {"tags": ["security", "external/cwe/cwe-862"]}}},
        {"rule": {"properties": {"tags": ["CWE-862: Missing Authorization"]}}},
        {"rule": {"properties": {"cwe": "CWE-862"}}},
        {"rule": {"properties": {"cwe": ["cwe-862"]}}},
        {"rule": {"relationships": [{"target": {"id": "862", "toolComponent": {"name": "CWE"}}}]}},
        {"rule": {"relationships": [{"target": {"id": "CWE-862"}}]}},
        {"result": {"taxa": [{"id": "862", "toolComponent": {"name": "cwe"}}]}},
        {"result": {"properties": {"tags": ["cwe_0862"]}}},
    ],
    ids=str,
)
def test_a_cwe_is_found_wherever_tools_write_it(where: dict[str, Any]) -> None:
    found = read_sarif(_log_with(**where))
    assert [one.classes for one in found.findings] == [("access-control",)]
    assert found.findings[0].shown()["class"] == "CWE-862"


@pytest.mark.parametrize("text", ["CWE-8620", "862", "xcwe-862", "CWE862x1", "S862", "CWE-79"])
def test_what_only_looks_like_one_is_not(text: str) -> None:
    assert 862 not in cwe_in(text)


def test_all_numbers_in_one_text() -> None:
    assert cwe_in("CWE-89, CWE-0564 and cwe/cwe-502") == {89, 502}


def test_every_finding_of_a_secrets_scanner_is_a_secret() -> None:
    found = read_sarif(_log({"ruleId": "generic-api-key", "level": "note"}, tool="gitleaks")).summary()
    assert found["classes"]["secrets"] == 1


def test_suppressed_and_unchanged_results_are_counted_apart() -> None:
    found = read_sarif(
        _log(
            {"ruleId": "a", "suppressions": [{"kind": "inSource"}]},
            {"ruleId": "b", "suppressions": [{"kind": "external", "status": "underReview"}]},
            {"ruleId": "c", "baselineState": "unchanged"},
            {"ruleId": "d", "baselineState": "absent"},
            {"ruleId": "e", "baselineState": "new"},
            {"ruleId": "f", "suppressions": []},
        )
    )
    assert {"b", "e", "f"} == {one.rule for one in found.findings}
    assert (found.suppressed, found.unchanged) == (1, 2)


@pytest.mark.parametrize(
    ("run", "complete"),
    [
        ({}, True),
        ({"invocations": [{"executionSuccessful": True}]}, True),
        ({"invocations": [{"executionSuccessful": False}]}, False),
        ({"invocations": [{"toolExecutionNotifications": [{"level": "error"}]}]}, False),
        ({"invocations": [{"toolExecutionNotifications": [{"level": "warning"}]}]}, True),
        ({"results": None}, False),
        ({"results": None, "invocations": [{"executionSuccessful": True}]}, True),
    ],
    ids=str,
)
def test_only_a_run_that_ended_well_is_a_scan(run: dict[str, Any], complete: bool) -> None:  # noqa: FBT001  # a case
    assert read_sarif(_log(**run)).complete is complete


def test_many_findings_are_counted_and_few_are_kept() -> None:
    found = read_sarif(_log(*({"ruleId": f"r{n}"} for n in range(300)))).summary()
    assert (found["total"], len(found["new_findings"])) == (300, 200)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "input-empty"),
        (b"[]", "sarif-shape"),
        (b'{"version": "2.0.0", "runs": []}', "sarif-shape"),
        (b'{"version": "2.1.0", "runs": []}', "sarif-empty"),
        (b'{"version": "2.1.0"}', "sarif-empty"),
        (b'{"version": "2.1.0", "runs": {}}', "sarif-shape"),
        (b'{"version": "2.1.0", "runs": [1]}', "sarif-shape"),
        (b'{"version": "2.1.0", "runs": [{}]}', "sarif-shape"),
        (b'{"version": "2.1.0", "runs": [{"tool": {}}]}', "sarif-shape"),
        (_log(1), "sarif-shape"),
        (_log({"level": "fatal"}), "sarif-shape"),
        (_log({"level": 3}), "sarif-shape"),
        (_log(invocations=[{"endTimeUtc": "later"}]), "statement-time"),
        (b'{"version": "2.1.0", "version": "2.1.0", "runs": []}', "json-key-twice"),
        (json.dumps({"version": "2.1.0", "runs": [{}] * 51}).encode(), "sarif-too-large"),
        (_log(*[1] * 100_001), "sarif-too-large"),
        (b" " * (16 * 1024 * 1024 + 1), "input-too-large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_sarif_is_refused_in_one_line(content: bytes, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_sarif(content)
    assert caught.value.code == code
