"""Reading a real repository: one recipe gives one digest, drift is seen, rule files carry their digest."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.bootstrap import toolbox
from interlock.config import from_environment
from interlock.core.change.change import Recipe, Submission
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parts import Artefact, Configuration, Validation
from interlock.core.change.settings import RULES_ARTEFACT, Settings
from interlock.core.policy.modes import default_modes
from interlock.core.policy.rules import rules_digest_of, settings_of
from interlock.registry import bundled_policies
from interlock.road.describe import read, validate
from interlock.testing.authenticator import UnsafeSimulatedAuthenticator
from interlock.testing.shop import PEOPLE, Shop

RUNNER = ("sha256:" + "0" * 64, "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    keys = {name: UnsafeSimulatedAuthenticator(name).public_key.line for name in PEOPLE}
    policies = {**bundled_policies(), "modes.yaml": default_modes(()).encode()}
    made = Shop(root=tmp_path / "shop", keys=keys, runner=RUNNER, policies=policies)
    made.build()
    return made


def settings(shop: Shop) -> Settings:
    return settings_of(shop.rule_files())


def reading(shop: Shop, *recipes: Recipe) -> Submission:
    tools = toolbox(from_environment({}, shop.root))
    return read(tools, shop.root, recipes or (Recipe(reader="git", arguments={"base": "main"}),), settings(shop))


def failures(submission: Submission) -> dict[str, str]:
    return {f.rule: f.message for v in submission.validations for f in v.findings if f.level == "error"}


def test_the_first_attempt_is_read_key_by_key_and_fails_validation(shop: Shop) -> None:
    shop.first_attempt()
    found = reading(shop)
    keys = [
        change.pointer
        for part in found.parts
        if isinstance(part, Configuration)
        for file in part.files
        for change in file.changes
    ]
    assert keys == ["/delivery/max_days", "/orders/timeout_ms"]
    assert len(failures(found)) >= 2


def test_the_second_attempt_passes_validation(shop: Shop) -> None:
    shop.second_attempt()
    assert failures(reading(shop)) == {}


def test_the_recorded_recipe_reads_the_same_digest_and_sees_drift(shop: Shop) -> None:
    shop.second_attempt()
    first = reading(shop)
    assert reading(shop, *first.recipes).digest == first.digest
    shop.one_more_push()
    assert reading(shop, *first.recipes).digest != first.digest


def test_a_moved_trunk_alone_is_no_drift(shop: Shop) -> None:
    """The base is pinned to its commit when the change is opened."""
    shop.second_attempt()
    first = reading(shop)
    shop.switch("main")
    (shop.root / "other.txt").write_text("somebody else's work\n")
    shop._commit("cleo", "Something else", "2026-03-05T12:00:00Z")
    shop.switch("five-days-again")
    assert reading(shop, *first.recipes).digest == first.digest


def test_a_change_of_rule_files_carries_the_digest_of_the_rules_it_brings(shop: Shop) -> None:
    shop._git("switch", "--quiet", "--create", "rules", "main")
    modes = shop.root / "policies" / "modes.yaml"
    modes.write_text("default: enforce\n")
    shop._commit("ana", "Enforce everything", "2026-03-05T12:00:00Z")
    (part,) = [part for part in reading(shop).parts if isinstance(part, Artefact)]
    files = {**shop.rule_files(), "policies/modes.yaml": modes.read_bytes()}
    assert (part.name, part.digest) == (RULES_ARTEFACT, rules_digest_of(files))


def test_nothing_to_read_is_said(shop: Shop) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(toolbox(from_environment({}, shop.root)), shop.root, (), settings(shop))
    assert refused.value.code == "change-empty"


def test_an_unknown_reader_is_refused(shop: Shop) -> None:
    with pytest.raises(InvalidInput) as refused:
        reading(shop, Recipe(reader="gti", arguments={}))
    assert refused.value.code == "plugin-unknown"


class Broken:
    name = "broken"

    def validate(self, readings, settings) -> tuple[Validation, ...]:
        raise ZeroDivisionError("of all things")


def test_a_broken_validator_is_an_error_finding() -> None:
    (found,) = validate((Broken(),), (), Settings())
    assert found.findings[0].level == "error"
    assert "of all things" in found.findings[0].message


def test_settings_for_a_validator_nobody_has_are_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        validate((), (), Settings(validators={"bounds": {}}))
    assert refused.value.code == "plugin-unknown"


def test_an_uncommitted_edit_of_a_rule_file_is_read_from_the_working_tree(shop: Shop) -> None:
    """`interlock check` right after `interlock init` used to look for the rules in a commit that nobody made."""
    (shop.root / "policies" / "modes.yaml").write_text("default: enforce\n")
    found = reading(shop, Recipe(reader="git", arguments={"base": "HEAD", "head": "WORKTREE"}))
    files = {**shop.rule_files(), "policies/modes.yaml": b"default: enforce\n"}
    (part,) = [part for part in found.parts if isinstance(part, Artefact)]
    assert part.digest == rules_digest_of(files)
