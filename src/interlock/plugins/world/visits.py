"""Addresses that are visited while a program runs: asked until they answer, or until there is no time left.

Rules:
1. An answer is good that is no error: any status below 400, whole, within the time that is left.
2. Of what it says the digest is kept, and the size; not the words.
3. No proxy is asked, and no redirection followed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from interlock.core.change.canonical import sha256

MOST = 4 * 1024 * 1024
ONE = 5.0
_PAUSE = 0.2
_ERROR = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One address: its last answer, 0 where nobody answered, and after how many seconds it was whole."""

    url: str
    status: int = 0
    digest: str = ""
    size: int = 0
    seconds: float = 0.0
    why: str = ""

    @property
    def good(self) -> bool:
        """Whether it answered without an error."""
        return 0 < self.status < _ERROR and not self.why


class Visits:
    """Visits in a thread of its own, from ``start`` until ``over`` or ``stop``."""

    def __init__(self, urls: Sequence[str], seconds: float) -> None:
        self._urls, self._seconds = tuple(urls), seconds
        self._found: dict[str, Visit] = {url: Visit(url=url, why="nobody answered") for url in urls}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether nothing more will be asked."""
        return not self._thread.is_alive()

    def stop(self) -> tuple[Visit, ...]:
        """End, and what was found, in the order of the addresses."""
        self._stop.set()
        self._thread.join(2 * ONE)
        return tuple(self._found[url] for url in self._urls)

    def _run(self) -> None:
        began = time.monotonic()
        with httpx.Client(timeout=ONE, trust_env=False, follow_redirects=False) as client:
            for url in self._urls:
                while not self._stop.is_set() and time.monotonic() - began < self._seconds:
                    self._found[url] = found = _visit(client, url, began)
                    if found.good or self._stop.wait(_PAUSE):
                        break


def _visit(client: httpx.Client, url: str, began: float) -> Visit:
    try:
        with client.stream("GET", url) as reply:
            body = b""
            for piece in reply.iter_bytes():
                body += piece
                if len(body) > MOST:
                    return Visit(url=url, status=reply.status_code, why=f"said more than {MOST >> 20} MiB")
            seconds = round(time.monotonic() - began, 3)
            why = f"answered {reply.status_code}" if reply.status_code >= _ERROR else ""
            return Visit(
                url=url, status=reply.status_code, digest=sha256(body), size=len(body), seconds=seconds, why=why
            )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Visit(url=url, why=f"nobody answered: {error}"[:200])
