import pytest

from interlock.core.policy.bundle import Bundle, load_bundle

HEAD = b'@id("open") permit(principal, action, resource);\n@id("x") @outcome("deny") @reason("r") @remedy("m") '


def doubts(condition: str) -> list[str]:
    text = f"forbid(principal, action, resource) {condition};"
    return [lint.message for lint in load_bundle({"base/x.cedar": HEAD + text.encode()}).lints]


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("when { context.tier == 1 && context.tier == 2 }", "cannot hold at once"),
        ("when { context.tier == 1 } when { context.tier == 3 }", "cannot hold at once"),
        ("when { context.tier == 4 }", "`tier` is 1 to 3"),
        ("when { 3 < context.tier }", "`tier` is 1 to 3"),
        ("when { context.approvals < 0 }", "0 or more"),
        ("when { context.approvals > 2 && context.approvals < 3 }", "0 or more"),
        ("when { context.agent && !context.agent }", "cannot hold at once"),
        ('when { context.provenance == "robot" }', 'never "robot"'),
        ('when { context.rehearsal != "show" }', "did you mean `shown`"),
        ('when { context.agent || context.scan == "passed" }', 'never "passed"'),
        ('when { context.scan == "shown" && context.scan != "shown" }', "cannot hold at once"),
        ("when { 1 == 2 }", "never fires"),
        ("when { context.agent && false }", "never fires"),
        ("when { context.agent } unless { true }", "never fires"),
        ("when { context has tier }", "says nothing"),
        ("", "refuses every change"),
    ],
)
def test_what_can_never_fire_or_always_does_is_named(condition, says) -> None:
    (message, *_) = doubts(condition)
    assert says in message


@pytest.mark.parametrize(
    "condition",
    [
        "when { context.tier == 3 }",
        "when { context.tier == 1 || context.tier == 2 }",
        "when { context.approvals > 1 && context.approvals < 3 }",
        'when { context.provenance != "human" && context.provenance != "unknown" }',
        "when { context.agent } unless { context.agent && context.production }",
        "when { context has fleet_percent && context.fleet_percent > 99 }",
    ],
)
def test_what_can_fire_raises_no_doubt(condition) -> None:
    assert doubts(condition) == []


def test_the_bundled_rules_raise_no_doubt(bundle: Bundle) -> None:
    assert bundle.lints == ()


@pytest.mark.parametrize(
    ("modes", "doubted"),
    [
        (b"{default: observe, rules: {one-approval: enforce}}", True),
        (b"{default: enforce, rules: {tier1-two-approvals: observe}}", True),
        (b'{default: observe, rules: {one-approval: {scopes: [{scope: "tier:2", mode: enforce}]}}}', True),
        (b"{default: observe, rules: {one-approval: enforce, tier1-two-approvals: enforce}}", False),
        (b"default: observe", False),
        (b"default: enforce", False),
    ],
)
def test_modes_under_which_tier_1_asks_for_less_are_named(bundled, modes, doubted) -> None:
    """The tutorial's modes once let a Tier-1 change through with no approval at all, where Tier-2 needed one."""
    found = load_bundle({**bundled, "modes.yaml": modes}).lints
    assert [(lint.policy, lint.path) for lint in found] == [("tier1-two-approvals", "modes.yaml")] * doubted
    assert all("Tier-1 asks for less" in lint.message and "tier1-presence" in lint.remedy for lint in found)


def test_taking_tier_1s_rule_away_is_named_too(bundled) -> None:
    files = {path: content for path, content in bundled.items() if not path.startswith("tests/")}
    rest = files["base/approvals.cedar"].split(b'@id("tier1-presence")')[1]
    found = load_bundle({**files, "base/approvals.cedar": b'@id("tier1-presence")' + rest}).lints
    assert ["there is no `tier1-two-approvals`" in lint.message for lint in found] == [True]
