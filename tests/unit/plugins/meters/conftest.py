from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Site:
    """A real HTTP server in a thread. ``answer`` is called with the request; its ``asked`` are the paths."""

    def __init__(self):
        self.asked, self.seen = [], []
        self.connections = 0
        self.answer = lambda request: self.send(request, b"")
        site = self

        class Answer(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                site.connections += 1
                super().setup()

            def do_GET(self):
                site.asked.append(self.path)
                site.seen.append(dict(self.headers.items()))
                site.answer(self)

            def log_message(self, *arguments):
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request, client_address):
                """A caller that went away is no error of the site."""

        self._server = Server(("127.0.0.1", 0), Answer)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/metrics"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @staticmethod
    def send(request, body, *, status=200, media="text/plain; version=0.0.4", **fields):
        request.send_response(status)
        request.send_header("Content-Type", media)
        request.send_header("Content-Length", str(len(body)))
        for name, value in fields.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    def serve(self, text, **options):
        self.answer = lambda request: self.send(request, text.encode(), **options)

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def sites():
    """Makes sites, and takes them down."""
    made = []

    def make(text=None, **options):
        made.append(Site())
        if text is not None:
            made[-1].serve(text, **options)
        return made[-1]

    yield make
    for site in made:
        site.close()


@pytest.fixture
def nobody():
    """A port where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return f"http://127.0.0.1:{port}/metrics"
