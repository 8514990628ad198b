"""The two-person rule attacked, one attack a test. Cai wrote the change with the agent codey and wants it out."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from interlock.core.approval.accept import accept
from interlock.core.approval.actor import Actor, Scope
from interlock.core.approval.enrolment import enrolment_refusals
from interlock.core.approval.keys import parse_public_key
from interlock.core.approval.model import NAMESPACE
from interlock.core.approval.privileges import privileged_changes
from interlock.core.approval.sshsig import enclose, public_blob, signed_bytes
from interlock.core.approval.wire import wire_string
from interlock.core.change.catalog import Person, PublicKey, Role, Tier
from interlock.core.change.errors import Forbidden, InvalidInput
from interlock.testing import approvals as shop
from interlock.testing.approvals import NOW, approval, change, count, statement
from interlock.testing.authenticator import TOUCH, UnsafeSimulatedAuthenticator
from interlock.testing.signing import UnsafeNamedSigner

CAI = UnsafeNamedSigner("cai")


def hand_in(said, armoured, *, received_from="cai", catalog=None):
    return accept(
        said,
        armoured,
        catalog=catalog or shop.shop(),
        settings=shop.SETTINGS,
        now=NOW,
        received_from=received_from,
        record_id="sig-attack",
    )


def refused(said, armoured, **options) -> str:
    with pytest.raises((InvalidInput, Forbidden)) as found:
        hand_in(said, armoured, **options)
    return found.value.code


def only_reason(result) -> str:
    assert result.counted == ()
    [rejected] = result.rejected
    return rejected.reason


def test_the_honest_way_works():
    assert len(count(approval("ana"), approval("ben")).counted) == 2


# A second account of the author.


def test_own_approval_in_the_authors_own_name():
    assert only_reason(count(approval("cai"))).startswith("by an author")


@pytest.mark.parametrize("account", ["cai-gh", "cai@shop.example", "cai+2@shop.example", "Cai", "person:cai"])
def test_own_approval_through_another_account_of_the_same_person(account):
    assert refused(statement(account), CAI.sign(statement(account))) == "approver-unknown"


def test_own_approval_naming_a_colleague():
    assert refused(statement("ana"), CAI.sign(statement("ana"))) == "key-not-theirs"


@pytest.mark.parametrize(
    "second",
    [
        Person(name="cai2", emails=("cai+other@shop.example",), keys=(UnsafeNamedSigner("cai2").public_key,)),
        Person(name="cai2", accounts=("cai-gh",), keys=(UnsafeNamedSigner("cai2").public_key,)),
        Person(
            name="cai2",
            emails=("8+cai-gh@users.noreply.github.com",),
            keys=(UnsafeNamedSigner("cai2").public_key,),
        ),
        Person(name="c\u0430i", keys=(UnsafeNamedSigner("c\u0430i").public_key,)),
    ],
)
def test_own_approval_through_a_second_entry_of_the_catalog(second):
    catalog = shop.with_person(shop.shop(), second)
    said = statement(second.name)
    kept = hand_in(said, UnsafeNamedSigner(second.name).sign(said), received_from="local:cai", catalog=catalog)
    assert only_reason(count(kept, catalog=catalog)).startswith("by an author")


def test_two_approvals_by_one_reviewer_with_two_entries_are_one():
    second = Person(name="ana2", emails=("ana+2@shop.example",), keys=(UnsafeNamedSigner("ana2").public_key,))
    catalog = shop.with_person(shop.shop(), second)
    said = statement("ana2")
    kept = hand_in(said, UnsafeNamedSigner("ana2").sign(said), received_from="local:x", catalog=catalog)
    result = count(approval("ana"), kept, catalog=catalog)
    assert [item.person for item in result.counted] == ["ana"]
    assert result.rejected[0].reason == "second approval by the same person: `ana2` counts once"


def test_two_keys_of_one_reviewer_are_one_person():
    ana = shop.shop().people["ana"]
    catalog = shop.with_person(shop.shop(), replace(ana, keys=(*ana.keys, UnsafeNamedSigner("ana", 1).public_key)))
    again = statement("ana", nonce="nonce-second-key")
    second = hand_in(again, UnsafeNamedSigner("ana", 1).sign(again), received_from="ana", catalog=catalog)
    assert len(count(approval("ana"), second, catalog=catalog).counted) == 1


# The agent and its sponsor.


@pytest.mark.parametrize(
    "carrier",
    [
        "agent:codey",
        "codey",
        "codey-bot[bot]",
        Actor(principal="codey", kind="agent", scopes=frozenset(Scope)),
        Actor(principal="ana", kind="agent", scopes=frozenset(Scope)),
        Actor(principal="codey", kind="person", scopes=frozenset(Scope)),
    ],
)
def test_an_agents_token_cannot_hand_in_even_a_good_signature(carrier):
    said = statement("ana")
    assert refused(said, UnsafeNamedSigner("ana").sign(said), received_from=carrier) == "approval-by-machine"


def test_a_record_that_an_agent_slipped_in_does_not_count():
    assert only_reason(count(replace(approval("ana"), received_from="codey"))).startswith("handed in by an agent")


def test_an_agent_as_approver():
    assert refused(statement("codey"), CAI.sign(statement("codey"))) == "approver-unknown"


def test_the_sponsor_of_the_agent_that_wrote_it():
    by_agent = change(shop.commit("7+codey-bot[bot]@users.noreply.github.com"), opened_by="codey", sponsor=None)
    assert only_reason(count(approval("cai", by_agent), of=by_agent)).startswith("by an author")


def test_the_sponsor_of_an_agent_whose_account_only_pushed():
    pushed = change(
        shop.commit("dee@shop.example"), opened_by="dee", agent=None, sponsor=None, pushed_by=("codey-bot[bot]",)
    )
    assert only_reason(count(approval("cai", pushed), of=pushed)).startswith("by an author")


def test_hiding_the_author_behind_another_name_in_git_adds_an_author_and_removes_none():
    blamed = change(shop.commit("ana@shop.example"))
    result = count(approval("cai", blamed), of=blamed)
    assert only_reason(result).startswith("by an author")
    assert result.authors == ("ana", "cai")


# Old, used and borrowed signatures.


def test_a_replayed_signature():
    good = approval("ana")
    result = count(good, replace(good, id="sig-copy"), replace(good, id="sig-copy-2"))
    assert len(result.counted) == 1
    assert {item.reason for item in result.rejected} == {
        "replayed: this person's statement with the same nonce is on record already"
    }


def test_a_replayed_signature_that_was_spent():
    spent = replace(approval("ana"), used_by="tkt-1")
    for name in ("a-copy", "sig-copy"):
        copy = replace(spent, id=name, used_by=None, received_at=spent.received_at - timedelta(seconds=1))
        assert count(spent, copy).counted == ()


def test_a_signature_replayed_for_another_change():
    good = approval("ana")
    other = change(content="2", id="chg-other")
    assert only_reason(count(good, of=other)) == "for another change: chg-7f3a"
    moved = replace(good, statement=replace(good.statement, subject=other.id, digest=other.digest))
    assert "expected a signature by this key" in only_reason(count(moved, of=other))


def test_an_approval_of_an_older_digest():
    assert only_reason(count(approval("ana"), of=change(content="2"))).startswith("for another digest")


def test_an_approval_for_staging_offered_for_production():
    assert only_reason(count(approval("ana", environment="staging"))) == "for another environment: staging"


def test_an_expired_delegation():
    lent = approval(
        "ana",
        purpose="delegation",
        environment="*",
        nonce="nonce-lending",
        expires_at=NOW,
        details={"delegate": "dee"},
    )
    borrowed = approval("dee", on_behalf_of="ana")
    assert "expired" in only_reason(count(borrowed, standing=[lent]))


def test_a_revoked_key():
    ana = shop.shop().people["ana"]
    revoked = shop.with_person(shop.shop(), replace(ana, keys=(replace(ana.keys[0], revoked=True),)))
    assert "the key is revoked" in only_reason(count(approval("ana"), catalog=revoked))
    said = statement("ana")
    assert refused(said, UnsafeNamedSigner("ana").sign(said), catalog=revoked) == "key-not-valid"


def test_a_revoked_key_listed_a_second_time_in_good_standing():
    ana = shop.shop().people["ana"]
    both = replace(ana, keys=(ana.keys[0], replace(ana.keys[0], revoked=True)))
    assert "the key is revoked" in only_reason(count(approval("ana"), catalog=shop.with_person(shop.shop(), both)))


# Time.


def test_the_clock_set_back_behind_the_ledger():
    expired = approval("ana", expires_at=NOW - timedelta(minutes=1))
    back = NOW - timedelta(minutes=30)
    assert len(count(expired, now=back).counted) == 1
    assert only_reason(count(expired, now=back, not_before=NOW)).startswith("the clock is behind the ledger")
    assert len(count(approval("ana"), now=NOW, not_before=NOW).counted) == 1


@pytest.mark.parametrize(("behind", "counts"), [(0.2, True), (120, True), (121, False)])
def test_servers_whose_clocks_differ_a_little_count_alike(behind, counts):
    """What the other server wrote a moment ago is no clock that was set back; two minutes are the limit."""
    written = NOW + timedelta(seconds=behind)
    found = count(replace(approval("ana"), received_at=written), not_before=written)
    assert bool(found.counted) is counts


def test_the_clock_set_back_before_the_approval_was_received():
    late = replace(approval("ana"), received_at=NOW + timedelta(hours=1))
    assert only_reason(count(late)) == "given in the future: the clock was set back"


def test_a_statement_dated_ahead_to_live_longer():
    said = statement("ana", issued_at=NOW + timedelta(hours=1), expires_at=NOW + timedelta(hours=73))
    assert refused(said, UnsafeNamedSigner("ana").sign(said), received_from="ana") == "statement-from-future"


def test_an_approval_for_ever():
    said = statement("ana", expires_at=NOW + timedelta(days=3650))
    assert refused(said, UnsafeNamedSigner("ana").sign(said), received_from="ana") == "statement-lifetime"


# The rules.


def test_a_key_added_to_a_colleagues_entry():
    mine = UnsafeNamedSigner("cai", 9).public_key
    ana = shop.shop().people["ana"]
    poisoned = shop.with_person(shop.shop(), replace(ana, keys=(*ana.keys, mine)))
    said = statement("ana")
    forged = UnsafeNamedSigner("cai", 9).sign(said)
    # Under the rules in force the key is nobody's; the new rules are refused and say so.
    assert refused(said, forged) == "key-not-theirs"
    [missing] = enrolment_refusals(shop.shop(), poisoned, [], settings=shop.SETTINGS, now=NOW, authors=["cai"])
    assert (missing.key.person, missing.key.fingerprint) == ("ana", mine.fingerprint)
    assert "key-added" in {one.kind for one in privileged_changes(shop.shop(), poisoned)}


def test_the_authors_own_key_added_to_a_colleagues_entry_is_then_nobodys():
    ana = shop.shop().people["ana"]
    poisoned = shop.with_person(shop.shop(), replace(ana, keys=(*ana.keys, CAI.public_key)))
    assert refused(statement("ana"), CAI.sign(statement("ana")), catalog=poisoned) == "key-not-theirs"


def test_a_colleagues_fingerprint_written_over_the_authors_key():
    ana = shop.shop().people["ana"]
    lying = PublicKey(line=CAI.public_key.line, fingerprint=ana.keys[0].fingerprint)
    cai = replace(shop.shop().people["cai"], keys=(lying,))
    poisoned = shop.with_person(shop.shop(), cai)
    assert refused(statement("ana"), CAI.sign(statement("ana")), catalog=poisoned) == "key-not-theirs"


def test_a_tier_lowered_in_the_same_change_is_listed():
    old = shop.shop()
    lowered = shop.shop(services={"order-service": replace(old.services["order-service"], tier=Tier.THREE)})
    [one] = privileged_changes(old, lowered)
    assert (one.kind, one.text) == ("tier-lowered", "order-service was Tier-1, becomes Tier-3")


def test_a_role_raised_and_an_agent_given_to_somebody_else_are_listed():
    old = shop.shop()
    raised = shop.with_person(old, replace(old.people["cai"], role=Role.VP))
    moved = replace(raised, agents={"codey": replace(old.agents["codey"], sponsor="dee")})
    assert [one.kind for one in privileged_changes(old, moved)] == ["agent-changed", "role-raised"]


def test_an_exception_granted_by_its_beneficiary():
    """The principal side: authors never count, and whoever else gains is barred by name or by principal."""
    own = approval("cai", purpose="exception", details={"rule": "tier1-two-approvals"})
    assert only_reason(count(own, purpose="exception")).startswith("by an author")
    gains = approval("dee", purpose="exception")
    reason = {"dee": "granted by its beneficiary: `dee`"}
    assert only_reason(count(gains, purpose="exception", barred=reason)) == "granted by its beneficiary: `dee`"


# The signature itself.


@pytest.mark.parametrize("namespace", ["git", "file", "approval@interlock.dev.evil", "approval@interlock"])
def test_a_signature_of_another_namespace(namespace):
    said = statement("ana")
    armoured = UnsafeNamedSigner("ana").sign(said, namespace=namespace)
    assert refused(said, armoured, received_from="ana") == "signature-namespace"


def test_a_signature_over_json_that_is_not_canonical():
    said = statement("ana")
    spaced = json.dumps(json.loads(said.to_bytes()), indent=1).encode()
    device = UnsafeSimulatedAuthenticator("ana")
    assert refused(spaced, device.sign_bytes(spaced), received_from="ana") == "statement-not-canonical"


@pytest.mark.parametrize("name", ["\u0430na", "\u0251na", "ana\u200b", "\uff41na", "ana\u0301", "an\u0430"])
def test_a_name_that_only_looks_like_a_colleagues(name):
    assert refused(statement(name), CAI.sign(statement(name))) == "approver-unknown"


def test_a_presence_claimed_by_the_record_or_the_statement():
    claimed = approval("ana", details={"presence": "verified", "flags": "5"})
    assert count(claimed).counted[0].presence == "possession"
    assert "contradicts its signature" in only_reason(count(replace(claimed, presence="verified")))


def test_a_presence_flag_forged_in_the_signature():
    device = UnsafeSimulatedAuthenticator("ana")
    ana = replace(shop.shop().people["ana"], keys=(device.public_key,))
    catalog = shop.with_person(shop.shop(), ana)
    said = statement("ana")
    touched = device.sign(said, flags=TOUCH)
    blob = base64.b64decode("".join(touched.split("\n")[1:-2]))
    inner_flags = len(blob) - 5
    forged = blob[:inner_flags] + b"\x05" + blob[inner_flags + 1 :]
    text = base64.b64encode(forged).decode()
    lines = [text[at : at + 70] for at in range(0, len(text), 70)]
    armoured = "\n".join([touched.split("\n")[0], *lines, touched.split("\n")[-2], ""])
    assert refused(said, armoured, received_from="ana", catalog=catalog) == "signature-invalid"
    assert hand_in(said, touched, received_from="ana", catalog=catalog).presence == "present"


def test_rsa_with_sha1():
    private = rsa.generate_private_key(65537, 3072)
    blob = public_blob(private)
    ana = replace(
        shop.shop().people["ana"],
        keys=(PublicKey(line=f"ssh-rsa {base64.b64encode(blob).decode()}", fingerprint=""),),
    )
    said = statement("ana")
    signed = signed_bytes(said.to_bytes(), namespace=NAMESPACE, hash_name="sha512")
    raw = private.sign(signed, padding.PKCS1v15(), hashes.SHA1())  # this is the attack
    armoured = enclose(blob, wire_string(b"ssh-rsa") + wire_string(raw), namespace=NAMESPACE, hash_name="sha512")
    catalog = shop.with_person(shop.shop(), ana)
    assert refused(said, armoured, received_from="ana", catalog=catalog) == "signature-algorithm"


@pytest.mark.parametrize(
    "trick",
    [
        "cert-authority {line}",
        'principals="ana" {line}',
        'command="id" {line}',
        "ana@shop.example {line}",
        "{line}\n{other}",
        "{line}\r{other}",
        "@cert-authority * {line}",
        "# {line}",
    ],
)
def test_a_key_line_with_options_or_a_second_key_counts_for_nobody(trick):
    line = trick.format(line=CAI.public_key.line, other=UnsafeNamedSigner("ana").public_key.line)
    with pytest.raises(InvalidInput):
        parse_public_key(line)
    ana = replace(shop.shop().people["ana"], keys=(PublicKey(line=line, fingerprint=CAI.public_key.fingerprint),))
    cai = replace(shop.shop().people["cai"], keys=())
    poisoned = shop.with_person(shop.with_person(shop.shop(), ana), cai)
    assert refused(statement("ana"), CAI.sign(statement("ana")), catalog=poisoned) == "key-not-theirs"


def test_a_comment_that_names_a_colleague_means_nothing():
    line = " ".join([*CAI.public_key.line.split()[:2], "ana@shop.example"])
    cai = replace(shop.shop().people["cai"], keys=(PublicKey(line=line, fingerprint=""),))
    poisoned = shop.with_person(shop.shop(), cai)
    assert refused(statement("ana"), CAI.sign(statement("ana")), catalog=poisoned) == "key-not-theirs"
