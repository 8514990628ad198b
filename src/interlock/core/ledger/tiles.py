"""C2SP tlog-tiles: how a log lies in a directory.

Rules:
1. ``tile/<level>/<number>`` holds hashes, ``tile/entries/<number>`` the leaves behind a two-byte length each.
   The number is written in groups of three digits, all but the last behind an ``x``; a tile that is not full
   ends in ``.p/<width>``.
2. Reading is strict: a bundle with a byte too many or too few is refused, and a tile has one address only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from interlock.core.change.errors import InvalidInput, NotFound
from interlock.core.ledger.entry import MAX_LEAF
from interlock.core.ledger.tree import TILE_WIDTH

_LENGTH_BYTES = 2
_LEVEL = re.compile(r"0|[1-9][0-9]?")
_PLACE = re.compile(r"(?P<number>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?")


def tile_path(level: int, number: int, width: int = TILE_WIDTH) -> str:
    """Where a tile of hashes lies."""
    return f"tile/{level}/{_number(number)}{_partial(width)}"


def entries_path(number: int, width: int = TILE_WIDTH) -> str:
    """Where a bundle of leaves lies."""
    return f"tile/entries/{_number(number)}{_partial(width)}"


def read_place(place: str, level: str = "0") -> tuple[int, int, int]:
    """Level, number and width of the tile at ``<level>/<place>``.

    Raises:
        NotFound: ``tile-unknown`` for what is not the one address of a tile.
    """
    found = _PLACE.fullmatch(place)
    if not found or not _LEVEL.fullmatch(level):
        raise unknown_tile(f"{level}/{place}")
    number = int(found["number"].replace("x", "").replace("/", ""))
    width = int(found["width"] or TILE_WIDTH)
    if f"{_number(number)}{_partial(width)}" != place or width > TILE_WIDTH:
        raise unknown_tile(f"{level}/{place}")
    return int(level), number, width


def unknown_tile(got: str) -> NotFound:
    """The error for a tile that no log has, or this one not yet."""
    return NotFound(
        f"expected a tile under the newest checkpoint, got `{got[:60]}`",
        code="tile-unknown",
        hint="read the checkpoint first; its size says which tiles there are, and how wide the last ones",
    )


def pack_bundle(leaves: Iterable[bytes]) -> bytes:
    """Leaves, each behind its length as two big-endian bytes.

    Raises:
        InvalidInput: ``entry-too-large`` above 65,535 bytes.
    """
    packed = bytearray()
    for leaf in leaves:
        if len(leaf) > MAX_LEAF:
            raise InvalidInput(
                f"expected leaves of at most {MAX_LEAF} bytes, got {len(leaf)}",
                code="entry-too-large",
                hint="store the payload as a blob and name its digest",
            )
        packed += len(leaf).to_bytes(_LENGTH_BYTES, "big") + leaf
    return bytes(packed)


def unpack_bundle(packed: bytes) -> list[bytes]:
    """The leaves of a bundle.

    Raises:
        InvalidInput: ``bundle-malformed`` when lengths and bytes do not agree.
    """
    leaves: list[bytes] = []
    at = 0
    while at < len(packed):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(packed[start - _LENGTH_BYTES : start], "big")
        if start > len(packed) or at > len(packed) or len(leaves) == TILE_WIDTH:
            raise InvalidInput(
                f"expected a bundle of at most {TILE_WIDTH} whole leaves, got one that ends elsewhere",
                code="bundle-malformed",
                hint="export the log again and compare",
            )
        leaves.append(packed[start:at])
    return leaves


def _number(number: int) -> str:
    groups = [f"{number % 1000:03d}"]
    while number := number // 1000:
        groups.insert(0, f"x{number % 1000:03d}")
    return "/".join(groups)


def _partial(width: int) -> str:
    return "" if width == TILE_WIDTH else f".p/{width}"
