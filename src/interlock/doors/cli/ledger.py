"""``interlock ledger``: verify, prove, export and drill straight on the database; log and note through the API.

Rules:
1. These commands read; they need the public key and nothing secret. The key is the pinned one (``--key``), else
   the public half of this machine's key file, else the database's own claim. The answer says which, and which
   database was read; beside a server only the one that is named.
2. 0 it holds, 1 it does not, 2 wrong call, 3 it could not be read.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.doors.cli.desk import REFUSED, as_json, leave, show_json
from interlock.doors.cli.ledger_key import empty, pinned, remembered
from interlock.doors.cli.ledger_log import log
from interlock.doors.cli.ledger_note import note
from interlock.doors.cli.ledger_place import named, place
from interlock.doors.cli.screens.drill import VERDICT, attacked
from interlock.doors.cli.text import cut, hung, mark, plural, safe, width, wrap

if TYPE_CHECKING:
    from interlock.storage.drill import Attack

MAX_CHECKPOINT = 65_536

_database = click.option("--database", metavar="URL", help="sqlite:///path or postgresql://…")
_key = click.option("--key", "vkey", metavar="VKEY", help="The log's verifier key, as you pinned it.")


@click.group()
def ledger() -> None:
    """Verify, prove, export and drill the ledger; note in it what was done."""


ledger.add_command(log)
ledger.add_command(note)


@ledger.command()
@_database
@_key
@click.option("--older", metavar="FILE", multiple=True, help="A checkpoint you kept; the log must continue it.")
@as_json
def verify(*, database: str | None, vkey: str | None, older: tuple[str, ...], as_json: bool) -> None:
    """Verify every entry, tile and checkpoint."""
    from interlock.core.ledger.checkpoint import open_checkpoint  # noqa: PLC0415  # --help needs no cryptography
    from interlock.doors.cli.files import read_text  # noqa: PLC0415  # likewise
    from interlock.storage.audit import audit  # noqa: PLC0415  # likewise

    url = place(database)
    key, source = pinned(url, vkey)
    kept = [open_checkpoint(read_text(file, limit=MAX_CHECKPOINT), key) for file in older]
    begun = time.monotonic()
    report = audit(url, key, [*kept, *remembered(key)])
    if report.holds and not report.size:
        raise empty()
    if as_json:
        show_json(
            {
                "holds": report.holds,
                "database": named(url),
                "size": report.size,
                "signed": report.signed,
                "records": report.records,
                "root": report.root.hex(),
                "checkpoints": report.checkpoints,
                "key": str(key),
                "key_from": source,
                "findings": report.findings,
            }
        )
    else:
        count = f"{plural(report.size, 'entry').replace('entrys', 'entries')}, every leaf and tile"
        count += f", {plural(report.records, 'record')}"
        spent = f"{time.monotonic() - begun:.1f} s"
        click.echo(f"{mark(report.holds)} {'holds' if report.holds else 'REFUSED'}  {count}  ·  {spent}")
        for finding in report.findings:
            click.echo(f"  {mark(met=False)} {cut(safe(finding.text), width() - 4)}")
        _below("key", f"{key.name}+{key.key_id.hex()} {source}")
        click.echo(f"  database {safe(named(url))}")
        if report.holds and report.unsigned:
            _below("the newest", f"{report.unsigned} came while this was read and are not signed yet")
        if report.holds and not kept:
            _below("unwitnessed:", "a restored old backup looks the same; compare with --older CHECKPOINT")
    if not report.holds:
        leave(REFUSED)


@ledger.command()
@click.argument("index", type=click.IntRange(min=0))
@_database
@_key
@click.option("--out", metavar="FILE", help="Write there instead of printing (.tlog-proof).")
@as_json
def prove(*, index: int, database: str | None, vkey: str | None, out: str | None, as_json: bool) -> None:
    """Write the proof of entry INDEX, which anyone can verify offline."""
    from interlock.doors.cli.files import write_whole  # noqa: PLC0415  # --help needs no cryptography
    from interlock.storage.prove import prove_entry  # noqa: PLC0415  # likewise

    url = place(database)
    key, _ = pinned(url, vkey)
    proof = prove_entry(url, key, index)
    leaf = (proof.extra or b"").decode()
    if as_json:
        show_json({"index": index, "leaf": leaf, "proof": proof.text(), "key": str(key), "database": named(url)})
    elif out is None:
        click.echo(proof.text(), nl=False)
        click.echo(f"of database {safe(named(url))}", err=True)
    else:
        write_whole(out, proof.text().encode())
        click.echo(f"{mark(met=True)} entry {index} in {out}\n  {cut(safe(leaf), width() - 2)}")
        click.echo(f"  database {safe(named(url))}")
        click.echo(f"  python verify_log.py proof {out} --key '{key}'")


@ledger.command()
@click.argument("folder", type=click.Path(path_type=Path))
@_database
@_key
@click.option("--blobs", is_flag=True, help="Payloads too; they may be personal.")
@as_json
def export(*, folder: Path, database: str | None, vkey: str | None, blobs: bool, as_json: bool) -> None:
    """Write the log to FOLDER (C2SP tlog-tiles), with a one-file verifier beside it."""
    from interlock.storage.export import export_log  # noqa: PLC0415  # --help needs no cryptography

    url = place(database)
    key, source = pinned(url, vkey)
    done = export_log(url, key, folder, blobs=blobs)
    if as_json:
        told = {"folder": str(done.folder), "size": done.size, "blobs": done.blobs, "key": str(key)}
        show_json(told | {"database": named(url)})
        return
    click.echo(f"{mark(met=True)} {done.size:,} entries and {plural(done.blobs, 'blob')} in {done.folder}")
    click.echo(f"  python {done.folder / 'verify_log.py'} log {done.folder} --key '{key}'")
    click.echo(f"  pin that key now; it is {source}\n  database {safe(named(url))}")


@ledger.command()
@_database
@as_json
def drill(*, database: str | None, as_json: bool) -> None:
    """Attack a throw-away copy in eleven ways and show who notices."""
    from secrets import token_bytes  # noqa: PLC0415  # --help needs no randomness

    from interlock.plugins.world.system import SystemClock  # noqa: PLC0415  # likewise
    from interlock.storage.drill import drill as run  # noqa: PLC0415  # likewise

    url = place(database)
    here = database is not None or not url.startswith("sqlite:///")
    here = here or Path(url.removeprefix("sqlite:///")).is_file()
    done = run(url if here else None, clock=SystemClock(), randomness=token_bytes)
    if as_json:
        attacks = [_spelt(attack) for attack in done.attacks]
        show_json({"passed": done.passed, "entries": done.entries, "copied": done.copied, "attacks": attacks})
    else:
        click.echo(f"a throw-away copy of {done.entries:,} entries, {done.copied:,} of them from this log")
        for attack in done.attacks:
            click.echo("\n".join(attacked(attack)))
        click.echo("\n".join(wrap(VERDICT[done.passed], width())))
    if not done.passed:
        leave(REFUSED)


@ledger.command(name="key")
@_database
@as_json
def show_key(*, database: str | None, as_json: bool) -> None:
    """Print the log's verifier key, to be pinned elsewhere."""
    url = place(database)
    key, source = pinned(url, None)
    if as_json:
        show_json({"key": str(key), "from": source, "database": named(url)})
    else:
        click.echo(str(key))
        click.echo(f"the key {source}; database {safe(named(url))}", err=True)


def _below(word: str, text: str) -> None:
    click.echo("\n".join(hung(f"  {word} ", text, width(), indent=4)))


def _spelt(attack: Attack) -> dict[str, object]:
    shown: dict[str, object] = {"name": attack.name, "done": attack.done, "seen": attack.seen}
    return shown | {"by_the_log": attack.alone, "by_a_witness": attack.witness}
