"""Parts that lie or stand still beside a healthy canary, as real processes: never a stop, never a pass.

Bakes are long, so that a pass would not be the end of it; what trust needs is scaled to several ticks.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from interlock.testing.stack.planned import Wanted
from interlock.testing.stack.production import Production
from interlock.testing.stack.scaled import HEALTHY, PERCENT, scaled
from interlock.testing.stack.server import ended
from interlock.testing.stack.stack import Stack

pytestmark = pytest.mark.soak

TRUST = {"window": 10, "most_discarded": 4, "silent": 5}
STAGES = [{"percent": PERCENT, "bake": 900, "margin": 0.5, "limit": 3600}, {"percent": 100, "bake": 2}]
JUMP, SEVERAL, LONG = 3600, 8.0, 30.0


def baking(stack: Stack, wanted: Wanted, **more: Any) -> Wanted:
    del stack
    return replace(wanted, stages=STAGES, judge={**wanted.judge, "trust": TRUST}, **more)


class Between:
    """A small proxy before the canary's exposition: late, or saying again what it said before."""

    def __init__(self) -> None:
        self.seconds, self.repeats = 0.0, False
        self.page, self.head = b"", {}
        self.upstream = ""
        outer = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *words: object) -> None:
                del words

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/metrics"

    def answer(self, asked: BaseHTTPRequestHandler) -> None:
        time.sleep(self.seconds)
        try:
            if not self.repeats:
                with urlopen(self.upstream, timeout=5) as reply:
                    self.page, self.head = (
                        reply.read(),
                        {key: reply.headers[key] for key in ("Date", "Content-Type")},
                    )
            asked.send_response_only(200)
            for key, value in self.head.items():
                asked.send_header(key, value)
            asked.end_headers()
            asked.wfile.write(self.page)
        except OSError:
            asked.close_connection = True

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(scope="module")
def between() -> Iterator[Between]:
    made = Between()
    yield made
    made.close()


@pytest.fixture(scope="module", params=["envoy", "haproxy"])
def production(request, tmp_path_factory, between) -> Iterator[Production]:
    def otherwise(stack: Stack, wanted: Wanted) -> Wanted:
        between.upstream = stack.canary.metrics
        return baking(stack, wanted, targets={**stack.targets, "canary": [between.url]})

    with scaled(tmp_path_factory.mktemp(request.param), request.param, otherwise=otherwise) as made:
        yield made


@contextmanager
def watched(production: Production) -> Iterator[str]:
    """A healthy rollout that has been judged for some ticks, and is taken back in the end."""
    name = production.ship(HEALTHY)
    production.server.until(name, lambda told: ended(told) or told["record"]["ticks"] >= 6, seconds=60)
    try:
        yield name
    finally:
        if not ended(production.server.rollout(name)):
            production.terminal.run("rollout", "abort", name, "--why", "the test is over", show=False)
            production.server.until(name, ended, seconds=60)


def untrusted(told: dict[str, Any]) -> bool:
    return ended(told) or told["record"]["hold"] == "untrusted"


def going(told: dict[str, Any]) -> bool:
    return ended(told) or not told["record"]["hold"]


def stays(production: Production, name: str, *, seconds: float = 0.0) -> dict[str, Any]:
    """What was never stopped and never widened."""
    time.sleep(seconds)
    shown = production.server.rollout(name)
    record = shown["record"]
    assert (record["cause"], record["stage"], record["weight"]) == (None, 0, PERCENT), record
    assert [each["target"] for each in shown["effects"] if each["kind"] == "weight"] == [f"{PERCENT:g}"]
    return shown


def frozen(production: Production, part: str, seconds: float) -> None:
    if part == "canary":
        production.freeze_canary(seconds)
        return
    stack = production.stack
    program = {"proxy": stack.proxy, "server": production.server, "control": stack.controls[0]}[part]
    program.pause()
    try:
        time.sleep(seconds)
    finally:
        program.resume()


def caught_while(production: Production, name: str, act: Callable[[], None]) -> dict[str, Any]:
    """Untrusted and held while ``act`` lasts, judged again after it, and never stopped."""
    acting = threading.Thread(target=act)
    acting.start()
    try:
        held = production.server.until(name, untrusted, seconds=60)
    finally:
        acting.join()
    record = held["record"]
    found = [record[name] for name in ("state", "hold", "cause", "why")]
    assert found[:2] == ["held", "untrusted"], (found, record)
    shown = production.server.until(name, going, seconds=60)
    assert shown["record"]["cause"] is None, shown["record"]
    return stays(production, name, seconds=5.0)


@pytest.mark.parametrize("part", ["proxy", "canary", "control"])
def test_what_stands_still_is_not_believed_and_what_goes_on_is(production, part):
    with watched(production) as name:
        caught_while(production, name, lambda: frozen(production, part, SEVERAL))


def test_a_judge_that_stood_still_convicts_nobody_of_what_it_missed(production):
    """It may take its own work over again, with a new window; what lay between is in no tick."""
    with watched(production) as name:
        frozen(production, "server", SEVERAL)
        woken = production.server.rollout(name)["record"]["ticks"]
        production.server.until(name, lambda told: ended(told) or told["record"]["ticks"] > woken + 3, seconds=60)
        production.server.until(name, going, seconds=60)
        assert stays(production, name)["record"]["state"] == "running"


def test_a_control_that_begins_to_count_anew_is_no_harm_of_the_canary(production):
    with watched(production) as name:
        one = production.stack.controls[0]
        one.stop()
        one.start()
        production.server.until(name, going, seconds=60)
        shown = stays(production, name, seconds=8.0)
        # Where it takes longer to come up than a tick it is gone meanwhile, and the control another set of shards.
        assert set(shown["discarded"]) & {"counter-reset", "control-disturbed", "shards-changed"}, shown


def test_scrapes_of_one_arm_that_come_late(production, between):
    with watched(production) as name:
        between.seconds = 0.3
        stays(production, name, seconds=8.0)

        def late() -> None:
            between.seconds = 0.8
            time.sleep(SEVERAL)
            between.seconds = 0.0

        caught_while(production, name, late)


def test_a_page_of_one_arm_that_is_said_again_and_again(production, between):
    with watched(production) as name:

        def repeated() -> None:
            between.repeats = True
            time.sleep(SEVERAL)
            between.repeats = False

        shown = caught_while(production, name, repeated)
        orders = shown["standing"]["metrics"]["orders"]
        # Not one tick believes that nothing was ordered: 8 s of it are more than 500 orders.
        assert orders["lost"] < 40, orders


def test_nothing_was_recorded_that_cannot_be_computed_again(production):
    for each in production.server.get("/v1/rollouts?limit=50")["items"]:
        production.terminal.run("rollout", "verify", each["id"], show=False)


@pytest.mark.parametrize("part", ["proxy", "canary", "server"])
def test_half_a_minute(tmp_path, part):
    with scaled(tmp_path, "envoy", otherwise=baking) as production, watched(production) as name:
        frozen(production, part, LONG)
        production.server.until(name, going, seconds=60)
        stays(production, name, seconds=5.0)


def test_traffic_goes_back_where_the_plan_says_so(tmp_path):
    def returning(stack: Stack, wanted: Wanted) -> Wanted:
        return baking(stack, wanted, untrusted="return")

    with scaled(tmp_path, "haproxy", otherwise=returning) as production, watched(production) as name:
        frozen(production, "canary", SEVERAL)
        record = production.server.until(name, ended, seconds=60)["record"]
        assert (record["state"], record["cause"], record["weight"]) == ("returned", "untrusted", 0), record


def faked() -> str:
    found = sorted(itertools.chain(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")))
    assert found, "expected Debian's faketime to be installed"
    return str(found[0])


def test_a_clock_that_jumps_by_an_hour(tmp_path):
    """There and back again, while it judges."""
    clock = tmp_path / "clock"
    clock.write_text("+0\n")
    production = scaled(tmp_path, "envoy", otherwise=baking)
    production.environment = {
        "LD_PRELOAD": faked(),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with production, watched(production) as name:
        for jumped in (f"+{JUMP}\n", "+0\n"):
            clock.write_text(jumped)
            time.sleep(6)
            production.server.until(name, going, seconds=60)
        assert stays(production, name)["discarded"].get("clock-jump", 0) >= 1


LIAR = """
import json, pathlib, sys, time
said, began = pathlib.Path(sys.argv[2]), float(sys.argv[3])
act = sys.argv[1]
if act == "set":
    said.write_text(sys.argv[4])
elif act == "get":
    print(json.dumps({"percent": float(said.read_text()) if said.exists() and not sys.argv[4:] else 0}))
else:
    print(json.dumps({"canary": 0, "control": int(300 * (time.time() - began)), "since": "once"}))
"""


@pytest.mark.parametrize(("honest", "code"), [(True, "router-lies"), (False, "sample-ratio")])
def test_a_router_that_ignores_the_weight(tmp_path, honest, code):
    """It says that it did not, or says that it did and assigns nobody."""
    liar, said, began = tmp_path / "liar.py", tmp_path / "said", str(time.time())
    liar.write_text(LIAR)
    program = [sys.executable, "-S", "-E", str(liar)]
    router = {
        "kind": "command",
        "set": [*program, "set", str(said), began, "{percent}"],
        "get": [*program, "get", str(said), began, *(["nothing"] if honest else [])],
        "exposure": [*program, "exposure", str(said), began],
    }
    subprocess.run([*program, "exposure", str(said), began], check=True, capture_output=True)

    def lied_to(stack: Stack, wanted: Wanted) -> Wanted:
        return baking(stack, wanted, router=router)

    with scaled(tmp_path, "envoy", otherwise=lied_to) as production:
        name = production.ship(HEALTHY)
        held = production.server.until(name, untrusted, seconds=60)["record"]
        assert (held["state"], held["hold"], held["stage"]) == ("held", "untrusted", 0), held
        assert code in held["why"]
