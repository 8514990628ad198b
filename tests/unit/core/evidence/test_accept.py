"""Foreign evidence counts only when a trusted runner says it, of this digest, in time."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from interlock.core.change.canonical import canonical, sha256
from interlock.core.change.errors import InvalidInput
from interlock.core.change.settings import Settings, Thresholds
from interlock.core.evidence.accept import accept, effective, sniff
from interlock.core.evidence.statement import JUNIT, OURS, SARIF, statement

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
DAYS = timedelta(days=14)


def test_a_trusted_runner_s_word_counts(take: Any, ci: Any, passed: Any, change: Any) -> None:
    found = take(ci.signs(passed))
    assert (found.standing, found.runner, found.key_id, found.why) == ("trusted", "ci", "key-of-ci", "")
    assert (found.subject, found.format) == (change.digest, "dsse")
    assert (found.issued_at, found.expires_at) == (NOW, NOW + DAYS)
    assert found.summary["verdict"] == "passed"
    assert found.blob == sha256(ci.signs(passed))


def test_the_bytes_are_kept_as_they_came(change: Any, ci: Any, passed: Any) -> None:
    content = ci.signs(passed)
    given: dict[str, Any] = {
        "change": change,
        "services": ("order-service",),
        "runners": (),
        "now": NOW,
        "id": "e",
    }
    _, blob = accept(content, format=None, settings=Settings(), received_from="x", **given)
    assert blob is content


# Who signed.


def test_a_stranger_s_signature_is_kept_and_does_not_count(take: Any, stranger: Any, passed: Any) -> None:
    found = take(stranger.signs(passed))
    assert (found.standing, found.runner, found.key_id) == ("untrusted", None, None)
    assert "trust.runners" in found.why


def test_a_signature_that_claims_a_trusted_key_and_is_not_by_it_is_an_error(
    take: Any, stranger: Any, passed: Any
) -> None:
    with pytest.raises(InvalidInput) as caught:
        take(stranger.signs(passed, key_id="key-of-ci"))
    assert caught.value.code == "signature-wrong"


def test_a_statement_altered_after_signing_is_an_error(take: Any, ci: Any, passed: Any) -> None:
    value = json.loads(ci.signs(passed))
    altered = {**passed, "predicate": {**passed["predicate"], "passedTests": ["test_pays", "test_more"]}}
    value["payload"] = base64.b64encode(canonical(altered)).decode()
    with pytest.raises(InvalidInput) as caught:
        take(canonical(value))
    assert caught.value.code == "signature-wrong"


def test_key_ids_of_two_runners_swapped_are_an_error(take: Any, ci: Any, stranger: Any, passed: Any) -> None:
    both = (ci.runner(), stranger.runner())
    with pytest.raises(InvalidInput) as caught:
        take(ci.signs(passed, key_id="key-of-stranger"), runners=both)
    assert caught.value.code == "signature-wrong"


def test_the_key_id_is_only_a_hint(take: Any, ci: Any, passed: Any) -> None:
    value = json.loads(ci.signs(passed))
    del value["signatures"][0]["keyid"]
    assert take(canonical(value)).runner == "ci"
    value["signatures"][0]["keyid"] = "unheard of"
    assert take(canonical(value)).runner == "ci"


def test_one_good_signature_of_several_is_enough(take: Any, ci: Any, stranger: Any, passed: Any) -> None:
    value = json.loads(stranger.signs(passed))
    value["signatures"] += json.loads(ci.signs(passed))["signatures"]
    assert take(canonical(value)).runner == "ci"


def test_ecdsa_runners_are_trusted_too(take: Any, stranger: Any, passed: Any) -> None:
    assert take(stranger.signs(passed), runners=(stranger.runner(),)).runner == "stranger"


@pytest.mark.parametrize(
    ("runner", "why"),
    [
        ({"revoked": True}, "revoked"),
        ({"not_after": NOW}, "until"),
        ({"predicates": ()}, "not trusted for https://in-toto.io"),
        (
            {"predicates": ("https://in-toto.io/attestation/test-result/v0.2",)},
            "not trusted for https://in-toto.io",
        ),
        ({"services": ("payment",)}, "not trusted for order-service"),
        ({"services": ()}, "not trusted for order-service"),
    ],
    ids=str,
)
def test_a_runner_speaks_only_for_what_it_is_trusted_for(
    take: Any, ci: Any, passed: Any, runner: dict[str, Any], why: str
) -> None:
    found = take(ci.signs(passed), runners=(ci.runner(**runner),))
    assert (found.standing, found.runner) == ("untrusted", None)
    assert why in found.why


@pytest.mark.parametrize(
    ("runner", "services"),
    [
        ({"not_after": NOW + timedelta(milliseconds=1)}, ("order-service",)),
        ({"services": ("order-service", "payment")}, ("order-service", "payment")),
        ({"services": ("*",)}, ()),
        ({"predicates": ("*",)}, ("order-service",)),
        ({"predicates": ("https://in-toto.io/attestation/*",)}, ("order-service",)),
    ],
    ids=str,
)
def test_and_for_all_of_that(
    take: Any, ci: Any, passed: Any, runner: dict[str, Any], services: tuple[str, ...]
) -> None:
    assert take(ci.signs(passed), runners=(ci.runner(**runner),), services=services).standing == "trusted"


def test_it_must_be_trusted_for_every_service_touched(take: Any, ci: Any, passed: Any) -> None:
    one = ci.runner(services=("order-service",))
    assert take(ci.signs(passed), runners=(one,), services=("order-service", "payment")).standing == "untrusted"
    assert take(ci.signs(passed), runners=(one,), services=()).standing == "untrusted"


# Of what.


def test_another_digest_is_kept_and_does_not_count(take: Any, ci: Any, passed: Any) -> None:
    passed["subject"][0]["digest"]["sha256"] = "0" * 64
    found = take(ci.signs(passed))
    assert (found.standing, found.subject) == ("other-digest", "sha256:" + "0" * 64)
    assert "not about this change" in found.why


@pytest.mark.parametrize("digests", [{"gitCommit": "a" * 40}, {"sha512": "0" * 128}])
def test_no_digest_of_ours_is_another_digest(take: Any, ci: Any, passed: Any, digests: dict[str, str]) -> None:
    passed["subject"][0]["digest"] = digests
    assert take(ci.signs(passed)).standing == "other-digest"


def test_one_of_several_subjects_is_enough(take: Any, ci: Any, passed: Any, change: Any) -> None:
    passed["subject"].insert(0, {"name": "other", "digest": {"sha256": "0" * 64}})
    assert (take(ci.signs(passed)).standing, take(ci.signs(passed)).subject) == ("trusted", change.digest)


def test_the_sender_s_subject_does_not_bend_a_signed_one(take: Any, ci: Any, passed: Any, change: Any) -> None:
    passed["subject"][0]["digest"]["sha256"] = "0" * 64
    assert take(ci.signs(passed), subject=change.digest).standing == "other-digest"


@pytest.mark.parametrize("name", ["sarif/bandit-1.9.4.sarif", "junit/pytest.xml"])
def test_an_unsigned_report_is_self_attested_and_needs_a_subject(
    take: Any, sample: Any, change: Any, name: str
) -> None:
    late = datetime(2026, 12, 1, tzinfo=UTC)  # after the scan's own time
    patient = Settings(thresholds=Thresholds(evidence_days=60))
    known = take(sample(name), subject=change.digest, now=late, settings=patient)
    assert (known.standing, known.runner, known.format) == ("self-attested", None, name.split("/", maxsplit=1)[0])
    assert "unsigned" in known.why
    for subject in (None, sha256(b"another"), ""):
        assert take(sample(name), subject=subject, now=late, settings=patient).standing == "other-digest"


# When.


def _timed(passed: Any, **times: str) -> Any:
    return {**passed, "predicate": {**passed["predicate"], **times}}


def test_the_issuer_s_end_holds_when_it_is_earlier(take: Any, ci: Any, passed: Any) -> None:
    soon = _timed(passed, issued_at="2026-03-05T11:00:00Z", expires_at="2026-03-06T11:00:00Z")
    found = take(ci.signs(soon))
    assert (found.issued_at, found.expires_at) == (NOW - timedelta(hours=1), NOW + timedelta(hours=23))
    late = _timed(passed, issued_at="2026-03-05T11:00:00Z", expires_at="2030-01-01T00:00:00Z")
    assert take(ci.signs(late)).expires_at == NOW - timedelta(hours=1) + DAYS
    brief = Settings(thresholds=Thresholds(evidence_days=1))
    assert take(ci.signs(passed), settings=brief).expires_at == NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("issued", "standing"),
    [("2026-02-19T12:00:00.000Z", "expired"), ("2026-02-19T12:00:00.001Z", "trusted")],
)
def test_old_evidence_has_expired_when_it_arrives(
    take: Any, ci: Any, passed: Any, issued: str, standing: str
) -> None:
    assert take(ci.signs(_timed(passed, issued_at=issued))).standing == standing


def test_an_end_in_the_past_is_an_end(take: Any, ci: Any, passed: Any) -> None:
    assert take(ci.signs(_timed(passed, expires_at="2026-03-05T12:00:00Z"))).standing == "expired"


@pytest.mark.parametrize("issued", ["2026-03-05T12:05:00.001Z", "2999-01-01T00:00:00Z"])
def test_evidence_from_the_future_is_an_error(take: Any, ci: Any, passed: Any, issued: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        take(ci.signs(_timed(passed, issued_at=issued)))
    assert caught.value.code == "evidence-future"
    assert take(ci.signs(_timed(passed, issued_at="2026-03-05T12:05:00Z"))).standing == "trusted"


@pytest.mark.parametrize(
    "issued",
    [
        "yesterday",
        "2026-03-05",
        "2026-03-05T12:00:00",
        "2026-03-05T11:00:00.000",
        12,
        "0001-01-01T00:00:00+23:59",
        "",
    ],
)
def test_times_that_are_none_are_an_error(take: Any, ci: Any, passed: Any, issued: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        take(ci.signs(_timed(passed, issued_at=issued)))
    assert caught.value.code == "statement-time"


# What standing becomes later.


def _later(found: Any, ci: Any, **changed: Any) -> str:
    usual: dict[str, Any] = {
        "now": NOW + timedelta(hours=1),
        "digest": found.subject,
        "runners": (ci.runner(),),
        "services": ("order-service",),
    }
    standing: str = effective(found, **{**usual, **changed}).standing
    return standing


def test_standing_is_judged_again_each_time(take: Any, ci: Any, stranger: Any, passed: Any) -> None:
    found = take(ci.signs(passed))
    assert _later(found, ci) == "trusted"
    assert _later(found, ci, digest=sha256(b"a new push")) == "other-digest"
    assert _later(found, ci, now=NOW + DAYS) == "expired"
    assert _later(found, ci, now=NOW + DAYS - timedelta(milliseconds=1)) == "trusted"
    assert _later(found, ci, runners=()) == "untrusted"
    assert _later(found, ci, runners=(ci.runner(revoked=True),)) == "untrusted"
    assert _later(found, ci, runners=(ci.runner(not_after=NOW),)) == "untrusted"
    assert _later(found, ci, runners=(stranger.runner(),)) == "untrusted"
    assert _later(found, ci, services=("order-service", "payment")) == "trusted"
    narrow = (ci.runner(services=("order-service",)),)
    assert _later(found, ci, runners=narrow, services=("order-service", "payment")) == "untrusted"


def test_standing_never_improves(take: Any, ci: Any, stranger: Any, passed: Any, change: Any) -> None:
    unknown = take(stranger.signs(passed))
    assert _later(unknown, ci, runners=(stranger.runner(),)) == "untrusted"
    old = take(ci.signs(_timed(passed, expires_at="2026-03-05T12:00:00Z")))
    assert _later(old, ci, now=NOW - timedelta(hours=1)) == "expired"
    other = replace(take(ci.signs(passed)), standing="other-digest")
    assert _later(other, ci) == "other-digest"


# Formats.


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b'{"payloadType": "x"}', "dsse"),
        (b'\n {"version": "2.1.0", "runs": []}', "sarif"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "junit"),
        (b"<testsuites/>", "junit"),
    ],
)
def test_formats_are_told_apart(content: bytes, found: str) -> None:
    assert sniff(content) == found


@pytest.mark.parametrize("content", [b"", b"hello", b"[]", b"{}", b"PK\x03\x04", b"\x00" * 100])
def test_what_is_none_of_them_is_an_error(take: Any, content: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        take(content)
    assert caught.value.code == "evidence-format"


def test_a_trusted_runner_signs_any_scanner_s_output(take: Any, ci: Any, sample: Any, change: Any) -> None:
    log = json.loads(sample("sarif/bandit-1.9.4.sarif"))
    value = statement(subject=change.digest, predicate_type=SARIF, predicate={"sarif": log})
    found = take(ci.signs(value), runners=(ci.runner(predicates=(SARIF,)),))
    assert found.standing == "trusted"
    assert found.summary["classes"]["sql-injection"] == 1


def test_and_any_test_report(take: Any, ci: Any, sample: Any, change: Any) -> None:
    text = sample("junit/pytest.xml").decode()
    value = statement(subject=change.digest, predicate_type=JUNIT, predicate={"junit": text})
    found = take(ci.signs(value), runners=(ci.runner(predicates=(OURS + "*",)),))
    assert (found.standing, found.summary["passed"]) == ("trusted", 3)


def test_our_own_predicates_carry_their_summary(take: Any, ci: Any, change: Any) -> None:
    kind = OURS + "rehearsal/v1"
    said = {"verdict": "passed", "seconds": 41.5, "kind": "something else"}
    value = statement(subject=change.digest, predicate_type=kind, predicate=said)
    found = take(ci.signs(value), runners=(ci.runner(predicates=(kind,)),))
    assert found.summary == {"verdict": "passed", "seconds": 41.5, "kind": "rehearsal"}
    large = statement(subject=change.digest, predicate_type=kind, predicate={"text": "x" * 70_000})
    with pytest.raises(InvalidInput) as caught:
        take(ci.signs(large))
    assert caught.value.code == "predicate-shape"


def test_unknown_predicates_are_kept_and_say_nothing(take: Any, ci: Any, change: Any) -> None:
    value = statement(subject=change.digest, predicate_type="https://example.com/x/v1", predicate={"a": 1})
    assert take(ci.signs(value), runners=(ci.runner(predicates=("*",)),)).summary == {"kind": "other"}


def test_half_a_character_is_no_evidence(take: Any, ci: Any, passed: Any) -> None:
    payload = canonical(passed).replace(b"test_pays", b"\\ud800")
    value = json.loads(ci.signs(passed))
    value["payload"] = base64.b64encode(payload).decode()
    value["signatures"][0]["keyid"] = "unknown"
    with pytest.raises(InvalidInput) as caught:
        take(canonical(value))
    assert caught.value.code == "not-canonical"
