"""Lines that both sides have add nothing."""

from __future__ import annotations

from interlock.core.scan.differing import differing, lines_of
from interlock.core.scan.seen import Source


def kept(side, head, base, text=None, path="a", lineage="a"):
    texts = [
        (Source(side="head", path="a", content=b"", lineage="a"), head),
        (Source(side="base", path="a", content=b"", lineage="a"), base),
    ]
    source = Source(side=side, path=path, content=b"", lineage=lineage)
    return differing(source, {"head": head, "base": base}.get(side, text), lines_of(texts))


def test_lines_of_both_sides_are_left_out_as_often_as_both_have_them():
    head, base = b"new\none\ntwo\none\n", b"two\none\nold\n"
    assert kept("head", head, base) == [(1, b"new"), (4, b"one")]
    assert kept("base", head, base) == [(3, b"old")]
    assert kept("past", head, base, text=b"one\nold\n\nelse") == [(4, b"else")]


def test_a_file_without_another_side_is_whole():
    texts = [(Source(side="head", path="a", content=b""), b"one\n")]
    assert differing(texts[0][0], b"one\n", lines_of(texts)) == [(1, b"one")]
    assert kept("past", b"one", b"one", text=b"one", path="b", lineage="b") == [(1, b"one")]
