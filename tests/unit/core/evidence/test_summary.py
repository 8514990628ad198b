"""The same shapes for policy, whoever wrote the statement."""

from __future__ import annotations

import json
from typing import Any

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.dsse import read_envelope
from interlock.core.evidence.statement import (
    JUNIT,
    SARIF,
    SLSA_V1,
    TEST_RESULT,
    VSA,
    VULNS,
    read_statement,
    statement,
)
from interlock.core.evidence.summary import summary_of


def _summary(ci: Any, kind: str, predicate: Any) -> dict[str, Any]:
    value = statement(subject="sha256:" + "0" * 64, predicate_type=kind, predicate=predicate)
    return summary_of(read_statement(read_envelope(ci.signs(value))))


@pytest.mark.parametrize(
    ("predicate", "verdict"),
    [
        ({"result": "PASSED", "passedTests": ["a", "b"]}, "passed"),
        ({"result": "PASSED"}, "passed"),
        ({"result": "FAILED", "passedTests": ["a"]}, "failed"),
        ({"result": "WARNED", "passedTests": ["a"], "warnedTests": ["b"]}, "failed"),
        ({"result": "PASSED", "passedTests": ["a"], "failedTests": ["b"]}, "failed"),
        ({"result": "PASSED", "passedTests": ["a"], "warnedTests": ["b"]}, "failed"),
    ],
)
def test_test_results(ci: Any, predicate: dict[str, Any], verdict: str) -> None:
    found = _summary(ci, TEST_RESULT, predicate)
    assert (found["kind"], found["verdict"]) == ("tests", verdict)
    assert found["passed_tests"] == predicate.get("passedTests", [])


def test_scans_for_vulnerabilities(ci: Any) -> None:
    results = [
        {"id": "CVE-2021-1", "severity": [{"method": "nvd", "score": "HIGH"}]},
        {"id": "CVE-2021-2", "severity": [{"method": "nvd", "score": "9.8"}]},
        {"id": "CVE-2021-3"},
    ]
    found = _summary(ci, VULNS[0], {"scanner": {"uri": "pkg:trivy", "result": results}})
    assert (found["verdict"], found["tool"], found["total"]) == ("passed", "pkg:trivy", 3)
    assert found["severities"] == {"9.8": 1, "high": 1}
    assert found["ids"] == ["CVE-2021-1", "CVE-2021-2", "CVE-2021-3"]
    opaque = _summary(ci, VULNS[2], {"scanner": {"uri": "x", "result": {"Results": []}}})
    assert opaque["verdict"] == "failed", "what is not read shows nothing"


def test_a_verification_summary(sample: Any) -> None:
    found = summary_of(read_statement(read_envelope(sample("intoto/gke-vsa.jsonl"))))
    assert found["verdict"] == "passed"
    assert found["levels"] == ["BCID_L1", "SLSA_BUILD_LEVEL_2"]


def test_provenance(sample: Any) -> None:
    found = summary_of(read_statement(read_envelope(sample("intoto/bazel-v1.sigstore.json"))))
    assert found["commit"] == "8f70009fde0c94ade6ce2a054b94718c819126ec"


@pytest.mark.parametrize(
    ("kind", "predicate", "code"),
    [
        (TEST_RESULT, {}, "predicate-shape"),
        (TEST_RESULT, {"result": "passed"}, "predicate-shape"),
        (TEST_RESULT, {"result": "PASSED", "passedTests": "a"}, "predicate-shape"),
        (TEST_RESULT, {"result": "PASSED", "passedTests": [1]}, "predicate-shape"),
        (VSA, {"verificationResult": "OK"}, "predicate-shape"),
        (SLSA_V1, {}, "provenance-source"),
        (SARIF, {}, "sarif-shape"),
        (JUNIT, {}, "predicate-shape"),
        (JUNIT, {"junit": "<!DOCTYPE a><testsuite/>"}, "junit-doctype"),
    ],
    ids=str,
)
def test_a_known_predicate_of_another_shape_is_an_error(ci: Any, kind: str, predicate: Any, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        _summary(ci, kind, predicate)
    assert caught.value.code == code


def _changed(passed: dict[str, Any], **changes: Any) -> dict[str, Any]:
    whole = {**passed, **changes}
    return {key: value for key, value in whole.items() if value is not ...}


@pytest.mark.parametrize(
    "changes",
    [
        {"_type": "https://in-toto.io/Statement/v2"},
        {"_type": ...},
        {"subject": []},
        {"subject": ...},
        {"subject": {}},
        {"subject": ["x"]},
        {"subject": [{"name": "x"}]},
        {"subject": [{"name": "x", "digest": {}}]},
        {"subject": [{"name": "x", "digest": {"sha256": 1}}]},
        {"subject": [{"name": 1, "digest": {"sha256": "0"}}]},
        {"subject": [{"digest": {"sha256": "0"}}] * 1001},
        {"predicateType": ""},
        {"predicateType": "x" * 301},
        {"predicateType": ...},
        {"predicate": []},
        {"predicate": ...},
    ],
    ids=lambda value: json.dumps(value, default=str)[:60],
)
def test_a_statement_of_another_shape_is_an_error(ci: Any, passed: Any, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_statement(read_envelope(ci.signs(_changed(passed, **changes))))
    assert caught.value.code == "statement-shape"


def test_another_payload_type_is_no_statement(passed: Any, ci: Any) -> None:
    value = json.loads(ci.signs(passed))
    value["payloadType"] = "application/vnd.cyclonedx+json"
    with pytest.raises(InvalidInput) as caught:
        read_statement(read_envelope(json.dumps(value).encode()))
    assert caught.value.code == "statement-type"


def test_extra_keys_are_in_toto_s_right(ci: Any, passed: Any) -> None:
    passed["subject"][0]["uri"] = "https://example.com"
    assert read_statement(read_envelope(ci.signs({**passed, "extra": 1}))).predicate_type == TEST_RESULT
