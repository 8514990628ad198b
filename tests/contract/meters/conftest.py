from __future__ import annotations

import threading

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server


class Shop:
    """One version of a service with real counters, exposed by prometheus_client on a free port."""

    def __init__(self):
        self.registry = CollectorRegistry()
        self.orders = Counter("orders", "Orders taken.", ["status"], registry=self.registry)
        self.took = Histogram("took_seconds", "How long.", registry=self.registry, buckets=(0.1, 0.25, 1.0))
        self.load = Gauge("load", "No counter.", registry=self.registry)
        self.port = 0
        self._server = self._thread = None
        self.open()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def url(self):
        return f"http://{self.address}/metrics"

    def open(self):
        self._server, self._thread = start_http_server(self.port, addr="127.0.0.1", registry=self.registry)
        self.port = self._server.server_port

    def close(self):
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = None

    def sell(self, number, *, seconds=0.05):
        for _ in range(number):
            self.orders.labels("ok").inc()
            self.took.observe(seconds)


@pytest.fixture
def shops():
    """A canary and two shards of the control."""
    made = [Shop(), Shop(), Shop()]
    for shop in made:
        shop.sell(3)
    yield made
    for shop in made:
        shop.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("scrape")]
