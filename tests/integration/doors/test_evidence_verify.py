"""``evidence verify``: whoever edits a rehearsal's log, or a statement, is found out, and told where."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.change.canonical import canonical
from interlock.core.evidence.dsse import key_id_of, sign_envelope
from interlock.core.evidence.statement import statement
from interlock.core.policy.shown import REHEARSAL
from interlock.testing.signing import UnsafeNamedSigner

PLAN = b"""\
service: order-service
environment: staging
driver: {kind: command}
apply:
  - {name: flag, run: [touch, ../staging/five-days.on], verify: ["true"]}
rollback:
  - {name: flag, run: [rm, -f, ../staging/five-days.on], verify: ["true"]}
probes:
  - {name: flags, kind: files, paths: ["../staging/*.on"]}
"""
FORGETFUL = PLAN.replace(b"rm, -f, ../staging/five-days.on", b"'true'")


@pytest.fixture
def rehearsed(governed, terminal):
    """``rehearsed(plan)``: the signed statement and the journal of one rehearsal in the governed shop."""

    def made(plan=PLAN):
        place = governed({"rehearsals/order-service.yaml": plan})
        (place / "staging").mkdir()
        done = terminal("evidence", "run", "rehearsal", "--key", place / "runner.pem", "--json").json["items"][0]
        home = place / "shop" / ".interlock"
        return (
            place,
            done,
            home / "evidence" / f"{done['run']}.dsse",
            home / "rehearsals" / f"{done['run']}.jsonl",
        )

    return made


def said(done):
    return " ".join((done.out + done.err).split())


def test_a_journal_as_it_was_signed_holds_by_file_and_by_name(rehearsed, terminal, tmp_path):
    _, done, file, journal = rehearsed()
    for named in (file, done["evidence"]["kept"]["id"]):
        found = terminal.ok("evidence", "verify", named)
        assert found.out.startswith("HOLDS    passed · signed by ci · about ")
        assert f"{journal.name} is the one that was signed" in said(found)
    elsewhere = tmp_path / "kept.jsonl"
    journal.rename(elsewhere)
    absent = terminal("evidence", "verify", file)
    assert (absent.code, "the journal is not here" in said(absent)) == (3, True)
    assert terminal.ok("evidence", "verify", file, "--journal", elsewhere, "--json").json["refused"] == []


def edited(lines):
    return [line.replace(b'"passed"', b'"failed"') for line in lines]


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (edited, "is not the one that was signed: {"),
        (lambda lines: lines[:-2] + lines[-1:], "lines, and "),
        (lambda lines: [*lines, lines[-1]], "was added after it was signed: {"),
        (lambda lines: [line.replace(b"five-days", b"six-days") for line in lines], "line 1 is not the one that"),
        (lambda lines: [*lines[:-1], lines[-1].rstrip(b"\n")], "is not the one that was signed"),
        (lambda _: [], "it has 0 lines, and"),
    ],
    ids=["a verdict", "a line gone", "a line more", "the plan", "its end", "all of it"],
)
def test_a_journal_that_was_edited_is_refused_with_the_line(rehearsed, terminal, edit, told):
    _, done, _, journal = rehearsed()
    lines = journal.read_bytes().splitlines(keepends=True)
    plan = json.loads(lines[0])
    if b"six" in b"".join(edit([b"five-days"])):
        plan["plan"] = base64.b64encode(PLAN.replace(b"five-days", b"six-days")).decode()
        lines[0] = canonical(plan) + b"\n"
    journal.write_bytes(b"".join(edit(lines)))
    found = terminal("evidence", "verify", done["evidence"]["kept"]["id"])
    assert found.code == 1, found
    assert found.out.startswith("REFUSED  journal ")
    assert told in said(found)


def test_what_recovery_writes_into_it_later_is_no_edit_and_nothing_else_may_follow(rehearsed, terminal):
    place, done, file, journal = rehearsed(FORGETFUL)
    assert done["verdict"] == "failed"
    (place / "staging" / "five-days.on").unlink()
    terminal.ok("evidence", "recover", "staging")
    found = terminal.ok("evidence", "verify", file)
    assert "is the one that was signed; " in said(found)
    assert "written later, by recovery" in said(found)
    journal.write_bytes(journal.read_bytes() + canonical({"what": "probed", "before": {}}) + b"\n")
    assert terminal("evidence", "verify", file).code == 1


def signed(change, *, key="ci-runner", said_key=None, subject=None, issued=timedelta(), until=timedelta(days=1)):
    """A statement of a rehearsal that passed, as somebody with this key would write it."""
    private, now = UnsafeNamedSigner(key).private_key, datetime.now(UTC)
    claimed = UnsafeNamedSigner(said_key or key).private_key
    times = {"issued_at": (now + issued).isoformat(), "expires_at": (now + issued + until).isoformat()}
    predicate = {
        "verdict": "passed",
        "seconds": 1.0,
        "service": "order-service",
        "environment": "staging",
        **times,
    }
    about = statement(subject=subject or change["digest"], predicate_type=REHEARSAL, predicate=predicate)
    return sign_envelope(about, private, key_id_of(claimed.public_key()))


REFUSED = [
    ({"subject": "sha256:" + "0" * 64}, "other-digest", "about sha256:000000000000…, not about this change"),
    ({"issued": timedelta(days=-3)}, "expired", "counted until "),
    ({"key": "stranger"}, "untrusted", "signed by nobody that `trust.runners` names"),
    ({"key": "stranger", "said_key": "ci-runner"}, "", "expected a signature by runner `ci`, got one its key did"),
    ({"issued": timedelta(days=1)}, "", "expected evidence issued by now"),
]


@pytest.mark.parametrize(
    ("wrong", "standing", "why"), REFUSED, ids=["digest", "expired", "unknown key", "forged", "future"]
)
def test_a_statement_that_does_not_count_is_refused_and_meets_nothing(
    governed, terminal, judged, wrong, standing, why
):
    place = governed({"rehearsals/order-service.yaml": PLAN})
    change = terminal.ok("change", "show", "--json").json["change"]
    file = place / "word.dsse"
    file.write_bytes(signed(change))
    assert terminal.ok("evidence", "verify", file).out.startswith("HOLDS    passed · signed by ci")
    file.write_bytes(signed(change, **wrong))
    found = terminal("evidence", "verify", file)
    assert (found.code, found.out[:7]) == (1, "REFUSED")
    assert why in said(found)
    assert terminal.ok("evidence", "list", "--json").json["items"] == [], "to verify hands nothing in"
    added = terminal("evidence", "add", file, "--json")
    assert (added.code, standing) == ((0, added.json["standing"]) if standing else (2, ""))
    assert not judged.met("rollback-rehearsed")
    file.write_bytes(signed(change))
    terminal.ok("evidence", "add", file)
    assert judged.met("rollback-rehearsed")


def test_evidence_whose_file_is_another_now_is_refused(rehearsed, terminal):
    _, done, file, _ = rehearsed()
    name = done["evidence"]["kept"]["id"]
    content = json.loads(file.read_bytes())
    payload = base64.b64decode(content["payload"]).replace(b'"verdict":"passed"', b'"verdict":"failed"')
    file.write_bytes(json.dumps(content | {"payload": base64.b64encode(payload).decode()}).encode())
    by_name, by_file = terminal("evidence", "verify", name), terminal("evidence", "verify", file)
    assert (by_name.code, by_name.err.split("]")[0]) == (2, "error[evidence-file-edited")
    assert (by_file.code, by_file.out[:7]) == (1, "REFUSED")
    file.unlink()
    assert terminal("evidence", "verify", name).err.startswith("error[evidence-file-absent]")
    assert terminal("evidence", "verify", "evd-none").err.startswith("error[evidence-unknown]")


def test_a_journal_beside_a_statement_that_names_none_is_nobodys_word(governed, terminal, tmp_path):
    place = governed({"rehearsals/order-service.yaml": PLAN})
    file = place / "word.dsse"
    file.write_bytes(signed(terminal.ok("change", "show", "--json").json["change"]))
    found = terminal("evidence", "verify", file, "--journal", file)
    assert (found.code, "names no journal" in said(found)) == (1, True)
