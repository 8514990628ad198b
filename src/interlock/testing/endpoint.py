"""A model's endpoint on this machine that speaks both wire formats, and answers whatever a test wants.

Rules:
1. It is a real HTTP server on the loopback; what it was sent is kept.
2. Each manner below is one way to answer; the next one in the list is taken for each request, the last one for
   good.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Manner = Callable[[BaseHTTPRequestHandler], None]
TOOL = "report_concerns"
_ANTHROPIC = "/v1/messages"


def concern(path: str, line: int, text: str = "something is wrong", **more: object) -> dict[str, object]:
    """A concern as a reviewer writes it."""
    return {
        "path": path,
        "line": line,
        "severity": "high",
        "class": "bug",
        "text": text,
        "question": "Is it?",
        **more,
    }


def fills_in(form: object, *, tool: str = TOOL, ended: str | None = None, beside: str = "") -> Manner:
    """Answers by calling ``tool`` with ``form``; ``ended`` is the reason in the format's own word."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        if request.path == _ANTHROPIC:
            said = [{"type": "text", "text": beside}] if beside else []
            call = {"type": "tool_use", "id": "toolu_1", "name": tool, "input": form}
            reply = {
                "type": "message",
                "role": "assistant",
                "content": [*said, call],
                "stop_reason": ended or "tool_use",
            }
        else:
            made = {"name": tool, "arguments": form if isinstance(form, str) else json.dumps(form)}
            call = {"id": "call_1", "type": "function", "function": made}
            message = {"role": "assistant", "content": beside or None, "tool_calls": [call]}
            reply = {
                "object": "chat.completion",
                "choices": [{"finish_reason": ended or "stop", "message": message}],
            }
        write(request, 200, json.dumps(reply).encode())

    return answer


def says(text: str) -> Manner:
    """Answers in words and calls nothing."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        if request.path == _ANTHROPIC:
            reply: dict[str, Any] = {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn"}
        else:
            reply = {"choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": text}}]}
        write(request, 200, json.dumps(reply).encode())

    return answer


def replies(status: int, content: bytes = b"", **headers: str) -> Manner:
    """Answers with exactly this."""
    return lambda request: write(request, status, content, **headers)


def never_ends(chunk: bytes = b" " * 65_536, *, status: int = 200) -> Manner:
    """Answers without an end, as fast as it is read."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        _begin(request, status, {"content-type": "application/json"})
        while True:
            request.wfile.write(chunk)

    return answer


def drips(closed: threading.Event, *, seconds: float = 0.2) -> Manner:
    """Answers one blank at a time, until the server is closed."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        _begin(request, 200, {"content-type": "application/json"})
        while not closed.wait(seconds):
            request.wfile.write(b" ")
            request.wfile.flush()

    return answer


def write(request: BaseHTTPRequestHandler, status: int, content: bytes, **headers: str) -> None:
    """One whole answer."""
    given = {"content-type": "application/json", "content-length": str(len(content))}
    _begin(request, status, given | {name.replace("_", "-"): value for name, value in headers.items()})
    request.wfile.write(content)


def _begin(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.end_headers()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it arrived; header names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401  # whatever was sent
        """The body."""
        return json.loads(self.body)


@dataclass
class Endpoint:
    """Use it as a context manager; ``address`` is known inside."""

    manners: list[Manner] = field(default_factory=list)
    port: int = 0
    requests: list[Asked] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the library's name
                size = int(self.headers.get("content-length", 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                endpoint.requests.append(Asked(path=self.path, headers=headers, body=self.rfile.read(size)))
                manner = endpoint.manners[0] if len(endpoint.manners) == 1 else endpoint.manners.pop(0)
                self.close_connection = True
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # whoever asked has heard enough
                    manner(self)

            def log_message(self, *_: object) -> None:
                """Say nothing on the terminal."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    @property
    def address(self) -> str:
        """Its root."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def base(self, kind: str) -> str:
        """What the rules name as endpoint for this kind of reviewer."""
        return f"{self.address}/v1" if kind == "openai" else self.address

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closed.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
