"""Settings that a validator cannot read: told before rules come into force, and mended where they are in force."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from interlock.bootstrap import build, rule_source
from interlock.config import from_environment
from interlock.core.ledger.entry import Entry
from interlock.core.policy.activation import Activation
from interlock.core.policy.rules import load_rules
from interlock.road.station import ACTIVATED, REPLACED, latest_activation

BOUNDS = """
  bounds:
    limits:
      - {match: kiosk/settings.json, pointer: /depth, maximum: 4}
      - {file: kiosk/settings.json, pointer: /batch, minimum: 1, maximum: 40}
"""
NAME = """
  bound: {}
"""


def below_validators(settings: str, more: str) -> tuple[str, int]:
    """The settings with ``more`` about validators, and the line at which `validators:` stands."""
    before, found, after = settings.partition("validators:\n")
    assert found
    return f"{before}validators:{more}{after}", before.count("\n") + 1


def bring_into_force(root: Path) -> None:
    """The rules of the working tree, as a version that did not ask the validators had done it."""
    interlock = build(from_environment(os.environ, root))
    files = rule_source(interlock.config).files()
    rules, now = load_rules(files), interlock.station.clock.now()

    def work(tx):
        before = latest_activation(tx)
        made = Activation(
            id=interlock.station.ids.new("act"),
            digest=rules.digest,
            files={path: tx.put_blob(files[path]) for path in rules.files},
            activated_at=now,
            activated_by="vera",
            signed_by=("ana", "vera"),
            one_person=False,
            ticket="tkt-1",
            previous=before.digest,
        )
        tx.records(Activation).add(made)
        said = {"digest": made.digest, "ticket": made.ticket}
        for kind, subject, body in (
            (REPLACED, before.id, {"by": made.id}),
            (ACTIVATED, made.id, said),
        ):
            tx.log.append(Entry(kind=kind, subject=subject, actor="vera", at=now, body=body))

    try:
        interlock.station.store.write(work)
    finally:
        interlock.close()


@pytest.mark.parametrize(
    ("more", "line", "said", "known"),
    [
        (BOUNDS, 4, "`limits.1.file`: there is no such key", "known: pointer, match, minimum, maximum, factor"),
        (NAME, 1, "expected known validators in interlock.yaml, got `bound` (did you mean `bounds`?)", "bounds"),
    ],
)
def test_policy_check_and_the_first_signature_name_the_line(shop, terminal, monkeypatch, more, line, said, known):
    monkeypatch.setenv("COLUMNS", "200")
    file = shop.root / "interlock.yaml"
    text, first = below_validators(file.read_text(), more)
    file.write_text(text)
    line += first
    checked = terminal("policy", "check")
    assert (checked.code, said in checked.out, known in checked.out) == (2, True, True), checked
    assert f"`interlock.yaml:{line}`" in checked.out
    signed = terminal("rules", "genesis", "--key", shop.key("vera"))
    assert (signed.code, said in signed.err, known in signed.err) == (2, True, True), signed
    assert f"`interlock.yaml:{line}`" in signed.err
    assert "none are in force yet" in terminal("rules", "show").out + terminal("check").out


@pytest.mark.parametrize("more", [BOUNDS, NAME])
def test_such_rules_in_force_are_mended_by_two_signatures(founded, terminal, more):
    """Every change ended in the same error, also the one that would have corrected it."""
    settings = founded.root / "interlock.yaml"
    # The keys of this test are files: where security keys are demanded, they mend nothing.
    right = settings.read_text().replace("trust:\n", "trust:\n  software_keys: all\n")
    settings.write_text(below_validators(right, more)[0])
    bring_into_force(founded.root)
    settings.write_text(right)
    locked = terminal("change", "open")
    assert (locked.code, "interlock rules genesis" in locked.err) == (2, True), locked
    assert "1 more person is needed" in terminal("rules", "genesis", "--key", founded.key("vera")).out
    assert "in force" in terminal.ok("rules", "genesis", "--key", founded.key("ana")).out
    assert terminal.ok("change", "open").out.startswith("chg-")
    assert "got some already" in terminal("rules", "genesis", "--key", founded.key("ben")).err
