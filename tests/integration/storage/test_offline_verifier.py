"""An exported log, verified by one file in a Python that has nothing but ``cryptography``."""

import importlib.util
import shutil
import subprocess
import sys
import venv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from interlock.core.change.errors import Conflict, InvalidInput
from interlock.core.ledger.entry import Entry
from interlock.core.ledger.note import NoteSigner
from interlock.storage import open_store
from interlock.storage.export import export_log
from interlock.storage.prove import prove_entry

SIGNER = NoteSigner("ledger.example/export", bytes(range(32)))
OTHER = NoteSigner("ledger.example/export", bytes(32))
START = datetime(2026, 3, 5, tzinfo=UTC)
SIZE = 700


class FixedClock:
    def now(self):
        return START


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A Python whose only packages are ``cryptography`` and what that needs."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, symlinks=True, with_pip=False)
    packages = next(folder.glob("lib/python*/site-packages"))
    for name in ("cryptography", "cffi", "_cffi_backend", "pycparser"):
        spec = importlib.util.find_spec(name)
        if spec is not None:
            place = Path(spec.origin)
            place = place.parent if place.name == "__init__.py" else place
            (packages / place.name).symlink_to(place)
    python = folder / "bin" / "python"
    shown = subprocess.run([python, "-c", "import sqlalchemy"], capture_output=True, check=False)
    assert shown.returncode != 0, "the bare Python is not bare"
    return python


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """``(folder, url, older checkpoint)`` of a log of 700 entries and an older one of 300."""
    base = tmp_path_factory.mktemp("export")
    url = f"sqlite:///{base / 'interlock.db'}"
    store = open_store(url, signer=SIGNER, clock=FixedClock(), record_types=[])

    def entries(start, end):
        return [
            Entry(kind="change.opened", subject=f"chg-{n}", actor="ana", at=START, body={"n": n})
            for n in range(start, end)
        ]

    store.write(lambda tx: [tx.log.append(entry) for entry in entries(0, 300)])
    older = base / "older"
    older.write_text(store.checkpoint())
    store.write(lambda tx: (tx.put_blob(b"payload"), [tx.log.append(entry) for entry in entries(300, SIZE)]))
    store.close()
    export_log(url, SIGNER.verifier, base / "log", blobs=True)
    return base / "log", url, older


@pytest.fixture
def folder(exported, tmp_path):
    """A copy of the exported log that a test may damage."""
    return shutil.copytree(exported[0], tmp_path / "log")


def verify(python, folder, *arguments, key=SIGNER.verifier):
    command = [python, "-I", folder / "verify_log.py", *arguments, "--key", str(key)]
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)


def test_the_whole_log_holds(bare, exported):
    folder, _, older = exported
    done = verify(bare, folder, "log", folder, "--older", older)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"holds: {SIZE} entries")
    assert [path.read_bytes() for path in (folder / "blobs").iterdir()] == [b"payload"]


def test_a_wrong_key_is_refused(bare, exported):
    done = verify(bare, exported[0], "log", exported[0], key=OTHER.verifier)
    assert done.returncode == 1
    assert "not signed by the pinned key" in done.stderr


def test_a_key_that_is_none_is_refused(bare, exported):
    assert verify(bare, exported[0], "log", exported[0], key="nonsense").returncode == 1


def damage_entry(folder):
    path = folder / "tile" / "entries" / "001"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)


def drop_entry(folder):
    (folder / "tile" / "entries" / "002.p" / "188").unlink()


def damage_tile(folder):
    path = folder / "tile" / "1" / "000.p" / "2"
    content = bytearray(path.read_bytes())
    content[-1] ^= 128
    path.write_bytes(content)


def add_tile(folder):
    (folder / "tile" / "0" / "003").write_bytes(bytes(8192))


def lengthen_bundle(folder):
    path = folder / "tile" / "entries" / "000"
    path.write_bytes(path.read_bytes() + b"\x00\x01x")


def grow_checkpoint(folder):
    path = folder / "checkpoint"
    path.write_text(path.read_text().replace("\n700\n", "\n701\n"))


def drop_checkpoint(folder):
    (folder / "checkpoint").unlink()


@pytest.mark.parametrize(
    "damage",
    [damage_entry, drop_entry, damage_tile, add_tile, lengthen_bundle, grow_checkpoint, drop_checkpoint],
)
def test_damage_is_refused(folder, damage):
    damage(folder)
    done = verify(sys.executable, folder, "log", folder)
    assert done.returncode == 1
    assert done.stderr.startswith("REFUSED: ")
    assert done.stderr.count("\n") == 1


def test_history_that_does_not_continue_an_older_checkpoint_is_refused(folder, exported, tmp_path):
    rewritten = tmp_path / "older"
    root = "A" * 43 + "="
    rewritten.write_text(SIGNER.sign(f"{SIGNER.name}\n300\n{root}\n"))
    done = verify(sys.executable, folder, "log", folder, "--older", rewritten)
    assert "history was rewritten" in done.stderr
    longer = tmp_path / "longer"
    longer.write_text(SIGNER.sign(f"{SIGNER.name}\n900\n{root}\n"))
    done = verify(sys.executable, folder, "log", folder, "--older", longer)
    assert "the log went back" in done.stderr


@pytest.mark.parametrize("index", [0, 255, 256, 511, 512, 698, 699])
def test_single_proofs_hold(exported, tmp_path, index):
    proof = prove_entry(exported[1], SIGNER.verifier, index)
    file = tmp_path / "entry.tlog-proof"
    file.write_text(proof.text())
    done = verify(sys.executable, exported[0], "proof", file)
    assert (done.returncode, done.stderr) == (0, "")
    assert f'"n":{index}' in done.stdout
    wrong = tmp_path / "leaf"
    wrong.write_bytes(proof.extra + b" ")
    assert verify(sys.executable, exported[0], "proof", file, "--leaf", wrong).returncode == 1
    file.write_text(proof.text().replace(f"index {index}\n", f"index {index ^ 1}\n"))
    assert verify(sys.executable, exported[0], "proof", file).returncode == 1


def test_a_proof_is_verified_without_any_package_but_cryptography(bare, exported, tmp_path):
    file = tmp_path / "entry.tlog-proof"
    file.write_text(prove_entry(exported[1], SIGNER.verifier, 5).text())
    assert verify(bare, exported[0], "proof", file).returncode == 0


def test_proofs_beyond_the_checkpoint_and_with_another_key_are_refused(exported):
    with pytest.raises(InvalidInput) as refusal:
        prove_entry(exported[1], SIGNER.verifier, SIZE)
    assert refusal.value.code == "index-beyond-tree"
    with pytest.raises(InvalidInput) as refusal:
        prove_entry(exported[1], OTHER.verifier, 0)
    assert refusal.value.code == "note-refused"


def test_export_wants_an_empty_folder(exported):
    with pytest.raises(Conflict) as conflict:
        export_log(exported[1], SIGNER.verifier, exported[0])
    assert conflict.value.code == "export-not-empty"
