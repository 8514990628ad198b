"""The four formats: values, lines, and what is refused."""

from __future__ import annotations

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.change.keyed import line_at, plain_value
from interlock.core.change.keyed_env import read_env
from interlock.core.change.keyed_json import read_json
from interlock.core.change.keyed_toml import read_toml
from interlock.core.change.keyed_yaml import read_yaml


def read_one_yaml(text):
    (node,) = read_yaml(text)
    return node


READERS = {"json": read_json, "yaml": read_one_yaml, "toml": read_toml, "env": read_env}


def bomb():
    rows = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    rows += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    return "\n".join(rows)


def merge_bomb():
    rows = ["a0: &a0 {" + ", ".join(f"k{n}: 1" for n in range(400)) + "}"]
    rows += [f"a{n}: &a{n} {{<<: *a{n - 1}, n{n}: *a{n - 1}}}" for n in range(1, 400)]
    return "\n".join(rows)


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        ("json", "", "configuration-malformed"),
        ("json", '{"a": 1', "configuration-malformed"),
        ("json", '{"a": 1,}', "configuration-malformed"),
        ("json", '{"a" 1}', "configuration-malformed"),
        ("json", "{'a': 1}", "configuration-malformed"),
        ("json", '{"a": 1} x', "configuration-malformed"),
        ("json", '{"a": NaN}', "configuration-malformed"),
        ("json", '{"a": -Infinity}', "configuration-malformed"),
        ("json", '{"a": 01}', "configuration-malformed"),
        ("json", '{"a": "\n"}', "configuration-malformed"),
        ("json", '{"a": "\\ud800"}', "configuration-malformed"),
        ("json", "[1" + "0" * 5000 + "]", "configuration-malformed"),
        ("json", '{"a": 1, "\\u0061": 2}', "key-twice"),
        ("json", "[" * 100_000, "configuration-too-big"),
        ("json", '{"a":' * 101 + "1" + "}" * 101, "configuration-too-big"),
        ("yaml", "a: [1", "configuration-malformed"),
        ("yaml", "a: b: c", "configuration-malformed"),
        ("yaml", "{{ template }}", "configuration-malformed"),
        ("yaml", "a: *nowhere", "configuration-malformed"),
        ("yaml", "a: &a [*a]", "configuration-malformed"),
        ("yaml", "? [a, b]\n: c", "configuration-malformed"),
        ("yaml", "<<: 1", "configuration-malformed"),
        ("yaml", "a: \x00", "configuration-malformed"),
        ("yaml", "a: !!int x", "configuration-malformed"),
        ("yaml", "a: !!bool x", "configuration-malformed"),
        ("yaml", "%TAG ! x\n", "configuration-malformed"),
        ("yaml", "a: 1\nb: 2\na: 3", "key-twice"),
        ("yaml", "1: a\n'1': b", "key-twice"),
        ("yaml", "[" * 100_000, "configuration-too-big"),
        ("yaml", bomb(), "configuration-too-big"),
        ("yaml", merge_bomb(), "configuration-too-big"),
        ("toml", "a =", "configuration-malformed"),
        ("toml", "a = 1\na = 2", "configuration-malformed"),
        ("toml", "[a]\n[a]", "configuration-malformed"),
        ("toml", "a = " + "[" * 100_000, "configuration-too-big"),
        ("toml", "a = " + "1" * 5000, "configuration-malformed"),
        ("toml", "a = " + "{a=" * 101 + "1" + "}" * 101, "configuration-too-big"),
        ("env", "A", "configuration-malformed"),
        ("env", "A B=1", "configuration-malformed"),
        ("env", "1A=1", "configuration-malformed"),
        ("env", 'A="open', "configuration-malformed"),
        ("env", 'A="a" b', "configuration-malformed"),
        ("env", "A=1\nexport A=2", "key-twice"),
    ],
)
def test_what_readers_would_not_agree_on_is_refused_in_one_line(kind, text, code):
    with pytest.raises(InvalidInput) as caught:
        READERS[kind](text)
    assert caught.value.code == code
    assert "\n" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (
            "json",
            ' {"a": [1, 2.5, -0, 1e3, true, null, "\\u00e9\\n"]} ',
            {"a": [1, 2.5, 0, 1000.0, True, None, "é\n"]},
        ),
        ("json", "123456789012345678901", {"number": "123456789012345678901"}),
        ("json", "0.1234567890123456789", {"number": "0.1234567890123456789"}),
        ("json", "1e999", {"number": "1e999"}),
        ("json", "[9007199254740991, 9007199254740992]", [9007199254740991, {"number": "9007199254740992"}]),
        (
            "yaml",
            "a: yes\nb: 'yes'\nc: ~\nd:\ne: 0x10\nf: 1_000",
            {"a": True, "b": "yes", "c": None, "d": None, "e": 16, "f": 1000},
        ),
        ("yaml", "on: 1\n2: b\n~: c", {"on": 1, "2": "b", "~": "c"}),
        (
            "yaml",
            "a: .nan\nb: -.inf\nc: 1.5e+3\nd: 2026-03-05",
            {"a": {"number": ".nan"}, "b": {"number": "-.inf"}, "c": 1500.0, "d": "2026-03-05"},
        ),
        ("yaml", "a: !Ref x\nb: !Sub [y]\nc: ! 12", {"a": {"!Ref": "x"}, "b": {"!Sub": ["y"]}, "c": "12"}),
        (
            "yaml",
            "x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz: {b: 4, <<: [*x, {c: 5}]}",
            {"x": {"a": 1, "b": 2}, "y": {"a": 1, "b": 3}, "z": {"a": 1, "c": 5, "b": 4}},
        ),
        ("yaml", "a: |\n  x\n  y\nb: >-\n  x\n  y\n", {"a": "x\ny\n", "b": "x y"}),
        ("yaml", "a: &k key\n*k : 1", {"a": "key", "key": 1}),
        (
            "toml",
            "a.b = 1\n[c]\nd = 1979-05-27T07:32:00Z\n[[e]]\nf = inf",
            {"a": {"b": 1}, "c": {"d": "1979-05-27T07:32:00+00:00"}, "e": [{"f": {"number": "inf"}}]},
        ),
        (
            "toml",
            "a = 9223372036854775807\nb = 0.30000000000000001",
            {"a": {"number": "9223372036854775807"}, "b": {"number": "0.30000000000000001"}},
        ),
        (
            "env",
            'A=1\n\n# c\n export B = x y # z\nC=\'a#b\'\nD="l\\n\\"m\\$" # e\nE=\nF=a#b\r\n',
            {"A": "1", "B": "x y", "C": "a#b", "D": 'l\n"m$', "E": "", "F": "a#b"},
        ),
        ("env", "A='x\ny'\nB=2", {"A": "x\ny", "B": "2"}),
    ],
)
def test_values_are_exact(kind, text, value):
    assert plain_value(READERS[kind](text)) == value


@pytest.mark.parametrize(
    ("kind", "text", "path", "line"),
    [
        ("json", '{\n"a":\n 1,\n"b": [\n0,\n{"c": 1}]}', ("b", 1, "c"), 6),
        ("json", '{\n"a":\n 1}', ("a",), 2),
        ("yaml", "a:\n  b:\n    - 1\n    - c: 2\n", ("a", "b", 1, "c"), 4),
        ("yaml", "x: &x\n  a: 1\ny:\n  <<: *x\n", ("y", "a"), 2),
        (
            "toml",
            "a = 1\n\n[t]\nb = '''\n[no]\n'''\nc = [\n1,\n]\n\nd.e = 1\n[[p]]\nq = 1\n[[p]]\nq = 2\n[p.r]\ns=1",
            ("t", "d", "e"),
            11,
        ),
        ("toml", "[[p]]\nq = 1\n[[p]]\nq = 2\n[p.r]\ns=1", ("p", 1, "q"), 4),
        ("toml", "[[p]]\nq = 1\n[[p]]\nq = 2\n[p.r]\ns=1", ("p", 1, "r", "s"), 6),
        ("toml", 'a = "x # [y" # c\n"b.c" = 1\n', ("b.c",), 2),
        ("toml", "a = [\n1,\n2]\nb = 1", ("a", 1), 1),
        ("env", "A=1\n# c\n\nB='x\ny'\nC=3", ("C",), 6),
        ("yaml", "a: 1", ("a", "deeper", 3), 1),
    ],
)
def test_lines_are_where_the_key_is(kind, text, path, line):
    assert line_at(READERS[kind](text), path) == line


def test_documents_of_a_yaml_text_are_told_apart():
    assert [plain_value(node) for node in read_yaml("---\na: 1\n---\n---\n# only a comment\n---\n- b\n")] == [
        {"a": 1},
        ["b"],
    ]


def test_an_alias_shares_its_value_and_is_counted_each_time():
    node = read_one_yaml("a: &a [1, 2]\nb: *a\nc: *a")
    value = plain_value(node)
    assert value["b"] is not None
    assert node.weight == 1 + 3 * 3
