"""What a bundle may hold; everything else is refused in one line that names the file and what to do."""

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.policy.bundle import load_bundle
from interlock.core.policy.statements import read_statements

PERMIT = b'@id("open") permit(principal, action, resource);\n'
HEAD = '@id("x") @outcome("deny") @reason("r") @remedy("m") '
LAYERED = HEAD + '@active_from("2026-03-09") @expires("2026-06-07") @scope("tier:1") '
WHEN = HEAD + "forbid(principal, action, resource) when { "
FROM_TO = '@active_from("2026-03-09") @expires("2026-06-07") '
ALWAYS = "forbid(principal, action, resource) when { context.agent };"


def load(text: str | bytes = HEAD + ALWAYS, *, path: str = "base/x.cedar", **more: bytes):
    content = text if isinstance(text, bytes) else text.encode()
    return load_bundle({"base/open.cedar": PERMIT, path: content, **more})


def refused(*args, **more) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        load(*args, **more)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("forbid(principal, action, resour);", "policy-syntax", "resour"),
        (HEAD + "forbid(principal, action, resource)", "policy-syntax", "`;`"),
        (HEAD + ALWAYS[:-1] + " } ;", "policy-syntax", "base/x.cedar:1"),
        ("// a comment\n\n" + WHEN + "context.agnet };", "policy-schema", "x.cedar:3"),
        (WHEN + "context.tier == true };", "policy-schema", "x.cedar:1"),
        (WHEN + "context.fleet_percent > 3 };", "policy-schema", "optional"),
        (HEAD + 'forbid(principal, action == Action::"ship", resource);', "policy-schema", "ship"),
        (HEAD + "forbid(principal is Robot, action, resource);", "policy-schema", "Robot"),
        (HEAD + "forbid(principal in ?principal, action, resource);", "policy-template", "?principal"),
        (WHEN + "context has agent && context == context };", "policy-annotation", "whole"),
        (b"\xff\xfe", "policy-unreadable", "UTF-8"),
        (b" " * (1 << 20) + b" ", "policy-unreadable", "bytes"),
        (WHEN + " && ".join(["context.agent"] * 3000) + " };", "policy-too-large", "flatter"),
        (WHEN + "(" * 2000 + "true" + ")" * 2000 + " };", "policy-too-large", "flatter"),
        (WHEN + "context.lines" + "+1" * 20000 + " > 0 };", "policy-too-large", "flatter"),
    ],
)
def test_a_policy_that_cannot_be_read_names_its_place(text, code, says) -> None:
    error = refused(text)
    assert code == error.code
    assert says in error.message


@pytest.mark.parametrize(
    ("head", "says"),
    [
        ('@outcome("deny") @reason("r") @remedy("m") ', "`@id`"),
        ('@id("x") @reason("r") @remedy("m") ', "`@outcome`"),
        ('@id("x") @outcome("deny") @remedy("m") ', "`@reason`"),
        ('@id("x") @outcome("deny") @reason("r") ', "`@remedy`"),
        ('@id("x") @outcome("deny") @reason("r") @remedy(" ") ', "`@remedy`"),
        (HEAD + '@raeson("y") ', "did you mean `reason`"),
        (HEAD + '@mode("observ") ', "did you mean `observe`"),
        (HEAD + '@liftable("sometimes") ', "never"),
        (HEAD + '@quorum("two") ', "2 with senior"),
        (HEAD + '@quorum("2 with janitor") ', "2 with senior"),
        (HEAD + '@progress("aprovals of 2") ', "did you mean `approvals`"),
        (HEAD + '@scope("tier:1") ', "`@scope`"),
        (HEAD + '@active_from("2026-03-09") ', "`@active_from`"),
        (HEAD.replace('"x"', '"X y"'), "lowercase"),
        (HEAD.replace('"x"', '"x#stripped"'), "lowercase"),
        (HEAD.replace('"deny"', '"maybe"'), "needs or deny"),
        (HEAD.replace('"r"', '"for {tire}"'), "did you mean `tier`"),
        (HEAD.replace('"r"', '"for {tier"'), "braces"),
    ],
)
def test_an_annotation_out_of_place_is_refused(head, says) -> None:
    error = refused(head + ALWAYS)
    assert error.code in {"policy-annotation", "policy-scope"}
    assert error.message.startswith("base/x.cedar:1: ")
    assert says in error.message


def test_a_permit_carries_nothing_but_its_id() -> None:
    assert refused('@id("p") @reason("r") permit(principal, action, resource);').code == "policy-annotation"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (LAYERED + ALWAYS, None),
        ('@id("p") ' + FROM_TO + "permit(principal, action, resource);", "layer-permit"),
        (HEAD + ALWAYS, "policy-annotation"),
        (LAYERED.replace("2026-06-07", "2026-03-09") + ALWAYS, "policy-annotation"),
        (LAYERED.replace("2026-06-07", "soon") + ALWAYS, "policy-annotation"),
        (LAYERED.replace("tier:1", "tier:9") + ALWAYS, "policy-scope"),
        (LAYERED.replace("tier:1", "teir:1") + ALWAYS, "policy-scope"),
        (LAYERED.replace("tier:1", "service:") + ALWAYS, "policy-scope"),
    ],
)
def test_a_layer_can_only_tighten_for_a_time_and_a_place(text, code) -> None:
    if code is None:
        assert [layer.name for layer in load(text, path="layers/x.cedar").layers] == ["base", "x"]
    else:
        assert refused(text, path="layers/x.cedar").code == code


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({}, "policies-empty"),
        ({"base/a.cedar": b""}, "policies-empty"),
        ({"base/a.cedar": b"// nothing"}, "policies-empty"),
        ({"base/a.cedar": PERMIT}, "policies-empty"),
        ({"base/a.cedar": (HEAD + ALWAYS).encode()}, "policies-empty"),
        ({"base/a.cedar": PERMIT, "x.cedar": b""}, "policy-file-unknown"),
        ({"base/a.cedar": PERMIT, "base/deep/x.cedar": b""}, "policy-file-unknown"),
        ({"base/a.cedar": PERMIT, "layer/x.cedar": b""}, "policy-file-unknown"),
        ({"base/a.cedar": PERMIT, "base/x.txt": b""}, "policy-file-unknown"),
        ({"base/a.cedar": PERMIT, "mode.yaml": b""}, "policy-file-unknown"),
        ({f"base/{n}.cedar": b"" for n in range(501)}, "policies-too-many"),
        ({"base/a.cedar": PERMIT + PERMIT}, "policy-twice"),
    ],
)
def test_a_set_that_would_decide_nothing_or_something_else_is_refused(files, code) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_bundle(files)
    assert code == caught.value.code


def test_twice_the_same_id_names_both_places() -> None:
    error = refused(HEAD + ALWAYS + "\n" + HEAD + ALWAYS)
    assert error.code == "policy-twice"
    assert "base/x.cedar:2" in error.message
    assert "first at base/x.cedar:1" in error.message


def test_the_digest_covers_rules_and_modes_and_nothing_else() -> None:
    first = load()
    assert first.digest == load(**{"README.md": b"hello", "tests/a.yaml": b"cases: []"}).digest
    assert first.digest != load(**{"modes.yaml": b"default: observe"}).digest
    assert first.digest != load(HEAD.replace("deny", "needs") + ALWAYS).digest
    assert first.digest != load(HEAD + ALWAYS + "// a comment").digest
    assert first.digest != load(path="base/y.cedar").digest


def test_strings_and_comments_do_not_end_a_policy() -> None:
    text = (
        '@id("x") @outcome("deny") @reason("a; b // c \\" ;") @remedy("m")\n'
        "forbid(principal, action, resource) // not; here\n"
        'when { context.environment == "a;//b" };\n' + HEAD.replace('"x"', '"y"') + ALWAYS
    )
    bundle = load(text)
    assert bundle.policies["x"].reason == 'a; b // c " ;'
    assert bundle.policies["y"].place.line == 4


@pytest.mark.parametrize(
    ("condition", "says", "hint"),
    [
        ("context.linez > 3", "got `context.linez` (did you mean `lines`?)", "lists every fact"),
        (
            "context.fleet_percent > 3",
            "expected `context has fleet_percent` before",
            "context has fleet_percent &&",
        ),
    ],
)
def test_a_fact_that_is_misspelt_or_unguarded_is_told_in_the_words_of_facts(condition, says, hint):
    """Cedar's own words for it were `unable to guarantee safety of access to optional attribute`."""
    text = f'@id("a")\nforbid (principal, action, resource) when {{ {condition} }};'
    with pytest.raises(InvalidInput) as refused:
        read_statements("base/a.cedar", text.encode())
    assert refused.value.code == "policy-schema"
    assert refused.value.message.startswith("base/a.cedar:1: ")
    assert says in refused.value.message
    assert hint in refused.value.hint
