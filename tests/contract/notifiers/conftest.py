"""Small real servers that take notices: HTTP and SMTP, and one that takes the connection and says nothing."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Mailbox(socketserver.ThreadingTCPServer):
    """Speaks as much SMTP as a mail needs (RFC 5321), and keeps what was sent."""

    daemon_threads = True
    refuses = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), MailSession)
        self.mails: list[tuple[str, list[str], str]] = []


class MailSession(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        sender, to, body = "", list[str](), list[str]()
        self.say("220 mailbox ready")
        while line := self.rfile.readline():
            word = line.decode().strip()
            verb = word[:4].upper()
            if verb in {"EHLO", "HELO"}:
                self.say("250 mailbox")
            elif verb == "MAIL":
                sender, to = word.partition("<")[2].partition(">")[0], []
                self.say("250 fine")
            elif verb == "RCPT":
                to.append(word.partition("<")[2].partition(">")[0])
                self.say(self.server.refuses or "250 fine")
            elif verb == "DATA":
                self.say("354 go on")
                body = []
                while (text := self.rfile.readline()) not in {b".\r\n", b""}:
                    body.append(text.decode().removesuffix("\r\n"))
                self.server.mails.append((sender, to, "\n".join(body)))
                self.say("250 kept")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 fine")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class Webhook(ThreadingHTTPServer):
    """Takes any POST and answers with ``status``."""

    status = 200
    says = b"ok"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), WebhookCall)
        self.calls: list[tuple[str, str, bytes]] = []


class WebhookCall(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.calls.append((self.path, self.headers.get("authorization", ""), content))
        self.send_response(self.server.status)
        self.send_header("content-length", str(len(self.server.says)))
        self.end_headers()
        self.wfile.write(self.server.says)

    def log_message(self, *args: object) -> None:
        del args


class Silence(socketserver.ThreadingTCPServer):
    """Takes connections and never answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), SilentSession)
        self.over = threading.Event()


class SilentSession(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.server.over.wait(30)


@contextmanager
def served(server: socketserver.TCPServer) -> Iterator[socketserver.TCPServer]:
    """Served in a thread until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        if isinstance(server, Silence):
            server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    """Takes any POST."""
    with served(Webhook()) as server:
        yield server


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """Takes any mail."""
    with served(Mailbox()) as server:
        yield server


@pytest.fixture
def silence() -> Iterator[Silence]:
    """Never answers."""
    with served(Silence()) as server:
        yield server
