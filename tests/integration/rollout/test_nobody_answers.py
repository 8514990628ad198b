"""A canary at whose address nobody listens, between real processes: no traffic, no bar, and the page is named."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from interlock.core.rollout.record import Effect, RolloutState
from interlock.core.ticket.record import Bar
from interlock.plugins.routers.haproxy import HAProxyRouter
from interlock.testing.programs import free_ports
from interlock.testing.proxies.haproxy import HAProxy
from interlock.testing.rolled import PLAN, Rolled, rolled

pytestmark = pytest.mark.soak

TEXT = """\
service: order-service
environment: production
router: {{kind: haproxy, socket: {socket}, backend: shop, canary: canary}}
meters:
  - kind: scrape
    control: ["{control}"]
    canary:
      - "{canary}"
    metrics:
      orders: {{series: orders_total}}
judge:
  phi: {{orders: {{windows: [1], values: [1]}}}}
  metrics:
    orders: {{kind: good}}
stages:
  - {{percent: 10, bake: 600s, margin: 90%}}
tick: 200ms
baseline: 0
apply:
  - {{name: up, kind: artefact, run: [touch, up], verify: [test, -e, up]}}
rollback:
  - {{name: down, kind: artefact, run: [rm, -f, up], verify: [test, "!", -e, up]}}
"""


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(b"# TYPE orders_total counter\norders_total 7\n")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def page(port: int = 0) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", port), _Page)
    serving = threading.Thread(target=server.serve_forever, args=(0.05,))
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


@pytest.fixture
def proxy() -> Iterator[HAProxy]:
    canary, control = free_ports(2)
    made = HAProxy(canary=canary, control=[control])
    made.start()
    yield made
    made.close()


@contextmanager
def shop(folder: Path, proxy: HAProxy, canary: str, control: str) -> Iterator[Rolled]:
    text = TEXT.format(socket=proxy.socket, canary=canary, control=control)
    with rolled(folder, text.encode()) as made:
        yield made


def weights(made: Rolled, rollout: str) -> list[str]:
    effects = made.station.store.read(lambda tx: tx.records(Effect).find(rollout=rollout))
    return [each.target for each in effects if each.kind == "weight"]


def test_a_wrong_port_of_the_canary_is_named_and_not_convicted(tmp_path: Path, proxy: HAProxy) -> None:
    """Its traffic went to 10 %, no order was counted, and the digest of a healthy version was barred."""
    (port,) = free_ports(1)
    wrong = f"http://127.0.0.1:{port}/metrics"
    with page() as control, shop(tmp_path, proxy, wrong, control) as made:
        found = made.start().rollout
        assert found is not None
        ended = made.over(found.id, seconds=60)
        assert (ended.state, ended.cause) == (RolloutState.RETURNED, "apply-failed")
        said = (
            f"meter-unreachable: expected an answer from {wrong}, got connection refused at `{PLAN}:8` (start what"
        )
        assert said in ended.why
        assert set(weights(made, found.id)) == {"0"}
        assert HAProxyRouter(proxy.settings).exposure().canary == 0
        assert not (tmp_path / "up").exists()
        assert list(made.station.store.read(lambda tx: tx.records(Bar).find())) == []
        assert made.failures == []


def test_one_that_comes_up_late_gets_its_traffic(tmp_path: Path, proxy: HAProxy) -> None:
    (port,) = free_ports(1)
    with page() as control, shop(tmp_path, proxy, f"http://127.0.0.1:{port}/metrics", control) as made:
        found = made.start().rollout
        assert found is not None
        made.until(found.id, lambda record: record.phase == "calibrate", seconds=30)
        threading.Event().wait(3.0)
        assert (made.record(found.id).phase, weights(made, found.id)) == ("calibrate", [])
        with page(port):
            watched = made.until(found.id, lambda record: record.phase == "watch", seconds=30)
            assert (watched.phase, watched.weight) == ("watch", pytest.approx(10))
