"""A gate before the interface by which a proxy is steered: what is asked goes through, and every weight is noted.

Rules:
1. Nothing is changed on the way. ``reached`` is asked before a weight is passed on and after the proxy has
   answered; where it says no, whoever asked was stopped: the question, or the answer, is lost with the connection.
2. Whose a question is the kernel says: the caller's port leads to a socket, and that to the program that has it.
   A weight that was asked for by somebody who is dead when it comes here is lost with him, and counted.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import unquote

from interlock.testing.kills.door import SECONDS, Door
from interlock.testing.proxies.envoy import Envoy
from interlock.testing.proxies.haproxy import HAProxy
from interlock.testing.proxies.proxy import LOCAL, Proxy

Reached = Callable[[str, int], bool]
"""The name of a step, and the program that is there; whether it goes on."""

_ENVOY = re.compile(r"[?&][^&= ]*-(canary|control)=(\d+)")
_HAPROXY = re.compile(r"set server [^/ ]+/(canary|control)\S* weight (\d+)")


@dataclass(frozen=True, slots=True)
class Passed:
    """A weight in whole percent that reached the proxy, when by the steady clock, and by whom."""

    percent: int
    at: float
    pid: int


def weight_in(question: str) -> int | None:
    """The canary's share that is asked for, in whole percent; None where none is."""
    found = _HAPROXY.findall(question) or _ENVOY.findall(unquote(question.partition("\r\n")[0]))
    if not found:
        return None
    canary = sum(int(weight) for arm, weight in found if arm == "canary")
    return round(100 * canary / sum(int(weight) for _, weight in found))


def steered_by(proxy: Proxy, gate: str) -> Mapping[str, object]:
    """Settings of the router that steers this proxy through the gate at an address."""
    return {"kind": proxy.router, **proxy.settings, {"envoy": "admin", "haproxy": "socket"}[proxy.router]: gate}


@dataclass(slots=True)
class Gate:
    """Before one proxy, on a port of its own. Use as a context manager. ``callers`` are who may ask."""

    proxy: Proxy
    callers: Callable[[], Collection[int]]
    reached: Reached
    passed: list[Passed] = field(default_factory=list)
    lost: int = 0
    _door: Door = field(init=False)

    def __post_init__(self) -> None:
        self._door = Door(self.through)

    def __enter__(self) -> Self:
        self._door.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._door.__exit__(*error)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"{LOCAL}:{self._door.port}"

    def through(self, caller: socket.socket) -> None:
        """Pass one question on and its answer back."""
        question = _asked(caller)
        percent = weight_in(question.decode("latin-1"))
        if percent is None:
            caller.sendall(self._answer(question))
            return
        pid = program_behind(caller, self.callers())
        if not pid:
            self.lost += 1
        if not pid or not self.reached(f"before weight {percent}", pid):
            return
        answer = self._answer(question)
        self.passed.append(Passed(percent, time.monotonic(), pid))
        if self.reached(f"after weight {percent}", pid):
            caller.sendall(answer)

    def _answer(self, question: bytes) -> bytes:
        with _line_to(self.proxy) as line:
            line.settimeout(SECONDS)
            line.sendall(question)
            parts = []
            while part := line.recv(1 << 16):
                parts.append(part)
            return b"".join(parts)


def program_behind(connection: socket.socket, programs: Collection[int]) -> int:
    """Which of these programs has the other end of a connection on this machine; 0 for none of them."""
    ends = f"{_hex(connection.getpeername())} {_hex(connection.getsockname())}"
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        words = line.split()
        if " ".join(words[1:3]) == ends:
            return next((pid for pid in programs if _has(pid, f"socket:[{words[9]}]")), 0)
    return 0


def _has(pid: int, socket_name: str) -> bool:
    for each in Path(f"/proc/{pid}/fd").glob("*"):
        with suppress(OSError):
            if str(each.readlink()) == socket_name:
                return True
    return False


def _hex(end: tuple[str, int]) -> str:
    return f"{int.from_bytes(socket.inet_aton(end[0]), 'little'):08X}:{end[1]:04X}"


def _asked(caller: socket.socket) -> bytes:
    """All of one question: a line, or the head of a request without a body."""
    question = b""
    while part := caller.recv(1 << 16):
        question += part
        whole = b"\r\n\r\n" if b" HTTP/1." in question else b"\n"
        if question.endswith(whole):
            break
    return question


def _line_to(proxy: Proxy) -> socket.socket:
    if isinstance(proxy, Envoy):
        return socket.create_connection((LOCAL, proxy.admin_port), timeout=SECONDS)
    assert isinstance(proxy, HAProxy)  # noqa: S101  # no other is steered over a socket
    line = socket.socket(socket.AF_UNIX)
    line.connect(str(proxy.socket))
    return line
