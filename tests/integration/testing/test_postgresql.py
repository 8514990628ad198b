"""PostgreSQL for tests starts wherever the clone lies, for whoever runs them."""

import os
import shutil

import psycopg

from interlock.testing.postgresql import PostgreSQL


def test_a_server_starts_from_below_a_private_folder(tmp_path):
    """As root, initdb runs as nobody, who could not reach a wheel below a folder of mode 0700."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    unused = PostgreSQL()
    unused.close()
    found = unused.binaries
    wheel = found.parent.parent
    for folder in (wheel / found.parent.name, wheel.with_name(f"{wheel.name}.libs")):
        if folder.is_dir():
            shutil.copytree(folder, private / folder.relative_to(wheel.parent), copy_function=os.link)
    with PostgreSQL(private / wheel.name / found.parent.name / found.name) as server:
        folder = server.binaries.parent
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert folder.is_relative_to(private) == (os.geteuid() != 0)
    assert folder.exists() == (os.geteuid() != 0), "a copy that was lent outlives its server"
