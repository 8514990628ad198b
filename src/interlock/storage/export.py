"""Writing the log out as a directory of C2SP tlog-tiles that anyone can verify.

Rules:
1. What is written is the newest kept checkpoint and exactly the entries it covers, hashed anew from their bytes on
   the way: a log that does not meet its checkpoint is not exported (``IntegrityError``).
2. The checkpoint is written last, so that a directory without one is an export that did not finish.
3. The one-file verifier lies beside the log. Blobs come along only when asked for.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import sqlalchemy as sa

from interlock.core.change.errors import Conflict, InvalidInput, NotFound
from interlock.core.ledger.checkpoint import open_checkpoint
from interlock.core.ledger.merkle import hash_leaf
from interlock.core.ledger.note import VerifierKey
from interlock.core.ledger.tiles import entries_path, pack_bundle, tile_path
from interlock.core.ledger.tree import TILE_WIDTH, Tree
from interlock.storage import schema
from interlock.storage.audit import reading_error, stored_leaves
from interlock.storage.engine import connect
from interlock.storage.ledger import damaged

VERIFIER = Path(__file__).with_name("verify_log.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What lies in the directory now."""

    folder: Path
    size: int
    blobs: int


def export_log(url: str, key: VerifierKey, folder: Path, *, blobs: bool = False) -> Exported:
    """Write the log at ``url`` to ``folder``, which must be empty or new.

    Raises:
        Conflict: ``export-not-empty``.
        NotFound: ``checkpoint-missing`` when nothing was signed yet.
        IntegrityError: ``ledger-damaged`` when the rows do not lead to the checkpoint.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise Conflict(
                f"expected an empty folder, got `{folder}`",
                code="export-not-empty",
                hint="name a new folder, or empty this one",
            )
        return _export(url, key, folder, blobs=blobs)
    except OSError as error:
        raise InvalidInput(
            f"expected a folder that can be written, got {error.strerror} at `{folder}`",
            code="export-unwritable",
            hint="name a folder that this user may write, on a disk with space",
        ) from error


def _export(url: str, key: VerifierKey, folder: Path, *, blobs: bool) -> Exported:
    engines = connect(url, create=False)
    try:
        with engines.reader.begin() as connection:
            note = newest_note(connection)
            checkpoint = open_checkpoint(note, key)
            tree = _write_tiles(connection, checkpoint.size, folder)
            if tree.size != checkpoint.size or tree.root() != checkpoint.root:
                raise damaged(f"its entries do not lead to the checkpoint of {checkpoint.size}")
            count = _write_blobs(connection, folder) if blobs else 0
    except sa.exc.DBAPIError as error:
        raise reading_error(engines, error) from error
    finally:
        engines.dispose()
    shutil.copyfile(VERIFIER, folder / VERIFIER.name)
    (folder / "checkpoint").write_text(note, encoding="utf-8", newline="\n")
    return Exported(folder=folder, size=checkpoint.size, blobs=count)


def newest_note(connection: sa.Connection) -> str:
    """The newest kept checkpoint; ``NotFound`` before the first."""
    size = schema.checkpoint.c.size
    statement = sa.select(schema.checkpoint.c.note).where(size > 0).order_by(size.desc()).limit(1)
    note: str | None = connection.execute(statement).scalar()
    if note is None:
        raise NotFound(
            "expected a signed checkpoint, got none",
            code="checkpoint-missing",
            hint="record something first; the server signs right after",
        )
    return note


def _write_tiles(connection: sa.Connection, size: int, folder: Path) -> Tree:
    tree = Tree()
    leaves = stored_leaves(connection, size)
    while bundle := list(islice(leaves, TILE_WIDTH)):
        _put(folder / entries_path(tree.size // TILE_WIDTH, len(bundle)), pack_bundle(bundle))
        tree.extend(map(hash_leaf, bundle))
        for tile in tree.filled:
            _put(folder / tile_path(tile.level, tile.number), tile.hashes)
        tree.filled.clear()
    for tile in tree.open_tiles():
        _put(folder / tile_path(tile.level, tile.number, tile.width), tile.hashes)
    return tree


def _write_blobs(connection: sa.Connection, folder: Path) -> int:
    count = 0
    rows = connection.execute(
        sa.select(schema.blob.c.digest, schema.blob.c.content), execution_options={"yield_per": 16}
    )
    for row in rows:
        _put(folder / "blobs" / row.digest.replace(":", "-"), row.content)
        count += 1
    return count


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
