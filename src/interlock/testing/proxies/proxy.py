"""What every proxy of the tests has, whatever it is."""

from __future__ import annotations

import socket
from abc import abstractmethod
from collections.abc import Mapping, Sequence

from interlock.testing.programs import Program

LOCAL = "127.0.0.1"


class Proxy(Program):
    """A proxy that splits traffic between one canary and one or more controls, which listen on 127.0.0.1.

    ``port`` takes the traffic. ``router`` is the name of the plug-in that moves it.
    """

    router: str
    port: int

    def __init__(self, name: str, *, canary: int, control: Sequence[int]) -> None:
        super().__init__(name)
        self.canary = canary
        self.control = tuple(control)

    @property
    def url(self) -> str:
        """Where the traffic goes."""
        return f"http://{LOCAL}:{self.port}"

    @property
    @abstractmethod
    def settings(self) -> Mapping[str, object]:
        """Settings of the router plug-in for this proxy."""


def listens(port: int) -> bool:
    """Whether somebody takes connections on a port."""
    try:
        socket.create_connection((LOCAL, port), timeout=1.0).close()
    except OSError:
        return False
    return True
