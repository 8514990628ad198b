"""Verify an exported interlock ledger with nothing but Python and the package ``cryptography``.

    python verify_log.py log  FOLDER --key VKEY [--older CHECKPOINT_FILE]
    python verify_log.py proof FILE.tlog-proof --key VKEY [--leaf LEAF_FILE]

The key must come from you, not from the folder: whoever can write the folder could have put another key there.

Rules:
1. This file shares no line with the software that wrote the log; it follows RFC 6962 and the C2SP documents
   signed-note, tlog-checkpoint, tlog-tiles and tlog-proof.
2. Every leaf is hashed, every tile recomputed and compared byte by byte, both roots met, the signature verified
   with the pinned key. A file too many or too few is a finding.
3. Exit 0: it holds. 1: it does not. 2: the call was wrong.
"""

import argparse
import base64
import binascii
import hashlib
import re
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TILE = 256
HASH = 32
GROUP = 1_000
NOTE_LINES = 4
WORDS = 3
MAX_TEXT = 262_144
ED25519 = b"\x01"


class Broken(Exception):
    """What was read does not prove what it claims."""


def leaf_hash(leaf: bytes) -> bytes:
    """The RFC 6962 hash of a leaf."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The RFC 6962 hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: list[bytes]) -> bytes:
    """The RFC 6962 root over a list of nodes of one level, the last of which may stand for fewer leaves."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    row = hashes
    while len(row) > 1:
        pairs = [node_hash(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)]
        row = pairs + row[len(pairs) * 2 :]
    return row[0]


def decode(text: str, what: str) -> bytes:
    """Strict base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Broken(f"{what} is not base64") from None


class Key:
    """A pinned verifier key, ``name+id+base64``."""

    def __init__(self, vkey: str) -> None:
        self.name, _, rest = vkey.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        typed = decode(encoded, "the key")
        self.id = hashlib.sha256(self.name.encode() + b"\n" + typed).digest()[:4]
        if typed[:1] != ED25519 or len(typed) != 1 + HASH or self.id.hex() != key_id or not self.name:
            raise Broken("the key is not a verifier key `name+id+base64` for Ed25519")
        self.public = Ed25519PublicKey.from_public_bytes(typed[1:])

    def checkpoint(self, note: str) -> tuple[int, bytes]:
        """``(size, root)`` of a checkpoint that this key signed."""
        text, separator, lines = note.rpartition("\n\n")
        if not separator or not lines.endswith("\n"):
            raise Broken("the checkpoint is not a signed note")
        text += "\n"
        signed = False
        for line in lines[:-1].split("\n"):
            parts = line.split(" ")
            if len(parts) != WORDS or parts[0] != "\u2014":
                raise Broken("a signature line of the checkpoint is malformed")
            content = decode(parts[2], "a signature")
            if parts[1] == self.name and content[:4] == self.id:
                try:
                    self.public.verify(content[4:], text.encode())
                except InvalidSignature:
                    raise Broken("the signature of the pinned key does not verify") from None
                signed = True
        if not signed:
            raise Broken(f"the checkpoint is not signed by the pinned key {self.name}+{self.id.hex()}")
        return self.parse(text)

    def parse(self, text: str) -> tuple[int, bytes]:
        """``(size, root)`` of a checkpoint's text."""
        lines = text.split("\n")
        if len(lines) < NOTE_LINES or lines[0] != self.name or not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]):
            raise Broken("the checkpoint's origin or size is not what the key's log writes")
        root = decode(lines[2], "the root")
        if len(root) != HASH:
            raise Broken("the root is not a SHA-256")
        return int(lines[1]), root


def place(number: int, width: int) -> str:
    """A tile's number as a path."""
    groups = [f"{number % GROUP:03d}"]
    while number >= GROUP:
        number //= GROUP
        groups.insert(0, f"x{number % GROUP:03d}")
    return "/".join(groups) + ("" if width == TILE else f".p/{width}")


def bundle(path: Path, width: int) -> list[bytes]:
    """The leaves of one bundle."""
    content = path.read_bytes()
    leaves: list[bytes] = []
    at = 0
    while at < len(content):
        start = at + 2
        at = start + int.from_bytes(content[at:start], "big")
        leaves.append(content[start:at])
    if at != len(content) or len(leaves) != width:
        raise Broken(f"{path} does not hold exactly {width} leaves")
    return leaves


def verify_folder(folder: Path, key: Key, older: Path | None) -> str:
    """Verify every leaf and every tile of an exported log."""
    size, root = key.checkpoint(read_text(folder / "checkpoint"))
    known = {"checkpoint"}
    row: list[bytes] = []
    for number in range((size + TILE - 1) // TILE):
        width = min(TILE, size - number * TILE)
        path = f"tile/entries/{place(number, width)}"
        known.add(path)
        row.extend(leaf_hash(leaf) for leaf in bundle(need(folder, path), width))
    leaves, level = row, 0
    while row:
        for number in range((len(row) + TILE - 1) // TILE):
            part = row[number * TILE : (number + 1) * TILE]
            path = f"tile/{level}/{place(number, len(part))}"
            known.add(path)
            if need(folder, path).read_bytes() != b"".join(part):
                raise Broken(f"{path} does not follow from the entries")
        row = [root_of(row[at * TILE : (at + 1) * TILE]) for at in range(len(row) // TILE)]
        level += 1
    if root_of(leaves) != root:
        raise Broken(f"the {size} entries do not lead to the signed root")
    if older is not None:
        compare(key.checkpoint(read_text(older)), leaves)
    strangers = {path.relative_to(folder).as_posix() for path in (folder / "tile").rglob("*") if path.is_file()}
    if strangers - known:
        raise Broken(f"{min(strangers - known)} is not part of a log of {size} entries")
    return f"holds: {size} entries, every leaf and tile, signed by {key.name}"


def compare(checkpoint: tuple[int, bytes], leaves: list[bytes]) -> None:
    """Whether the log continues an older checkpoint."""
    size, root = checkpoint
    if size > len(leaves):
        raise Broken(f"the older checkpoint covers {size} entries, here are {len(leaves)}: the log went back")
    if root_of(leaves[:size]) != root:
        raise Broken(f"the first {size} entries are not those of the older checkpoint: history was rewritten")


def verify_proof(file: Path, key: Key, leaf_file: Path | None) -> str:
    """Verify one ``tlog-proof`` file."""
    head, separator, note = read_text(file).partition("\n\n")
    lines = head.split("\n")
    if not separator or lines.pop(0) != "c2sp.org/tlog-proof@v1":
        raise Broken("the file is not a tlog-proof@v1")
    extra = decode(lines.pop(0)[6:], "extra") if lines and lines[0].startswith("extra ") else None
    index = re.fullmatch(r"index (0|[1-9][0-9]{0,18})", lines.pop(0) if lines else "")
    leaf = leaf_file.read_bytes() if leaf_file is not None else extra
    if index is None or leaf is None:
        raise Broken("the proof names no index, or there is no leaf: give --leaf")
    size, root = key.checkpoint(note)
    climb(int(index[1]), size, leaf_hash(leaf), [decode(line, "a hash") for line in lines], root)
    return f"holds: entry {index[1]} of {size}, signed by {key.name}\n{leaf.decode(errors='replace')}"


def climb(index: int, size: int, node: bytes, proof: list[bytes], root: bytes) -> None:
    """RFC 9162, 2.1.3.2: from the leaf to the root."""
    last = size - 1
    if not 0 <= index < size:
        raise Broken("the index lies beyond the checkpoint")
    for sibling in proof:
        if last == 0 or len(sibling) != HASH:
            raise Broken("the proof has a hash too many, or one that is none")
        if index % 2 or index == last:
            node = node_hash(sibling, node)
            while index % 2 == 0 and index:
                index, last = index // 2, last // 2
        else:
            node = node_hash(node, sibling)
        index, last = index // 2, last // 2
    if last != 0 or node != root:
        raise Broken("the proof does not lead to the signed root")


def need(folder: Path, path: str) -> Path:
    """A file that must be there."""
    if not (folder / path).is_file():
        raise Broken(f"{path} is missing")
    return folder / path


def read_text(path: Path) -> str:
    """A small UTF-8 file."""
    content = path.read_bytes()
    if len(content) > MAX_TEXT:
        raise Broken(f"{path} is too large")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise Broken(f"{path} is not UTF-8") from None


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Verify an exported ledger, or one proof, offline.")
    kinds = parser.add_subparsers(dest="kind", required=True)
    log = kinds.add_parser("log", help="a folder written by `interlock ledger export`")
    log.add_argument("folder", type=Path)
    log.add_argument("--older", type=Path, help="a checkpoint you kept: the log must continue it")
    proof = kinds.add_parser("proof", help="a file written by `interlock ledger prove`")
    proof.add_argument("file", type=Path)
    proof.add_argument("--leaf", type=Path, help="the entry's bytes, where the proof does not carry them")
    for each in (log, proof):
        each.add_argument("--key", required=True, help="the pinned verifier key")
    given = parser.parse_args()
    try:
        key = Key(given.key)
        if given.kind == "log":
            said = verify_folder(given.folder, key, given.older)
        else:
            said = verify_proof(given.file, key, given.leaf)
    except (Broken, OSError) as error:
        sys.stderr.write(f"REFUSED: {error}\n")
        return 1
    sys.stdout.write(said + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
