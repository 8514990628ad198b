"""What fault tests share: a real PostgreSQL, the appender, and the checker of its history."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from interlock.storage.audit import audit
from interlock.testing.postgresql import PostgreSQL

APPENDER = Path(__file__).with_name("appender.py")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    with PostgreSQL() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'interlock.db'}"
    return request.getfixturevalue("postgresql").new_database()


@pytest.fixture(scope="session")
def appender() -> ModuleType:
    spec = importlib.util.spec_from_file_location("interlock_test_appender", APPENDER)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class History:
    """What happened, as the appenders saw it, against what the log holds.

    Rules: an acknowledged append stands in the log exactly once, at the index it was given; what was acknowledged
    before another began stands before it; nothing stands there that nobody tried, and nothing twice; each counter
    is at the number of its entries.
    """

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self.events: list[list[object]] = []

    def run(self, url: str, mode: str, count: int, seed: int, *, seconds: float) -> None:
        """Run the appender process to its end."""
        command = [sys.executable, str(APPENDER), url, mode, str(count), str(seed)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        self.events += [json.loads(line) for line in done.stdout.splitlines()]

    def acknowledged(self) -> dict[tuple[int, int, int], int]:
        """Index by (round, thread, number)."""
        return {tuple(event[1:4]): event[4] for event in self.events if event[0] == "a"}

    def check(self, url: str) -> int:
        """Check everything; returns how many entries the log holds."""
        module = self._module
        store = module.open_it(url)
        counters = store.read(lambda tx: tx.records(module.Counter).find())
        stands: dict[tuple[int, int, int], list[int]] = defaultdict(list)
        moved = {}
        for counter in counters:
            entries = store.read(lambda tx, name=counter.id: tx.log.entries(name))
            round_, thread = map(int, counter.id.split("."))
            moved[counter.id] = len(entries)
            for index, entry in entries:
                stands[round_, thread, entry.body["number"]].append(index)
        store.close()
        assert {each.id: each.value for each in counters} == moved, "records and entries went apart"
        self._check_order(stands)
        report = audit(url, module.SIGNER.verifier)
        assert report.findings == ()
        assert report.size == sum(map(len, stands.values())), "an entry belongs to no counter"
        return report.size

    def _check_order(self, stands: dict[tuple[int, int, int], list[int]]) -> None:
        tried = {tuple(event[1:4]) for event in self.events if event[0] == "t"}
        failed = {tuple(event[1:4]) for event in self.events if event[0] == "f"}
        assert stands.keys() <= tried, "an entry that nobody tried"
        assert not stands.keys() & failed, "an entry that was reported as failed"
        assert all(len(places) == 1 for places in stands.values()), "an entry twice"
        acknowledged = self.acknowledged()
        lost = {key for key, index in acknowledged.items() if stands.get(key) != [index]}
        assert not lost, f"acknowledged and lost, or moved: {sorted(lost)[:5]}"
        newest = -1
        for what, *key, index in self.events:
            if what == "t" and tuple(key) in stands:
                assert stands[tuple(key)][0] > newest, "later in time, earlier in the log"
            newest = max(newest, index)


@pytest.fixture
def history(appender: ModuleType) -> History:
    return History(appender)
