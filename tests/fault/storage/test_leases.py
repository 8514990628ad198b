"""Servers that race for work, are killed, and are stopped: one holder at a time, by the database's word."""

import importlib.util
import json
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

LESSEE = Path(__file__).with_name("lessee.py")
WORKS = [f"roll-{n}" for n in range(6)]
LEASE = 3.0


@pytest.fixture(scope="module")
def lessee():
    spec = importlib.util.spec_from_file_location("interlock_test_lessee", LESSEE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class Server:
    """One process and everything it said so far."""

    def __init__(self, url, owner, mode, seconds=LEASE, count=0):
        command = [sys.executable, str(LESSEE), url, owner, mode, str(seconds), str(count)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.events = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def first(self, what, *, within=20.0):
        """The moment of the first event of a kind."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            for event in self.events:
                if event[0] == what:
                    return event[4]
            time.sleep(0.005)
        return pytest.fail(f"no `{what}` within {within} s: {self.events[-5:]}")

    def send(self, what):
        self.process.send_signal(what)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()


@pytest.fixture
def start(url):
    servers = []

    def begin(*arguments, **named):
        servers.append(Server(url, *arguments, **named))
        return servers[-1]

    yield begin
    for each in servers:
        each.end()


@pytest.fixture
def store(url, lessee):
    store = lessee.open_it(url)
    for work in WORKS:
        store.leases.offer(work)
    yield store
    store.close()


def uses(store):
    """For each work the tokens it was used under and by whom, in the ledger's order."""
    entries = store.read(lambda tx: {work: tx.log.entries(work) for work in WORKS})
    return {work: [(entry.body["token"], entry.actor) for _, entry in found] for work, found in entries.items()}


def check_order(store):
    """Tokens only rise along the ledger, and each is one owner's."""
    for used in uses(store).values():
        tokens = [token for token, _ in used]
        assert tokens == sorted(tokens)
        owners = defaultdict(set)
        for token, owner in used:
            owners[token].add(owner)
        assert all(len(each) == 1 for each in owners.values())


def test_two_servers_racing_never_hold_one_piece_at_once(store, start):
    count = 150
    servers = [start(name, "race", seconds=5.0, count=count) for name in ("ana", "ben")]
    for each in servers:
        assert each.process.wait(timeout=60) == 0
        each.end()
    spans = defaultdict(list)
    for each in servers:
        held = {}
        for what, _, work, token, at in each.events:
            if what == "held":
                held[work, token] = at
            elif what == "free":
                spans[work].append((held[work, token], at, token))
        assert not [event for event in each.events if event[0] == "lease-lost"]
        assert sum(event[0] == "used" for event in each.events) >= count
    for work in WORKS:
        ordered = sorted(spans[work])
        assert [token for *_, token in ordered] == list(range(1, len(ordered) + 1))
        assert all(end <= begin for (_, end, _), (begin, _, _) in pairwise(ordered))
    check_order(store)
    assert sum(len(used) for used in uses(store).values()) >= 2 * count


@pytest.mark.soak
def test_a_killed_holder_is_followed_soon_after_its_lease(store, start):
    first = start("ana", "hold")
    first.first("used")
    second = start("ben", "hold")
    second.first("ready")
    killed = time.monotonic()
    first.send(signal.SIGKILL)
    assert 0 < second.first("held") - killed < 5
    second.first("used")
    check_order(store)


def test_a_stopped_holder_is_followed_and_does_nothing_when_it_wakes(store, start):
    """It is stopped between two transactions: inside one it would keep SQLite's lock until it goes on."""
    first = start("ana", "hold")
    first.first("used")
    time.sleep(0.2)
    first.send(signal.SIGSTOP)
    stopped = time.monotonic()
    second = start("ben", "hold")
    assert second.first("used") - stopped < LEASE + 3
    first.send(signal.SIGCONT)
    first.first("lost")
    woken = [event for event in first.events if event[4] > second.first("held") and event[0] == "used"]
    assert not woken
    assert first.process.wait(timeout=10) == 0
    check_order(store)
    assert uses(store)[WORKS[0]][-1][1] == "ben"


@pytest.mark.soak
def test_a_server_that_stalls_inside_a_write_does_not_stop_the_others(postgresql, lessee):
    """It kept the ledger's lock for as long as it stood still: nobody else could write for half a minute."""
    url = postgresql.new_database()
    store = lessee.open_it(url)
    store.leases.offer(WORKS[0])
    first = Server(url, "ana", "stall")
    second = None
    try:
        stalled = first.first("stall")
        second = Server(url, "ben", "hold")
        assert second.first("used", within=25) - stalled < 15
        first.send(signal.SIGCONT)
        first.first("lease-lost")
        first.first("lost")
        assert first.process.wait(timeout=10) == 0
        assert {owner for _, owner in uses(store)[WORKS[0]]} == {"ben"}
    finally:
        for each in (first, second):
            if each is not None:
                each.send(signal.SIGCONT)
                each.end()
        store.close()


@pytest.mark.soak
def test_take_overs_of_fifty_killed_servers_with_the_default_lease(store, start):
    waits = []
    holder = start("server-0", "hold")
    holder.first("used")
    for number in range(1, 51):
        follower = start(f"server-{number}", "hold")
        follower.first("ready")
        time.sleep(number % 10 / 10)
        killed = time.monotonic()
        holder.send(signal.SIGKILL)
        waits.append(follower.first("held") - killed)
        holder = follower
    assert max(waits) < 5, sorted(waits)
    sys.stdout.write(f"{sorted(waits)}\n")
    check_order(store)
