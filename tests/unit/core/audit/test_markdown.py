"""What people wrote stays text on a page, and commands run exactly as they are shown."""

from __future__ import annotations

import subprocess

import pytest

from interlock.core.audit.markdown import code, command, fenced, text


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("- [x] all is well", r"\- \[x\] all is well"),
        ("a\n- [x] b", r"a - \[x\] b"),
        ("1. [x] b", r"1\. \[x\] b"),
        ("> quoted", r"\> quoted"),
        ("# Approved", r"\# Approved"),
        ("<img src=x onerror=y>", r"\<img src=x onerror=y>"),
        ("[x](javascript:1)", r"\[x\](javascript:1)"),
        ("`code` and *bold* and _more_", r"\`code\` and \*bold\* and \_more\_"),
        ("a|b", r"a\|b"),
        ("&lt;b&gt; a & b", r"\&lt;b\&gt; a & b"),
        ("required_tests stays", "required_tests stays"),
        ("@ana see https://x.example", "@\u2060ana see https:\u2060//x.example"),
        ("ana@shop.example", "ana@shop.example"),
        ("a\x1b[2Jb\u202ec", r"a\\u001b\[2Jb\\u202ec"),
        ("===", r"\==="),
    ],
)
def test_nothing_that_somebody_wrote_means_anything(given, shown):
    assert text(given) == shown


def test_a_long_text_is_cut():
    assert len(text("a" * 10_000)) == 601


@pytest.mark.parametrize(("given", "shown"), [("a", "`a`"), ("a`b", "``a`b``"), ("`a`", "`` `a` ``"), ("", "")])
def test_code_ends_where_it_should(given, shown):
    assert code(given) == shown


def test_a_fence_is_longer_than_what_it_holds():
    assert fenced(["a", "````"], "bash") == ["`````bash", "a", "````", "`````"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["printf", "%s", "plain"],
        ["printf", "%s", "two words and 'quotes' and $HOME and `id`"],
        ["printf", "%s", "two\nlines\tand a \\ back'slash"],
        ["printf", "%s", "\x1b[2J \x07 \u202e"],
        ["printf", "%s", ""],
        ["printf", "%s", "*.on"],
    ],
)
def test_what_is_shown_runs_as_it_was(arguments):
    shown = command(arguments)
    assert "\n" not in shown
    assert shown.isprintable()
    said = subprocess.run(["bash", "-c", shown], capture_output=True, check=True, timeout=30).stdout
    assert said.decode() == arguments[2]
