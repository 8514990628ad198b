"""A full disk and a disk that cannot sync, by a shim in front of the C library."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.storage.audit import audit

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    compiler = shutil.which("gcc") or shutil.which("cc")
    assert compiler, "expected a C compiler for the bad disk, found none: install gcc"
    library = tmp_path_factory.mktemp("shim") / "full_disk.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", library, HERE / "full_disk.c", "-ldl"]
    subprocess.run([str(part) for part in command], check=True, capture_output=True)
    return library


def test_nothing_is_lost_and_nothing_half_done_on_a_bad_disk(shim, tmp_path, appender):
    disk = tmp_path / "disk"
    disk.mkdir()
    url, flag = f"sqlite:///{disk / 'interlock.db'}", tmp_path / "flag"
    environment = os.environ | {"LD_PRELOAD": str(shim), "FAULT_FLAG": str(flag), "FAULT_UNDER": str(disk)}
    command = [sys.executable, str(HERE / "on_a_bad_disk.py"), url, str(flag)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    told = [json.loads(line) for line in done.stdout.splitlines()]
    codes = {phase: {code for each, _, code in told if each == phase} for phase, _, _ in told}
    assert codes["good"] == {None}, "it goes on once the disk is well again"
    assert codes["space"] <= {"storage-full", "commit-unknown", "database-unavailable"}
    assert codes["fsync"] <= {"commit-unknown", "database-unavailable"}
    acknowledged = {number for _, number, code in told if code is None}
    failed = {number for _, number, code in told if code not in (None, "commit-unknown")}
    store = appender.open_it(url)
    value, entries = store.read(lambda tx: (tx.records(appender.Counter).get("0.0").value, tx.log.entries("0.0")))
    store.close()
    numbers = [entry.body["number"] for _, entry in entries]
    assert len(numbers) == len(set(numbers)) == value
    assert acknowledged <= set(numbers)
    assert not failed & set(numbers)
    assert audit(url, appender.SIGNER.verifier).findings == ()
