"""The probe ``http``: what an address answers.

Rules:
1. One GET without following redirects: status, content type and body are what is seen. Bodies are read up to
   ``MOST`` bytes; a longer one is a look that failed.
2. That nobody listens is something that is seen: what a change puts up was not there before. A name that nobody
   knows, or a certificate that does not fit, is a look that failed.
3. An answer that is not whole within ``SECONDS`` is a look that failed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from interlock.core.change.canonical import Json
from interlock.core.rehearsal.fingerprint import Fingerprint
from interlock.plugins.rehearsals.reading import read, refuse
from interlock.plugins.rehearsals.texts import check_expressions, lines_of
from interlock.ports.rehearsal import RehearsalScene

NAME = "http"
SECONDS = 10.0
MOST = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """``without`` are expressions of lines of the body that do not count."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()


class HttpProbe:
    """The probe; see the rules above."""

    def __init__(self, settings: Mapping[str, Json], scene: RehearsalScene) -> None:
        del scene
        self._settings = read(HttpSettings, settings, what=f"the probe `{NAME}`")
        if not self._settings.url.startswith(("http://", "https://")):
            hint = "write http://… or https://…"
            raise refuse("an address", self._settings.url, hint=hint, path=("url",))
        check_expressions(self._settings.without, "without")

    def look(self) -> Fingerprint:
        """What it answers now."""
        try:
            with httpx.Client(timeout=SECONDS, trust_env=False, follow_redirects=False) as client:
                return self._answer(client)
        except httpx.HTTPError as error:
            if _refused(error):
                return Fingerprint(items={"answer": "nobody listens"})
            return Fingerprint(items={}, failed=f"no whole answer from {self._settings.url}: {error}"[:300])

    def _answer(self, client: httpx.Client) -> Fingerprint:
        with client.stream("GET", self._settings.url, headers=dict(self._settings.headers)) as reply:
            body, until = b"", time.monotonic() + SECONDS
            for part in reply.iter_bytes():
                body += part
                if len(body) > MOST:
                    return Fingerprint(items={}, failed=f"more than {MOST} bytes from {self._settings.url}")
                if time.monotonic() > until:
                    return Fingerprint(
                        items={}, failed=f"no whole answer from {self._settings.url} in {SECONDS:g} s"
                    )
            kind = reply.headers.get("content-type", "none")
            items = {"status": str(reply.status_code), "content type": kind}
            return Fingerprint(items={**items, **lines_of(body, self._settings.without)})


def _refused(error: BaseException | None) -> bool:
    """Whether what is behind this error is a connection that was refused."""
    while error is not None:
        if isinstance(error, ConnectionRefusedError):
            return True
        error = error.__cause__ or error.__context__
    return False
