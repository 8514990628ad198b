"""The metrics of a version that runs: a real server that answers, and every way in which one does not."""

from __future__ import annotations

import gzip
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from interlock.core.change.errors import InvalidInput, Unavailable
from interlock.plugins.alerts import scrape
from interlock.plugins.alerts.scrape import exposed, scraped

METRICS = b'# TYPE orders counter\norders_total{service="shop"} 7\n# TYPE took_seconds histogram\npool 0.4\n'


class Pages(BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self):
        self.server.asked.append(self.path)
        getattr(self, f"page_{self.path.strip('/')}", self.page_missing)()

    def answer(self, status, content, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def page_metrics(self):
        self.answer(200, METRICS)

    def page_packed(self):
        self.answer(200, gzip.compress(METRICS), Content_Encoding="gzip")

    def page_missing(self):
        self.answer(404, METRICS)

    def page_html(self):
        self.answer(200, b"<!doctype html><html><body>orders_total 7</body></html>", Content_Type="text/html")

    def page_empty(self):
        self.answer(200, b"")

    def page_comment(self):
        self.answer(200, b"# nothing here\n")

    def page_moved(self):
        self.answer(302, b"", Location="/metrics")

    def page_away(self):
        self.answer(301, b"", Location="http://example.org/metrics")

    def page_huge(self):
        self.answer(200, b"# " + b"x" * 3_000_000)

    def page_bomb(self):
        self.answer(200, gzip.compress(b"# " + b"x" * 3_000_000), Content_Encoding="gzip")

    def page_silent(self):
        time.sleep(1.5)

    def page_dripping(self):
        self.send_response(200)
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):  # whoever asked went away
            for _ in range(15):
                self.wfile.write(b"a_total 1\n")
                self.wfile.flush()
                time.sleep(0.1)

    def page_short(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(METRICS)
        self.close_connection = True

    def log_message(self, *_):
        """Nothing is printed."""


@pytest.fixture
def server():
    made = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    made.asked = []
    made.url = f"http://127.0.0.1:{made.server_port}"
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.mark.parametrize("page", ["metrics", "packed"])
def test_what_a_running_version_exposes(server, page):
    found = exposed(scraped(f"{server.url}/{page}"), origin="there")
    assert "orders_total" in found
    assert "took_seconds_bucket" in found
    assert "payments_total" not in found


@pytest.mark.parametrize(
    ("page", "got"),
    [
        ("missing", "got status 404"),
        ("moved", "got a redirect to '/metrics', which is not followed"),
        ("away", "got a redirect to 'http://example.org/metrics', which is not followed"),
        ("short", "got no answer"),
    ],
)
def test_what_is_no_answer_is_refused(server, page, got):
    with pytest.raises(Unavailable) as refused:
        scraped(f"{server.url}/{page}")
    assert refused.value.code == "alert-exposition"
    assert f"at {server.url}/{page}, {got}" in refused.value.message
    assert server.asked == [f"/{page}"]


@pytest.mark.parametrize("page", ["html", "empty", "comment"])
def test_a_page_without_metrics_is_none_and_never_exposes_nothing(server, page):
    text = scraped(f"{server.url}/{page}")
    with pytest.raises(InvalidInput, match="expected metrics in the Prometheus text format from there"):
        exposed(text, origin="there")


@pytest.mark.parametrize("page", ["huge", "bomb"])
def test_a_gigantic_answer_is_not_read_to_its_end(server, page, monkeypatch):
    monkeypatch.setattr(scrape, "MOST_BYTES", 1 << 20)
    with pytest.raises(Unavailable, match="more than 1 MiB"):
        scraped(f"{server.url}/{page}")


@pytest.mark.parametrize(
    ("page", "got"), [("silent", "no answer: timed out"), ("dripping", "no end of it within 0.5 s")]
)
def test_one_that_takes_its_time_is_not_waited_for(server, page, got, monkeypatch):
    monkeypatch.setattr(scrape, "SECONDS", 0.5)
    began = time.monotonic()
    with pytest.raises(Unavailable, match=got):
        scraped(f"{server.url}/{page}")
    assert time.monotonic() - began < 1.4


def test_nobody_there_and_no_address_at_all():
    with pytest.raises(Unavailable, match="got no answer"):
        scraped("http://127.0.0.1:1/metrics")
    with pytest.raises(Unavailable, match="got no answer"):
        scraped("http://[::1/metrics")
