"""Texts that fit a regular expression."""

from __future__ import annotations

import pytest

from interlock.core.alerts.shape import Fits
from interlock.core.alerts.witness_text import fitting


@pytest.mark.parametrize(
    "pattern",
    ["5..", "^5..", "4xx|5xx", ".*thanos-rule.*", "(qemu|lxc)/.*", "(?:5..)", "a+b?c*", r"\d+\.\d{2}", "[a-z]{3}x",
     "[^a]b", r"[\d]+", "(?i:x)y", "a|", "tmpfs|(fuse.*)"],
)  # fmt: skip
def test_the_text_fits(pattern):
    assert Fits()(pattern, fitting(pattern))


@pytest.mark.parametrize("pattern", ["[a", "(a", "a{", "\\", ""])
def test_what_is_no_expression_does_no_harm(pattern):
    assert isinstance(fitting(pattern), str)
