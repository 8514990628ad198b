"""What holds for every test.

Rules:
1. No packet leaves this machine: a connection elsewhere than loopback or a unix socket is refused, and fails
   the test even where the code under test swallowed the refusal.
2. Property tests have no deadline (the machine is shared) and are the same on every run in continuous
   integration; at home they go on searching.
3. What starts a whole stack of processes (``tests/integration/rollout/``, say) is run by one worker, one after
   another: two stacks on one machine would measure each other. So is what shares something that takes seconds to
   make (``TOGETHER``): every other worker would make it again. xdist's own groups write an attribute that
   pytest 9.2 no longer reads.
4. The thousands of collected tests stay as long as the process: the garbage collector looks at them neither while
   they are made nor later, and seldom at all: with Python's own thresholds it takes a tenth of the processor time.
5. What tests write goes to memory where there is room: of their time a tenth is the file system's.
6. What takes seconds and is a further case of what a shorter test tries (``slow.txt``) is marked ``soak``.
"""

from __future__ import annotations

import gc
import ipaddress
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("home", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("home"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "home")


MEMORY = Path("/dev/shm")  # where Linux has its memory as files
ROOM = 6 * 1024**3
SLOW = Path(__file__).with_name("slow.txt")

if "TMPDIR" not in os.environ and MEMORY.is_dir():
    memory = os.statvfs(MEMORY)
    if (
        memory.f_bavail * memory.f_frsize > ROOM
        and not memory.f_flag & os.ST_NOEXEC
        and os.access(MEMORY, os.W_OK)
    ):
        os.environ["TMPDIR"] = str(MEMORY)

gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Before ``-m`` is looked at. What waits and what computes stand side by side, and the longest begin."""
    items.sort(
        key=lambda item: (not item.nodeid.startswith(FIRST), crc32(item.nodeid.partition("::")[0].encode()))
    )
    left = {name: int(usual or 0) for name, usual in slow()}
    for item in items:
        name = item.nodeid.partition("[")[0]
        if name in left:
            left[name] -= 1
            if left[name] < 0:
                item.add_marker(pytest.mark.soak)


def slow() -> Iterator[tuple[str, str]]:
    """Each slow test, with how many of its parameters are tried every time (none said: none)."""
    for line in SLOW.read_text().splitlines():
        if not line.startswith("#"):
            name, _, usual = line.partition(" ")
            yield name, usual


def pytest_collection_finish():
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    gc.enable()


class NetworkRefused(OSError):
    """A test tried to reach something that is not on this machine."""


class NetworkGuard:
    """Sees every connection and name look-up before it is made (an audit hook, which nothing can take off)."""

    EVENTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"})

    def __init__(self) -> None:
        self.refused: list[str] = []

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        """Raise ``NetworkRefused`` for an address elsewhere."""
        if event not in self.EVENTS:
            return
        address = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
        if not self.is_here(address):
            self.refused.append(f"{event} to {address!r}")
            raise NetworkRefused(f"expected an address on this machine, got `{address!r}`")

    @staticmethod
    def is_here(address: object) -> bool:
        """Whether it is loopback, a path of a unix socket, or no address at all (a connected socket)."""
        host = address[0] if isinstance(address, tuple) else address
        if isinstance(host, bytes):
            host = host.decode(errors="replace")
        if host is None or not isinstance(host, str):
            return True
        if not isinstance(address, tuple) and ("/" in host or host.startswith("\0") or not host):
            return True
        if host in {"localhost", ""}:
            return True
        try:
            return ipaddress.ip_address(host.split("%")[0]).is_loopback
        except ValueError:
            return False


TOGETHER = (
    "tests/integration/rollout/",
    "tests/fault/rollout/test_real_servers.py",
    "tests/architecture/",
    "tests/docs/test_reference.py",
    "tests/integration/doors/test_nobody_moves_it.py",
    "tests/integration/doors/test_refused_before_traffic.py",
    "tests/integration/test_servers_race.py",
    "tests/integration/test_taking_back_race.py",
)


FIRST = (*TOGETHER, "tests/docs/test_pages.py")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Every test is its own unit of work, but for those of some folders and files, which are one together."""
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415  # only where xdist is

    class SomeTogether(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((place for place in TOGETHER if nodeid.startswith(place)), nodeid)

    return SomeTogether(config, log)


_GUARD = NetworkGuard()
sys.addaudithook(_GUARD)


@pytest.fixture(autouse=True)
def network_guard() -> Iterator[NetworkGuard]:
    """The guard; what it refused during the test fails the test."""
    _GUARD.refused.clear()
    yield _GUARD
    assert not _GUARD.refused, f"this test reached for the network: {_GUARD.refused}"
