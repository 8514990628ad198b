"""The look-back judges real merges and never drops one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from interlock.bootstrap import toolbox
from interlock.config import from_environment
from interlock.core.policy.modes import default_modes
from interlock.core.policy.rules import load_rules
from interlock.plugins.readers.history import GitHistory
from interlock.registry import bundled_policies
from interlock.road.report import LookBack, look_back
from interlock.testing.authenticator import UnsafeSimulatedAuthenticator
from interlock.testing.road import Road
from interlock.testing.shop import PEOPLE, Shop

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def judged(tmp_path: Path, road: Road) -> tuple[LookBack, Shop]:
    keys = {name: UnsafeSimulatedAuthenticator(name).public_key.line for name in PEOPLE}
    policies = {**bundled_policies(), "modes.yaml": default_modes(()).encode()}
    shop = Shop(root=tmp_path / "shop", keys=keys, runner=("x", "x"), policies=policies)
    shop.build()
    shop.first_attempt()
    past = GitHistory().merges(shop.root, since=SINCE, limit=10)
    tools = toolbox(from_environment({}, shop.root))
    rules = load_rules({**road.files, "policies/modes.yaml": default_modes(()).encode()})
    return look_back(tools, shop.root, rules, past, since=SINCE, progress=lambda *_: None), shop


def test_a_past_change_is_judged_and_its_findings_are_named(tmp_path: Path, road: Road) -> None:
    report, _ = judged(tmp_path, road)
    (item,) = report.judged
    assert item.provenance == "ai-assisted"
    assert "tier1-two-approvals" in item.fired
    assert any("delivery.max_days is null" in text for text in item.findings)
    counted = {rule.id: rule for rule in report.rules}
    assert counted["configuration-valid"].asks is False
    assert counted["tier1-two-approvals"].asks is True


def test_only_rules_about_content_that_never_spoke_may_be_enforced(tmp_path: Path, road: Road) -> None:
    report, _ = judged(tmp_path, road)
    assert "configuration-valid" not in report.quiet
    assert "no-new-secrets" in report.quiet
    assert not {"tier1-two-approvals", "rollback-rehearsed", "digest-drift"} & set(report.quiet)


def test_what_cannot_be_read_is_counted(tmp_path: Path, road: Road) -> None:
    report, shop = judged(tmp_path, road)
    blob = shop._git("rev-parse", "HEAD:config/delivery.yaml").strip()
    (shop.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    past = tuple(item.change for item in report.judged)
    tools = toolbox(from_environment({}, shop.root))
    again = look_back(tools, shop.root, road.rules(), past, since=SINCE, progress=lambda *_: None)
    assert (len(again.judged), len(again.unreadable)) == (0, 1)
    assert again.unreadable[0].error
    assert again.quiet == ()


def test_the_modes_that_init_writes_load(tmp_path: Path, road: Road) -> None:
    """The look-back once proposed to enforce the permit of the road, which no mode may name."""
    report, _ = judged(tmp_path, road)
    modes = default_modes(report.quiet).encode()
    assert load_rules({**road.files, "policies/modes.yaml": modes}).bundle.policies


def test_a_past_edit_of_owners_is_judged_although_there_were_no_rules_then(tmp_path: Path, road: Road) -> None:
    """CODEOWNERS is a rule file; before interlock was there it had no settings beside it."""
    _, shop = judged(tmp_path, road)
    shop._git("switch", "--quiet", "--orphan", "before")
    for text in ("* @shop/orders\n", "* @shop/platform\n"):
        (shop.root / "CODEOWNERS").write_text(text)
        shop._commit("ana", "Owners", "2026-02-01T09:00:00Z")
    past = GitHistory().merges(shop.root, since=SINCE, limit=1)
    tools = toolbox(from_environment({}, shop.root))
    report = look_back(tools, shop.root, road.rules(), past, since=SINCE, progress=lambda *_: None)
    assert [item.error for item in report.judged] == [""]
    assert "rules-two-approvals" in report.judged[0].fired
