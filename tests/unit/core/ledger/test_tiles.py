"""Paths as the C2SP document spells them, and entries as they are read back."""

from datetime import UTC, datetime

import pytest

from interlock.core.change.errors import InvalidInput, NotFound
from interlock.core.ledger.entry import Entry, read_leaf
from interlock.core.ledger.tiles import entries_path, pack_bundle, read_place, tile_path, unpack_bundle

ENTRY = Entry(
    kind="change.opened", subject="chg-1", actor="ana", at=datetime(2026, 3, 5, tzinfo=UTC), body={"a": [1, None]}
)


@pytest.mark.parametrize(
    ("number", "path"), [(0, "000"), (7, "007"), (999, "999"), (1000, "x001/000"), (1_234_067, "x001/x234/067")]
)
def test_numbers_are_written_in_groups(number, path):
    assert tile_path(0, number) == f"tile/0/{path}"
    assert tile_path(2, number, 5) == f"tile/2/{path}.p/5"
    assert entries_path(number) == f"tile/entries/{path}"
    assert entries_path(number, 255) == f"tile/entries/{path}.p/255"


@pytest.mark.parametrize("number", [0, 7, 999, 1000, 1_234_067, 10**18 - 1])
@pytest.mark.parametrize("width", [1, 99, 255, 256])
def test_an_address_is_read_back(number, width):
    _, level, place = tile_path(3, number, width).split("/", 2)
    assert read_place(place, level) == (3, number, width)


@pytest.mark.parametrize(
    "place",
    ["", "1", "0000", "x000/001", "001/002", "x001", "000.p/0", "000.p/256", "000.p/257", "000.p/01", "000.p/",
     "-01", "٠٠١", "000/", "/000", "000\n", "x001/x001/x001/x001/x001/x001/001", "000.p/1000"],
)  # fmt: skip
def test_another_spelling_is_no_address(place):
    for level in ("0", "1"):
        with pytest.raises(NotFound) as refusal:
            read_place(place, level)
        assert refusal.value.code == "tile-unknown"


@pytest.mark.parametrize("level", ["", "00", "01", "-1", "100", "x", "٣"])
def test_another_spelling_is_no_level(level):
    with pytest.raises(NotFound):
        read_place("000", level)


def test_leaves_and_bundles_have_limits():
    with pytest.raises(InvalidInput) as refusal:
        pack_bundle([bytes(65_536)])
    assert refusal.value.code == "entry-too-large"
    assert unpack_bundle(pack_bundle([bytes(65_535)])) == [bytes(65_535)]
    with pytest.raises(InvalidInput):
        unpack_bundle(pack_bundle([b"x"] * 257))


def test_an_entry_is_read_back_from_its_leaf():
    assert read_leaf(ENTRY.leaf()) == ENTRY
    assert read_leaf(ENTRY.leaf()).leaf() == ENTRY.leaf()


@pytest.mark.parametrize(
    "leaf", [b"", b"{}", b"[]", b'{"v":2}', ENTRY.leaf()[:-1], ENTRY.leaf().replace(b":1}", b":2}")]
)
def test_what_is_no_entry_is_refused(leaf):
    with pytest.raises(InvalidInput):
        read_leaf(leaf)
