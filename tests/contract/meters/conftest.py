from __future__ import annotations

import threading
import time

import httpx
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from interlock.core.approval.actor import Scope
from interlock.core.approval.tokens import Token, new_token, secret_text
from interlock.core.ledger.entry import Entry
from interlock.core.ledger.note import NoteSigner
from interlock.doors.api.app import create_app
from interlock.plugins.world.system import RandomIds, SystemClock
from interlock.road.station import Station
from interlock.storage import open_store
from interlock.storage.kinds import RECORD_TYPES
from interlock.testing.programs import free_port


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


class PushedTo:
    """interlock's own server on a free port, with a token that may push."""

    def __init__(self, folder):
        self.clock = SystemClock()
        signer = NoteSigner("test.interlock.dev/counts", bytes(range(32)))
        self.url = f"sqlite:///{folder / 'state.db'}"
        self._signer = signer
        self.store = open_store(self.url, signer=signer, clock=self.clock, record_types=RECORD_TYPES)
        self.counts = self.store.counts
        self.secret = self._token()
        station = Station(
            store=self.store,
            clock=self.clock,
            ids=RandomIds(),
            ticket_key=Ed25519PrivateKey.generate(),
            counts=self.counts,
        )
        self._port = free_port()
        self._server = uvicorn.Server(
            uvicorn.Config(create_app(station), host="127.0.0.1", port=self._port, log_level="warning")
        )
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{self._port}", timeout=5.0)

    def push(self, body, *, service="shop", secret=None):
        headers = {"Authorization": f"Bearer {secret or self.secret}"}
        return self._client.post(f"/v1/services/{service}/counts", json=body, headers=headers)

    def another_server(self):
        """The counts as another server of the same database has them."""
        return open_store(self.url, signer=self._signer, clock=self.clock, record_types=RECORD_TYPES)

    def close(self):
        self._client.close()
        self._server.should_exit = True
        self._thread.join()
        self.store.close()

    def _token(self):
        secret = secret_text(b"x" * 32)
        token = new_token(
            token_id="tok-aaaaaaaaaa",
            principal="shop",
            kind="pipeline",
            scopes=(Scope.EVIDENCE,),
            days=1,
            secret=secret,
            created_by="test",
            now=self.clock.now(),
        )

        def work(tx):
            tx.records(Token).add(token)
            tx.log.append(
                Entry(kind="token.created", at=self.clock.now(), actor="test", subject=token.id, body={})
            )

        self.store.write(work)
        return secret


@pytest.fixture
def pushed_to(tmp_path):
    made = PushedTo(tmp_path)
    yield made
    made.close()
