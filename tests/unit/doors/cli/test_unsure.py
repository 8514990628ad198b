"""Why a change is not known to be reversible, and what a rehearsal adds to that: nothing that rules would read."""

from __future__ import annotations

import pytest

from interlock.doors.cli.screens.unsure import unsure

UNKNOWN = {"where": "migrations/0002.py", "line": None, "text": "a database migration"}
PASSED = {"kind": "rehearsal", "verdict": "passed", "measured": {"reversible": True, "migrations": []}}


def told(kind="unknown", unknowns=(UNKNOWN,), standing="trusted", **summary):
    evidence = [{"id": "evd-1", "standing": standing, "summary": {**PASSED, **summary}}]
    back = {"kind": kind, "losses": [], "unknowns": list(unknowns)}
    return " ".join(" ".join(unsure({"description": {"reversibility": back}, "evidence": evidence})).split())


def test_what_nobody_can_tell_is_named_and_a_rehearsal_that_was_passed_leaves_it_open():
    found = told()
    assert found.startswith("unsure migrations/0002.py: a database migration evd-1 measured its migrations")
    assert found.endswith("so the rules take it for irreversible all the same")
    assert "evd-1" in told(measured={"schema": {"reversible": True}, "flag": {}}), "of a set too"


@pytest.mark.parametrize(
    "differs",
    [
        {"standing": "self-attested"},
        {"standing": "expired"},
        {"verdict": "failed"},
        {"kind": "snapshot"},
        {"measured": {"reversible": False}},
        {"measured": {"schema": {"reversible": False}}},
        {"measured": {}},
        {"measured": None},
    ],
)
def test_only_a_trusted_rehearsal_that_measured_it_is_spoken_of(differs):
    kind = {"kind": "unknown"}
    standing = {key: value for key, value in differs.items() if key == "standing"}
    summary = {**PASSED, **{key: value for key, value in differs.items() if key != "standing"}}
    evidence = [{"id": "evd-1", "standing": standing.get("standing", "trusted"), "summary": summary}]
    back = {**kind, "losses": [], "unknowns": [UNKNOWN]}
    lines = unsure({"description": {"reversibility": back}, "evidence": evidence})
    assert (len(lines), "evd-1" in " ".join(lines)) == (1, False)


@pytest.mark.parametrize("kind", ["reversible", "irreversible"])
def test_where_it_is_known_nothing_is_said(kind):
    assert told(kind=kind) == ""


def test_a_description_without_evidence_says_why_too():
    back = {"kind": "unknown", "losses": [], "unknowns": [UNKNOWN] * 3}
    lines = unsure({"description": {"reversibility": back}})
    assert (len(lines), lines[-1].strip()) == (3, "and 1 more, see --json")
