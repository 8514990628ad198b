"""``interlock ledger``: what is said, and the exit code it is said with."""

import json
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from interlock.core.ledger.entry import Entry
from interlock.core.ledger.note import NoteSigner
from interlock.core.ticket.record import Bar
from interlock.doors.cli.ledger_place import named
from interlock.doors.cli.main import main
from interlock.storage import open_store
from interlock.storage.kinds import RECORD_TYPES

SIGNER = NoteSigner("ledger.example/cli", bytes(range(32)))
OTHER = NoteSigner("ledger.example/cli", bytes(32))
START = datetime(2026, 3, 5, tzinfo=UTC)


class FixedClock:
    def now(self):
        return START


@pytest.fixture
def database(tmp_path, monkeypatch):
    """The URL of a log of 20 entries; the current folder is empty."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    url = f"sqlite:///{tmp_path / 'interlock.db'}"
    store = open_store(url, signer=SIGNER, clock=FixedClock(), record_types=[])
    entry = Entry(kind="change.opened", subject="chg-1", actor="ana", at=START, body={})
    store.write(lambda tx: [tx.log.append(entry) for _ in range(20)])
    (tmp_path / "older").write_text(store.checkpoint())
    store.close()
    return url


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a command; ``(exit code, stdout, stderr)``."""

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["interlock", *map(str, arguments)])
        try:
            code = main()
        except SystemExit as end:
            code = end.code
        said = capsys.readouterr()
        return code or 0, said.out, said.err

    return command


def edit(database, index):
    with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
        connection.execute(
            "UPDATE ledger_entry SET leaf = replace(leaf, 'ana', 'eve') WHERE position = ?", (index,)
        )
    connection.close()


def test_verify_holds(database, run, tmp_path):
    given = ("ledger", "verify", "--database", database, "--key", SIGNER.verifier)
    code, out, err = run(*given)
    assert (code, err) == (0, "")
    assert out.startswith("✓ holds  20 entries")
    assert "unwitnessed" in out
    code, out, _ = run(*given, "--older", tmp_path / "older", "--json")
    shown = json.loads(out)
    assert (code, shown["holds"], shown["size"], shown["findings"]) == (0, True, 20, [])


def test_an_edited_row_is_named_and_refused(database, run):
    edit(database, 7)
    code, out, _ = run("ledger", "verify", "--database", database, "--key", SIGNER.verifier)
    assert code == 1
    assert "REFUSED" in out
    assert "entry 7 was changed after it was written" in out
    code, out, _ = run("ledger", "verify", "--database", database, "--key", SIGNER.verifier, "--json")
    assert (code, json.loads(out)["findings"][0]["entry"]) == (1, 7)


def test_a_wrong_key_is_refused(database, run):
    code, out, _ = run("ledger", "verify", "--database", database, "--key", OTHER.verifier)
    assert code == 1
    assert "not by the pinned key" in out or "pinned is" in out


def test_without_a_pinned_key_the_answer_says_so(database, run):
    code, out, _ = run("ledger", "verify", "--database", database)
    assert code == 0
    assert "as the database itself claims" in out
    code, out, _ = run("ledger", "key", "--database", database)
    assert (code, out) == (0, f"{SIGNER.verifier}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "--database", "mysql://x"),
        ("verify", "--database", "sqlite:///nowhere.db"),
        ("verify", "--key", "nonsense"),
        ("prove", "20"),
        ("prove", "-1"),
        ("prove", "99999999999999999999999"),
        ("prove", "x"),
        ("export", "/proc/nowhere"),
    ],
)
def test_wrong_calls_exit_2_in_one_line_with_a_hint(database, run, arguments):
    extra = () if "--database" in arguments else ("--database", database)
    code, out, err = run("ledger", *arguments, *extra)
    assert code == 2
    assert out == ""
    assert err.startswith("error[")
    assert [line.split(":")[0].strip() for line in err.splitlines()[1:]] == ["hint"]


def test_a_damaged_log_is_not_proved_and_not_exported(database, run, tmp_path):
    edit(database, 7)
    for command in (("prove", "3"), ("export", tmp_path / "log")):
        code, _, err = run("ledger", *command, "--database", database, "--key", SIGNER.verifier)
        assert code == 3
        assert "error[ledger-damaged]" in err
    assert not (tmp_path / "log" / "checkpoint").exists()


def test_proof_and_export_verify_with_the_one_file(database, run, tmp_path):
    folder, proof = tmp_path / "log", tmp_path / "entry.tlog-proof"
    code, out, _ = run("ledger", "export", folder, "--database", database, "--key", SIGNER.verifier)
    assert (code, "20 entries" in out) == (0, True)
    code, out, _ = run("ledger", "prove", "3", "--out", proof, "--database", database, "--key", SIGNER.verifier)
    assert code == 0
    for arguments in (("log", folder), ("proof", proof)):
        command = [sys.executable, folder / "verify_log.py", *arguments, "--key", str(SIGNER.verifier)]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
    code, out, _ = run("ledger", "prove", "3", "--database", database, "--key", SIGNER.verifier)
    assert (code, out) == (0, proof.read_text())


def test_drill_shows_each_detection(database, run):
    code, out, _ = run("ledger", "drill", "--database", database)
    assert code == 0
    for name in ("edit", "unsign", "delete", "reorder", "fork", "restore", "re-key"):
        assert f"✓ {name}" in out
    assert out.count("needs the witness") == 2
    code, out, _ = run("ledger", "drill", "--database", database, "--json")
    assert (code, json.loads(out)["passed"]) == (0, True)


def test_an_empty_ledger_does_not_hold(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    open_store(url, signer=SIGNER, clock=FixedClock(), record_types=[]).close()
    code, out, err = run("ledger", "verify", "--database", url)
    assert (code, out) == (2, "")
    assert err.startswith("error[ledger-empty]")


def test_verifying_where_nothing_is_makes_nothing(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run("ledger", "verify")
    assert (code, out) == (2, "")
    assert err.startswith("error[database-missing]")
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_cannot_be_read_is_said_unless_one_is_given(database, run, monkeypatch, tmp_path):
    monkeypatch.setenv("INTERLOCK_KEYS", str(tmp_path / "older"))
    code, out, err = run("ledger", "verify", "--database", database)
    assert (code, out) == (2, "")
    assert err.startswith("error[key-unreadable]")
    assert run("ledger", "verify", "--database", database, "--key", SIGNER.verifier)[0] == 0


@pytest.fixture
def barred(tmp_path, monkeypatch):
    """The URL of a log about one bar; the current folder holds nothing else."""
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path / 'barred.db'}"
    store = open_store(url, signer=SIGNER, clock=FixedClock(), record_types=RECORD_TYPES)
    bar = Bar(id="bar-1", digest="sha256:1", environment="production", since=START, why="it did harm")
    entry = Entry(kind="bar.set", subject=bar.id, actor="ana", at=START, body={})
    store.write(lambda tx: (tx.records(Bar).add(bar), tx.log.append(entry)))
    store.close()
    return url


def test_records_are_counted(barred, run):
    _, out, _ = run("ledger", "verify", "--database", barred)
    assert out.startswith("✓ holds  1 entry, every leaf and tile, 1 record")


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("DELETE FROM bars", "bars/bar-1 is gone: entry 0 recorded it"),
        ("UPDATE bars SET body = replace(body, 'harm', 'no harm')", "bars/bar-1 is not what entry 0 recorded"),
    ],
)
def test_a_record_edited_in_the_database_is_named_and_refused(barred, run, statement, says):
    with sqlite3.connect(barred.removeprefix("sqlite:///")) as connection:
        connection.execute(statement)
    connection.close()
    code, out, _ = run("ledger", "verify", "--database", barred)
    assert code == 1
    assert f"✗ {says}" in out
    code, out, _ = run("ledger", "verify", "--database", barred, "--json")
    assert json.loads(out)["findings"] == [{"what": "record", "text": says, "entry": 0, "record": "bars/bar-1"}]
    assert code == 1


def test_a_database_without_entries_holds_nothing_and_stays_as_it_was(run, tmp_path, monkeypatch):
    """No ✓ over nothing, and no key or database made by looking."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.db").write_bytes(b"")
    url = f"sqlite:///{tmp_path / 'begun.db'}"
    open_store(url, signer=SIGNER, clock=FixedClock(), record_types=[]).close()
    before = sorted(tmp_path.iterdir())
    cases = {
        (): "database-missing",
        ("--database", "sqlite:///empty.db"): "ledger-missing",
        ("--database", url): "ledger-empty",
    }
    for given, code in cases.items():
        for key in ((), ("--key", SIGNER.verifier)):
            left, out, err = run("ledger", "verify", *given, *key)
            assert (left, out) == (2, "")
            assert err.startswith(f"error[{code}]")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "command", [("verify",), ("key",), ("export", "log"), ("prove", "0"), ("drill",), ("verify", "--json")]
)
def test_beside_a_server_no_other_ledger_is_taken_for_its_own(database, run, monkeypatch, tmp_path, command):
    """A left-over local ledger used to be verified, and its key shown, as if it were the server's."""
    monkeypatch.setenv("INTERLOCK_SERVER", "http://127.0.0.1:9")
    monkeypatch.setenv("INTERLOCK_DATABASE", database)
    code, out, err = run("ledger", *command)
    assert code == 2
    assert "ledger-elsewhere" in out + err
    assert list((tmp_path / "home").iterdir()) == []
    assert run("ledger", "verify", "--database", database)[0] == 0


def test_every_answer_names_the_database(database, run, tmp_path):
    for command in (("verify",), ("export", tmp_path / "log"), ("prove", "3"), ("key",)):
        _, out, err = run("ledger", *command, "--database", database)
        assert f"database {database}" in out + err
        again = [tmp_path / "again" if part == tmp_path / "log" else part for part in command]
        _, out, _ = run("ledger", *again, "--database", database, "--json")
        assert json.loads(out)["database"] == database


def test_a_password_is_never_shown():
    assert named("postgresql://ana:secret@db.example/shop") == "postgresql://ana:***@db.example/shop"
    assert "secret" not in named("post gresql://ana:secret@")
