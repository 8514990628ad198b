"""Native histograms through a real Prometheus, which takes them only as protobuf: written here by hand."""

from __future__ import annotations

import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from interlock.plugins.meters.native import Native
from interlock.plugins.meters.prometheus import PrometheusMeter
from interlock.ports.meter import Counted
from interlock.testing.prometheus import Prometheus, Targets

PROTOBUF = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def signed(number):
    return varint(number << 1 if number >= 0 else (-number << 1) - 1)


def field(number, content):
    if isinstance(content, bytes):
        return varint(number << 3 | 2) + varint(len(content)) + content
    return varint(number << 3 | 1) + struct.pack("<d", content)


def plain(number, content):
    return varint(number << 3) + content


def page():
    """Five events up to 0.5 s, three up to 1 s, one up to 2 s: schema 0, whose bounds are the powers of two."""
    span = plain(1, signed(-1)) + plain(2, varint(3))
    deltas = b"".join(plain(13, signed(delta)) for delta in (5, -2, -2))
    histogram = (
        plain(1, varint(9)) + field(2, 6.5) + plain(5, signed(0)) + field(6, 1e-128) + field(12, span) + deltas
    )
    metric = field(7, histogram)
    family = field(1, b"took_seconds") + field(2, b"How long.") + plain(3, varint(4)) + field(4, metric)
    return varint(len(family)) + family


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", PROTOBUF)
        self.end_headers()
        self.wfile.write(page())

    def log_message(self, *arguments):
        pass


@pytest.fixture
def address():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_native_histograms_of_a_real_prometheus_are_counted_above_each_edge(address):
    groups = [
        Targets(addresses=[address], labels={"version": "2"}),
        Targets(addresses=[address.replace("127.0.0.1", "localhost")], labels={"version": "1"}),
    ]
    with Prometheus(groups, features=("native-histograms",)) as server:
        server.scraped("took_seconds", 2)
        took = Counted(name="took", edges=("0.5", "1", "1.5"), query={"query": "took_seconds"})
        arms = {"canary": {"version": "2"}, "control": {"version": "1"}}
        meter = PrometheusMeter({"url": server.url, "interval": 1, **arms}, (took,))
        meter.check()
        samples = meter.read()
        meter.close()
    assert [(s.arm, s.value, dict(s.above)) for s in samples] == [
        ("canary", 9.0, {"0.5": 4.0, "1": 1.0, "1.5": 0.5}),
        ("control", 9.0, {"0.5": 4.0, "1": 1.0, "1.5": 0.5}),
    ]


def test_what_lies_above_an_edge_inside_a_bucket_is_taken_as_even():
    native = Native(count=10, buckets=((0.5, 1.0, 4), (1.0, 2.0, 4), (2.0, float("inf"), 2)))
    assert [native.above(edge) for edge in (0.25, 0.5, 0.75, 1.0, 1.25, 2.0)] == [10, 10, 8, 6, 5, 2]
