"""What tools say, read strictly: what is no answer is a fault, and no secret is kept."""

from __future__ import annotations

import json

import pytest

from interlock.core.scan.bandit_says import read_bandit
from interlock.core.scan.sarif_says import read_sarif_of
from interlock.core.scan.secrets_say import read_secrets
from interlock.core.scan.seen import Source

FILE = Source(side="head", path="a.py", content=b"x\n")
NAMES = {"1.py": FILE}
RESULT = {
    "filename": "1.py",
    "line_number": 3,
    "line_range": [3, 4],
    "test_id": "B506",
    "issue_severity": "HIGH",
    "issue_cwe": {"id": 20},
    "issue_text": "unsafe",
}


def bandit(results=(), errors=(), **more):
    told = json.dumps({"results": [*results], "errors": [*errors]}).encode()
    return read_bandit(told, NAMES, version="1", **({"passwords": False} | more))


def test_bandit_is_read_with_level_lines_and_class():
    (found,) = bandit([RESULT]).seen
    assert (found.level, found.line, found.end, found.cwes) == ("error", 3, 4, {502})
    (found,) = bandit([RESULT | {"test_id": "B999", "issue_severity": "LOW"}]).seen
    assert (found.level, found.cwes) == ("note", {20})


def test_bandits_passwords_are_left_to_the_scanner_of_secrets_and_never_repeated():
    password = RESULT | {"test_id": "B105", "issue_text": "Possible hardcoded password: 'hunter2'"}
    assert bandit([password]).seen == ()
    (found,) = bandit([password], passwords=True).seen
    assert "hunter2" not in repr(found)


def test_a_file_that_bandit_could_not_read_is_unread():
    found = bandit(errors=[{"filename": "1.py", "reason": "syntax error"}])
    assert (found.unread, found.fault) == (((FILE, "syntax error"),), "")


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"[]",
        b"{}",
        json.dumps({"results": [RESULT | {"filename": "2.py"}], "errors": []}).encode(),
        json.dumps({"results": [], "errors": [{"filename": "2.py", "reason": "x"}]}).encode(),
        json.dumps({"results": [RESULT | {"line_number": "3"}], "errors": []}).encode(),
    ],
)
def test_what_is_no_answer_of_bandit_is_a_fault(said):
    assert read_bandit(said, NAMES, version="1", passwords=False).fault


def secrets(*listed, path="a.py", version="1.5.0"):
    names = {"1.py": Source(side="head", path=path, content=b"")}
    return read_secrets(json.dumps({"version": version, "results": {"1.py": [*listed]}}).encode(), names)


WRONG = (b"[]", b'{"2.py": []}', b'{"1.py": [1]}', b'{"1.py": 1}')
AWS = {"type": "AWS Access Key", "line_number": 2, "hashed_secret": "abc"}
RANDOM = AWS | {"type": "Hex High Entropy String"}


def test_a_secret_is_known_by_its_digest_which_is_never_shown():
    (found,) = secrets(AWS).seen
    assert (found.identity, found.cwes, found.rule) == ("abc", {798}, "AWS Access Key")
    assert "abc" not in repr(found)


def test_in_lock_files_only_known_patterns_count():
    assert [one.rule for one in secrets(AWS, RANDOM, path="web/package-lock.json").seen] == ["AWS Access Key"]
    assert len(secrets(AWS, RANDOM, path="web/package.json").seen) == 2


@pytest.mark.parametrize(
    "wrong", [b"", b"[]", b'{"results": []}', b'{"results": {"2.py": []}}', b'{"results": {"1.py": [1]}}']
)
def test_what_is_no_answer_of_detect_secrets_is_a_fault(wrong):
    assert read_secrets(wrong, NAMES).fault


def log(*results, **run):
    driver = {"name": "other", "version": "7"}
    return json.dumps(
        {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": [*results], **run}]}
    ).encode()


def sarif(uri="a.py", **more):
    place = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 4}}}
    return {"ruleId": "r", "level": "error", "message": {"text": "m"}, "locations": [place], **more}


def read(said, **names):
    given = {"a.py": FILE, "a b\\xff.py": FILE, **names}
    return read_sarif_of(said, given, root="/tmp/x", tool="mine")


def test_sarif_is_read_with_suppressions_and_baselines_undone():
    hidden = sarif(suppressions=[{"kind": "inSource"}], properties={"tags": ["cwe-89"]})
    found = read(log(hidden, sarif(baselineState="unchanged")))
    assert [(one.line, one.tool, one.cwes) for one in found.seen] == [(4, "mine", {89}), (4, "mine", set())]
    assert (found.version, found.fault) == ("7", "")


@pytest.mark.parametrize("uri", ["./a.py", "file:///tmp/x/a.py", "/tmp/x/a.py", "a%20b%FF.py"])
def test_a_place_is_found_however_it_is_written(uri):
    assert len(read(log(sarif(uri))).seen) == 1


@pytest.mark.parametrize(
    "said",
    [
        b"",
        log(sarif("../b.py")),
        log(sarif(""), sarif()),
        log(invocations=[{"executionSuccessful": False}]),
        log(invocations=[{"executionSuccessful": True, "toolExecutionNotifications": [{"level": "error"}]}]),
        b'{"version": "2.1.0", "runs": []}',
    ],
)
def test_what_is_no_whole_log_is_a_fault(said):
    assert read(said).fault
