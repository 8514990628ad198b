"""To a server over HTTP."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from interlock.core.change.errors import Unavailable
from interlock.doors.cli.client import TIMEOUT_SECONDS, Reply

CONNECT_SECONDS = 5.0


class HttpWire:
    """One connection to one server. Redirects are not followed: a token goes only where it was meant to."""

    def __init__(
        self,
        server: str,
        token: str | None,
        transport: httpx.BaseTransport | None = None,
        *,
        patience: float = TIMEOUT_SECONDS,
    ) -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        timeout = httpx.Timeout(patience, connect=min(patience, CONNECT_SECONDS))
        self._server = server
        self._http = httpx.Client(base_url=server, headers=headers, timeout=timeout, transport=transport)

    def send(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> Reply:
        """One request, one reply.

        Raises:
            Unavailable: ``server-unreachable`` before anything was sent, ``answer-lost`` after.
        """
        try:
            reply = self._http.request(method, path, params=dict(query), headers=dict(headers), content=body)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unavailable(
                f"expected a server at `{self._server}`, got no connection",
                code="server-unreachable",
                hint="start it (interlock serve), or correct INTERLOCK_SERVER",
                plugin="server",
            ) from error
        except httpx.HTTPError as error:
            raise Unavailable(
                f"expected an answer from `{self._server}`, got {type(error).__name__}",
                code="answer-lost",
                hint="repeat the command; the same work is not done twice",
                plugin="server",
            ) from error
        return Reply(status=reply.status_code, headers=dict(reply.headers.items()), content=reply.content)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()
