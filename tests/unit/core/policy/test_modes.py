import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.policy.bundle import Bundle, load_bundle
from interlock.core.policy.modes import EVIDENCE_TO_COME, default_modes

FACTS = {"tier": 1, "services": ["orders", "wiki"], "environment": "production"}


def mode(bundled: dict[str, bytes], text: str, rule: str = "tier1-presence", **facts: object) -> str:
    bundle = load_bundle({**bundled, "modes.yaml": text.encode()})
    return bundle.modes.of(bundle.policies[rule], FACTS | facts)


SCOPED = """
default: observe
rules:
  tier1-presence:
    mode: observe
    scopes:
      - {scope: "service:orders, environment:production", mode: enforce}
      - {scope: "tier:1", mode: observe}
"""


def test_the_most_particular_word_wins(bundled) -> None:
    assert mode(bundled, "") == "enforce"
    assert mode(bundled, "default: observe") == "observe"
    assert mode(bundled, "default: observe\nrules: {tier1-presence: enforce}") == "enforce"
    assert mode(bundled, SCOPED) == "enforce"
    assert mode(bundled, SCOPED, services=["wiki"]) == "observe"
    assert mode(bundled, SCOPED, environment="staging") == "observe"


def test_what_protects_the_road_is_enforced_whatever_the_default(bundled) -> None:
    assert mode(bundled, "default: observe", "digest-drift") == "enforce"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("rules: {digest-drift: observe}", "mode-fixed"),
        ("rules: {digest-drift: {scopes: [{scope: 'tier:3', mode: observe}]}}", "mode-fixed"),
        ("rules: {tier1-presense: enforce}", "mode-rule"),
        ("rules: {road-open: observe}", "mode-rule"),
        ("rules: {tier1-presence: {scopes: [{scope: 'tier:4', mode: enforce}]}}", "policy-scope"),
        ("rules: {tier1-presence: enforced}", "input-shape"),
        ("defualt: observe", "input-shape"),
        ("version: 2", "input-shape"),
        ("a: [", "yaml-unreadable"),
        ("a: &a [1]\nb: *a", "yaml-unreadable"),
        ("rules: {tier1-presence: !!python/object:os.system x}", "yaml-unreadable"),
        ("#" * (257 << 10), "yaml-too-large"),
        ("freezes: [{name: n, from: 2026-03-09T00:00:00Z, until: 2026-03-09T00:00:00Z}]", "freeze-window"),
        ("freezes: [{name: n, from: 2026-03-09T00:00:00, until: 2026-03-10T00:00:00Z}]", "freeze-window"),
        ("freezes: [{name: n, from: 2026-03-09T00:00Z, until: 2026-03-10T00:00Z, services: []}]", "freeze-window"),
    ],
)
def test_modes_that_would_mislead_are_refused(bundled, text, code) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_bundle({**bundled, "modes.yaml": text.encode()})
    assert code == caught.value.code
    assert "\n" not in caught.value.message


def test_default_modes_observe_all_but_what_was_chosen(bundled, bundle: Bundle) -> None:
    chosen = {"tier1-presence", "knowledge-fresh", "digest-drift"}
    modes = load_bundle({**bundled, "modes.yaml": default_modes(chosen).encode()})
    enforced = {
        name
        for name, p in modes.policies.items()
        if p.effect == "forbid" and modes.modes.of(p, FACTS) == "enforce"
    }
    assert enforced == {"tier1-presence"} | {name for name, p in bundle.policies.items() if p.protected}
    load_bundle({**bundled, "modes.yaml": default_modes(()).encode()})


def test_rules_whose_evidence_is_to_come_are_bundled_rules(bundle: Bundle) -> None:
    assert bundle.policies.keys() >= EVIDENCE_TO_COME
