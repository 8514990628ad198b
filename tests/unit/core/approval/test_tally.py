"""Approvals that count, and every reason why one does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from interlock.core.change.catalog import PublicKey, Role
from interlock.core.change.settings import Trust
from interlock.testing import approvals as shop
from interlock.testing.approvals import NOW, approval, change, count, signed, statement
from interlock.testing.authenticator import TOUCH, UnsafeSimulatedAuthenticator
from interlock.testing.signing import UnsafeNamedSigner


def reasons(tally) -> list[str]:
    return [item.reason for item in tally.rejected]


def test_two_people_who_did_not_write_it_count():
    result = count(approval("ana"), approval("ben"))
    assert [(item.person, item.role, item.presence) for item in result.counted] == [
        ("ana", "director", "possession"),
        ("ben", "senior", "possession"),
    ]
    assert result.rejected == ()
    assert result.authors == ("cai",)


def test_nothing_on_record_counts_nothing():
    assert count().counted == ()


@pytest.mark.parametrize(
    ("replaced", "reason"),
    [
        ({"subject": "chg-other"}, "for another change: chg-other"),
        ({"digest": "sha256:" + "0" * 64}, "for another digest: approved 0000…00"),
        ({"environment": "staging"}, "for another environment: staging"),
        ({"expires_at": NOW}, "expired on 2026-03-05 14:00 UTC"),
    ],
)
def test_an_approval_of_something_else_does_not_count(replaced, reason):
    result = count(approval("ana", **replaced))
    assert result.counted == ()
    assert reasons(result)[0].startswith(reason)


@pytest.mark.parametrize(
    ("replaced", "reason"),
    [
        ({"used_by": "tkt-1"}, "used already, for tkt-1"),
        ({"revoked_at": NOW}, "taken back on 2026-03-05 14:00 UTC"),
        (
            {"revoked_at": NOW, "revoked_by": "eve", "revoked_why": "a stolen key"},
            "taken back by `eve` on 2026-03-05 14:00 UTC: a stolen key",
        ),
        ({"received_at": NOW + timedelta(minutes=2, seconds=1)}, "given in the future: the clock was set back"),
        ({"received_from": "agent:codey"}, "handed in by an agent or a pipeline: `agent:codey`"),
        ({"received_from": "codey"}, "handed in by an agent or a pipeline: `codey`"),
        ({"received_from": "codey-bot[bot]"}, "handed in by an agent or a pipeline: `codey-bot[bot]`"),
        ({"presence": "verified"}, "the record contradicts its signature: key or presence differ"),
        ({"fingerprint": "SHA256:x"}, "the record contradicts its signature: key or presence differ"),
    ],
)
def test_a_record_that_is_not_in_order_does_not_count(replaced, reason):
    result = count(replace(approval("ana"), **replaced))
    assert result.counted == ()
    assert reasons(result) == [reason]


def test_the_ticket_that_used_an_approval_may_count_it_again():
    assert len(count(replace(approval("ana"), used_by="tkt-1"), for_use="tkt-1").counted) == 1


def test_an_author_does_not_count_whatever_the_rank():
    result = count(approval("ana"), of=change(shop.commit("ana@shop.example")))
    assert reasons(result) == ["by an author: `ana` wrote, pushed, opened or prompted this change"]


def test_one_person_mode_counts_the_only_person():
    alone = shop.shop(people=shop.people(cai=Role.ENGINEER))
    settings = replace(shop.SETTINGS, one_person=True)
    assert [item.person for item in count(approval("cai"), catalog=alone, settings=settings).counted] == ["cai"]


def test_one_person_mode_with_a_second_person_in_the_catalog_bars_authors_still():
    settings = replace(shop.SETTINGS, one_person=True)
    assert count(approval("cai"), settings=settings).counted == ()


def test_a_second_approval_by_the_same_person_does_not_count():
    result = count(approval("ana"), approval("ana", nonce="another-nonce"))
    assert len(result.counted) == 1
    assert reasons(result) == ["second approval by the same person: `ana` counts once"]


def test_statements_of_another_purpose_are_not_approvals():
    result = count(approval("ana", purpose="exception"))
    assert (result.counted, result.rejected) == ((), ())


def test_statements_of_a_purpose_are_counted_by_the_same_rules():
    granted = count(
        approval("ana", purpose="exception"),
        approval("ben", purpose="exception"),
        purpose="exception",
        barred={"ben": "granted by its beneficiary"},
    )
    assert [item.person for item in granted.counted] == ["ana"]
    assert reasons(granted) == ["granted by its beneficiary"]


def test_a_lifetime_that_settings_no_longer_allow_does_not_count():
    thresholds = replace(shop.SETTINGS.thresholds, approval_hours=2)
    result = count(approval("ana"), settings=replace(shop.SETTINGS, thresholds=thresholds))
    assert reasons(result) == ["given for longer than the 2 hours allowed"]


def test_software_keys_count_as_possession_and_not_at_all_where_settings_accept_none():
    settings = replace(shop.SETTINGS, trust=Trust(software_keys="none"))
    assert count(approval("ana")).counted[0].presence == "possession"
    assert reasons(count(approval("ana"), settings=settings)) == [
        "made with a software key, which proves possession only; the settings accept none"
    ]


@pytest.mark.parametrize(("flags", "presence"), [(0x05, "verified"), (TOUCH, "present"), (0x04, "possession")])
def test_presence_is_what_the_security_key_signed(flags, presence):
    device = UnsafeSimulatedAuthenticator("ana")
    ana = replace(UnsafeNamedSigner("ana").person(Role.DIRECTOR), keys=(device.public_key,))
    catalog = shop.with_person(shop.shop(), ana)
    said = statement("ana")
    kept = shop.accept(
        said,
        device.sign(said, flags=flags),
        catalog=catalog,
        settings=shop.SETTINGS,
        now=said.issued_at,
        received_from="ana",
        record_id="sig-1",
    )
    assert count(kept, catalog=catalog).counted[0].presence == presence


def test_answers_are_named_when_they_say_something():
    said = {"breaks": "promises get late", "alert": "  "}
    assert count(approval("ana", answers=said)).counted[0].answered == ("breaks",)


def test_a_key_that_expired_between_then_and_now_does_not_count():
    ana = UnsafeNamedSigner("ana").person(Role.DIRECTOR)
    ended = PublicKey(line=ana.keys[0].line, fingerprint=ana.keys[0].fingerprint, not_after=NOW)
    result = count(approval("ana"), catalog=shop.with_person(shop.shop(), replace(ana, keys=(ended,))))
    assert reasons(result)[0].startswith("the signature does not count: expected a key that is valid")


def test_unmapped_authors_are_shown():
    result = count(of=change(shop.commit("stranger@elsewhere.example")))
    assert result.unmapped_authors == ("somebody <stranger@elsewhere.example>",)


def test_a_record_altered_after_signing_does_not_count():
    kept = signed(statement("ana", environment="staging"))
    moved = replace(kept, statement=replace(kept.statement, environment="production"))
    assert reasons(count(moved))[0].startswith("the signature does not count: expected a signature by this key")
