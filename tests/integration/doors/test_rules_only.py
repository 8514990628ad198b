"""Where every rule is enforced, a change of the rules takes two people and a change.md; with more, all the rest.

Enforcing a rule about evidence once locked the road for the rules themselves: nothing of them runs, so no runner
could show what was asked, and the rule could not be taken back.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

MODES = Path("policies/modes.yaml")
LAYER = Path("policies/layers/later.cedar")
DOCUMENT = """---
plan: The rule about rehearsals is only watched again.
failure_modes: [a rollback is not rehearsed]
rollback_steps: [enforce it again, as a change of its own]
---
"""
LATER = """@id("later") @outcome("needs") @reason("a second look") @remedy("interlock approve CHANGE")
@active_from("2030-01-01") @expires("2030-02-01") @scope("tier:1")
forbid (principal, action, resource) when { context.production && context.approvals < 3 };
"""
RUNS = {
    "rollback-rehearsed",
    "alert-proven",
    "tests-listed-first",
    "tests-pass",
    "tests-bite",
    "scanned",
    "canary-plan",
}


def git(*arguments: str) -> None:
    who = ["-c", "user.name=Omar", "-c", "user.email=omar@shop.example"]
    subprocess.run(["git", *who, *arguments], check=True, capture_output=True, timeout=30)


def commit(said: str) -> None:
    git("add", "--all")
    git("commit", "--quiet", "--no-gpg-sign", "--message", said)


@pytest.fixture
def enforced(shop, terminal) -> Callable[[], str]:
    """A shop that enforces every rule, on a branch that only watches one again; called, it opens that change."""
    git("switch", "--quiet", "main")
    MODES.write_text("version: 1\ndefault: enforce\n")
    settings = Path("interlock.yaml")
    settings.write_text(settings.read_text().replace("trust:\n", "trust:\n  software_keys: all\n"))
    LAYER.parent.mkdir(exist_ok=True)
    LAYER.write_text(LATER)
    commit("Enforce everything")
    for person in ("vera", "ana"):
        terminal("rules", "genesis", "--key", shop.key(person))
    git("switch", "--quiet", "--create", "watch-again")
    Path("change.md").write_text(DOCUMENT)
    MODES.write_text("version: 1\ndefault: enforce\nrules:\n  rollback-rehearsed: observe\n")

    def opened(*arguments: str) -> str:
        commit("Watch the rehearsal again")
        return terminal.ok("change", "open", "--base", "main", *arguments).out.strip()

    return opened


def reasons(terminal, change: str) -> set[str]:
    said = terminal("gate", change, "--json")
    assert said.code == 1, said
    return {reason["id"] for reason in said.json["reasons"]}


def approved(terminal, shop, change: str, *people: str) -> None:
    for person in people:
        terminal.ok("approve", change, "--key", shop.key(person))


def test_a_change_of_the_rules_takes_two_people_and_then_force(shop, terminal, enforced) -> None:
    change = enforced()
    assert reasons(terminal, change) == {"rules-two-approvals", "ai-senior-approval"}
    approved(terminal, shop, change, "vera")
    assert reasons(terminal, change) == {"rules-two-approvals"}
    approved(terminal, shop, change, "ana")
    ticket = terminal.ok("gate", change, "--json").json["ticket_id"]
    assert terminal.ok("rules", "activate", ticket).out.startswith("in force ")


def test_what_is_shown_asks_for_no_evidence_that_nothing_can_bring(shop, terminal, enforced) -> None:
    shown = terminal("change", "show", enforced(), "--json").json
    said = json.dumps(shown["decision"])
    assert not [rule for rule in RUNS if f'"{rule}"' in said]
    assert "rules-two-approvals" in said


def test_without_its_change_md_it_is_refused(shop, terminal, enforced) -> None:
    Path("change.md").unlink()
    change = enforced()
    approved(terminal, shop, change, "vera", "ana")
    assert reasons(terminal, change) == {"documentation-complete"}


def product_file() -> None:
    Path("src/promise.py").write_text("DAYS = 3\n")


def named_like_one() -> None:
    Path("src/policies").mkdir()
    Path("src/policies/modes.yaml").write_text("days: 3\n")


def link() -> None:
    Path("policies/README.md").symlink_to("../src/promise.py")


def runnable() -> None:
    place = Path("policies/README.md")
    place.write_text("#!/bin/sh\n")
    place.chmod(0o755)


def deleted() -> None:
    LAYER.unlink()


def moved_in() -> None:
    git("mv", "src/promise.py", "schemas/promise.json")


@pytest.mark.parametrize("besides", [product_file, named_like_one, link, runnable, deleted, moved_in])
def test_with_anything_beside_it_everything_is_asked(
    shop, terminal, enforced, besides: Callable[[], None]
) -> None:
    besides()
    change = enforced()
    approved(terminal, shop, change, "vera", "ana")
    assert reasons(terminal, change) >= RUNS


@pytest.mark.parametrize(
    "more",
    [("--artefact", f"shop@sha256:{'1' * 64}"), ("--service", "order-service")],
)
def test_with_an_artefact_or_a_service_that_is_named_everything_is_asked(
    shop, terminal, enforced, more: tuple[str, ...]
) -> None:
    change = enforced(*more)
    approved(terminal, shop, change, "vera", "ana")
    assert reasons(terminal, change) >= RUNS
