"""What a proxy says that it serves the canary, asked again and again by somebody who is not interlock."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Self

from interlock.testing.proxies.proxy import Proxy
from interlock.testing.replay.outcome import ROUTERS

_SECONDS = 0.02


@dataclass(slots=True)
class Sampled:
    """Asks ``proxy`` itself some fifty times a second; ``weights`` are those in turn, in whole percent.

    Use as a context manager. ``samples`` counts the answers.
    """

    proxy: Proxy
    weights: list[int] = field(default_factory=list)
    samples: int = 0
    faults: list[BaseException] = field(default_factory=list)
    _over: threading.Event = field(init=False, default_factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def until(self, percent: int, *, seconds: float) -> bool:
        """Whether this is what is served, within so many seconds."""
        end = time.monotonic() + seconds
        while self.weights[-1:] != [percent] and time.monotonic() < end:
            self._over.wait(_SECONDS)
        return self.weights[-1:] == [percent]

    def _ask(self) -> None:
        router = ROUTERS[self.proxy.router](dict(self.proxy.settings))
        try:
            while not self._over.wait(_SECONDS):
                self._note(round(router.weight()))
        except Exception as error:  # noqa: BLE001  # the test asks for them
            self.faults.append(error)
        finally:
            router.close()

    def _note(self, percent: int) -> None:
        self.samples += 1
        if self.weights[-1:] != [percent]:
            self.weights.append(percent)
