"""JUnit XML as real runners write it, and as attackers do."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.junit import Case, read_junit, spellings


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("pytest", (3, 1, 1, 1, 6)),
        ("pytest-xunit1", (3, 1, 1, 1, 6)),
        ("unittest", (1, 1, 1, 1, 4)),
        ("nose2-junit", (1, 1, 1, 1, 4)),
        ("node", (1, 1, 0, 1, 3)),
    ],
)
def test_real_reports_are_counted(sample: Any, name: str, counts: tuple[int, ...]) -> None:
    found = read_junit(sample(f"junit/{name}.xml")).summary()
    assert counts == tuple(found[key] for key in ("passed", "failed", "errors", "skipped", "total"))
    assert found["verdict"] == "failed"


def test_tests_are_known_as_people_name_them(sample: Any) -> None:
    found = read_junit(sample("junit/pytest.xml")).summary()
    for name in (
        "test_shop.py::test_pays",
        "test_shop::test_pays",
        "test_pays",
        "test_shop.py::TestCart::test_empty",
    ):
        assert name in found["passed_tests"]
    assert "test_promise[1]" in found["passed_tests"]
    assert "test_promise" not in found["passed_tests"], "one of its parameters failed"
    assert "test_skipped" not in found["passed_tests"]
    assert found["failed_tests"] == ["test_shop::test_error", "test_shop::test_promise[0]"]


def test_a_name_that_also_fits_a_failed_test_is_not_passed() -> None:
    found = read_junit(
        b"<testsuite><testcase classname='a.B' name='t'/>"
        b"<testcase classname='a.C' name='t'><failure/></testcase></testsuite>"
    ).summary()
    assert found["passed_tests"] == ["a.B", "a.B.t", "a.B::t", "a.py::B", "a.py::B::t"]


def test_spellings_of_a_nested_parametrised_test() -> None:
    found = spellings(Case(where="tests.unit.test_cart.TestCart", name="test_pays[1-a]", outcome="passed"))
    assert {"test_pays", "test_pays[1-a]", "tests/unit/test_cart.py::TestCart::test_pays"} <= found


@pytest.mark.parametrize(
    ("inside", "outcome"),
    [
        ("<testcase name='a'/>", "passed"),
        ("<testcase name='a'><system-out>x</system-out></testcase>", "passed"),
        ("<testcase name='a'><skipped/></testcase>", "skipped"),
        ("<testcase name='a'><failure/></testcase>", "failed"),
        ("<testcase name='a'><error/></testcase>", "error"),
        ("<testcase name='a'><failure/><error/></testcase>", "error"),
        ("<testcase name='a'><skipped/><failure/></testcase>", "failed"),
        ("<testcase name='a'><failure/><rerunFailure/></testcase>", "failed"),
        ("<testcase name='a'><flakyFailure/></testcase>", "flaky"),
        ("<testcase name='a'><flakyError/></testcase>", "flaky"),
        ("<testcase name='a' status='notrun'/>", "skipped"),
        ("<testcase name='a' result='suppressed'/>", "skipped"),
        ("<properties><property><failure/></property></properties><testcase name='a'/>", "passed"),
    ],
)
def test_how_a_test_ended(inside: str, outcome: str) -> None:
    found = read_junit(f"<testsuites><testsuite>{inside}</testsuite></testsuites>".encode())
    assert [outcome] == [case.outcome for case in found.cases]
    assert (found.summary()["verdict"] == "passed") is (outcome == "passed")


@pytest.mark.parametrize(
    ("text", "claimed"),
    [
        ("<testsuite failures='1'><testcase name='a'/></testsuite>", 1),
        ("<testsuite errors='2'><testcase name='a'><error/></testcase></testsuite>", 1),
        ("<testsuite failures='1'><testcase name='a'><failure/></testcase></testsuite>", 0),
        ("<testsuites failures='3'><testsuite failures='2'><testcase name='a'/></testsuite></testsuites>", 3),
        ("<testsuites failures='1'><testsuite failures='1'><testcase name='a'/></testsuite></testsuites>", 1),
        ("<testsuite failures=''><testcase name='a'/></testsuite>", 0),
    ],
)
def test_failures_that_are_claimed_and_not_shown_count(text: str, claimed: int) -> None:
    found = read_junit(text.encode())
    assert found.claimed == claimed
    assert (found.summary()["verdict"] == "failed") is bool(
        claimed or found.count("error") or found.count("failed")
    )


def test_nothing_but_skipped_tests_is_no_pass() -> None:
    found = read_junit(b"<testsuite><testcase name='a'><skipped/></testcase></testsuite>")
    assert found.summary()["verdict"] == "failed"


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%s;" % (b"%d" % (n - 1) if n else b"") * 10) for n in range(9))
    + b"]><testsuite><testcase name='&a8;'/></testsuite>"
)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (BOMB, "junit-doctype"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><testsuite/>', "junit-doctype"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1/">]><testsuite>&x;</testsuite>', "junit-doctype"),
        (b'<!DOCTYPE a [<!ENTITY % p SYSTEM "x"> %p;]><testsuite/>', "junit-doctype"),
        (b"<testsuite>&undefined;</testsuite>", "junit-unreadable"),
        (b"", "input-empty"),
        (b"hello", "junit-unreadable"),
        (b"<testsuite>", "junit-unreadable"),
        (b"<testsuite/><testsuite/>", "junit-unreadable"),
        (b"<?xml version='1.0' encoding='utf-7'?><testsuite/>", "junit-unreadable"),
        (b"<?xml version='1.0' encoding='no such'?><testsuite/>", "junit-unreadable"),
        (b"<testsuite><testcase name='\xff'/></testsuite>", "junit-unreadable"),
        (b"<html/>", "junit-shape"),
        (b"<testsuite failures='many'/>", "junit-shape"),
        (b"<testsuite failures='-1'/>", "junit-shape"),
        (b"<testsuite failures='9999999999'/>", "junit-shape"),
        (b"<testsuite/>", "junit-empty"),
        (b"<testsuites><testsuite tests='7'/></testsuites>", "junit-empty"),
        (b"<testsuite>" + b"<a>" * 40 + b"</a>" * 40 + b"</testsuite>", "junit-too-large"),
        (b"<testsuite><testcase name='a'><testcase name='b'/></testcase></testsuite>", "junit-too-large"),
        (b"<testsuite>" + b"<testcase/>" * 100_001 + b"</testsuite>", "junit-too-large"),
        (b" " * (16 * 1024 * 1024 + 1), "input-too-large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_report_is_refused_in_one_line(content: bytes, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_junit(content)
    assert caught.value.code == code
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_encodings_that_runners_use_are_read(encoding: str) -> None:
    text = f"<?xml version='1.0' encoding='{encoding}'?><testsuite><testcase name='zahlt für'/></testsuite>"
    assert read_junit(text.encode(encoding)).cases[0].name == "zahlt für"
