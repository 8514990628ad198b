"""Whatever is wrong with a plan, or with what it names, is said before any traffic moves: with line and hint.

HAProxy is a real one, and all that is said to it passes through a socket that keeps every line.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from interlock.core.rollout.plan_read import read_plan
from interlock.plugins.world.programs import SystemPrograms
from interlock.plugins.world.system import steady
from interlock.registry import meters, routers
from interlock.road.roll.outside import Outside, open_meters
from interlock.road.roll.preflight import look, unread
from interlock.testing.programs import free_ports
from interlock.testing.proxies.haproxy import HAProxy
from interlock.testing.shop.founding import founded
from interlock.testing.shop.make import BASE
from interlock.testing.shop.terminal import Terminal

pytestmark = pytest.mark.xdist_group("refused")

PLAN = """\
service: order-service
environment: production
router: {{kind: haproxy, socket: {socket}, backend: shop, canary: canary}}
meters:
  - kind: scrape
    canary: ["{pages}/canary"]
    control: ["{pages}/control"]
    metrics:
      orders: {{series: shop_orders_total}}
      errors: {{series: shop_requests_total, match: {{code: "500"}}}}
judge:
  alpha: 0.01
  metrics:
    orders: {{kind: good}}
    errors: {{kind: bad}}
stages:
  - {{percent: 1, bake: 15m}}
  - {{percent: 5, bake: 15m}}
baseline: 0
"""
PAGE = """\
# TYPE shop_orders_total counter
shop_orders_total 7
# TYPE shop_requests_total counter
shop_requests_total{code="201"} 7
shop_requests_total{code="500"} 0
"""
PRODUCTION, STAGING = "rollouts/order-service.yaml", "rollouts/staging.yaml"
Run = Callable[..., tuple[int, str]]


class Overheard:
    """A socket before HAProxy's own, which keeps what is said to it."""

    def __init__(self, place: Path, behind: Path) -> None:
        self.place, self._behind, self.said = place, behind, []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(place))
        self._listener.listen(8)
        threading.Thread(target=self._pass_on, daemon=True).start()

    def _pass_on(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            with line, socket.socket(socket.AF_UNIX) as behind:
                asked = line.recv(65_536)
                self.said.append(asked.decode())
                behind.connect(str(self._behind))
                behind.sendall(asked)
                while answer := behind.recv(65_536):
                    line.sendall(answer)

    @property
    def moved(self) -> list[str]:
        """What was said that changes anything."""
        return [line for line in self.said if not line.lstrip().startswith("show ")]

    def close(self) -> None:
        self._listener.close()
        self.place.unlink(missing_ok=True)


class Pages:
    """Both versions' expositions on one port."""

    def __init__(self) -> None:
        self.text = PAGE
        pages = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = pages.text.encode()
                self.send_response(200)
                self.send_header("content-type", "text/plain; version=0.0.4")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Place:
    """The shop with two plans in force, one for a place whose plug-ins are not installed, and tickets for both."""

    root: Path
    proxy: Overheard
    pages: Pages
    plan: str
    change: str = ""
    tickets: dict[str, Path] = field(default_factory=dict)

    def start(self, environment: str = "production") -> tuple[str, ...]:
        """What a pipeline types."""
        ticket = str(self.tickets[environment])
        return ("rollout", "start", self.change, "--ticket", ticket, "--environment", environment, "--detach")


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    # A socket's path is short, and pytest's are not.
    folder = Path(tempfile.mkdtemp(prefix="interlock-"))
    canary, control = free_ports(2)
    pages, haproxy = Pages(), HAProxy(canary=canary, control=[control])
    haproxy.start()
    proxy = Overheard(folder / "proxy.sock", haproxy.socket)
    plan = PLAN.format(socket=proxy.place, pages=pages.address)
    elsewhere = plan.replace("production", "staging").replace("kind: haproxy", "kind: haprox")
    elsewhere = elsewhere.replace("kind: scrape", "kind: scrap")
    try:
        plans = {PRODUCTION: plan.encode(), STAGING: elsewhere.encode()}
        shop = founded(folder / "shop", enforced=(), plans=plans, say=lambda _: None)
        terminal = Terminal(root=shop.root, say=lambda _: None)
        shop.small_change("one", "# a line more\n")
        made = Place(root=shop.root, proxy=proxy, pages=pages, plan=plan)
        made.change = terminal.run("change", "open", "--title", "One line", "--base", BASE, show=False).split()[0]
        for environment in ("production", "staging"):
            file = folder / f"{environment}.json"
            terminal.run("gate", made.change, "--environment", environment, "--ticket-file", str(file), show=False)
            made.tickets[environment] = file
        yield made
    finally:
        proxy.close()
        haproxy.close()
        pages.close()
        shutil.rmtree(folder)


@pytest.fixture
def run(place: Place, terminal: Any, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in the shop; its exit code and all that it said."""
    monkeypatch.chdir(place.root)
    monkeypatch.setenv("HOME", str(place.root.parent))
    for name in [name for name in os.environ if name.startswith("INTERLOCK_")]:
        monkeypatch.delenv(name)

    def ran(*words: str) -> tuple[int, str]:
        said = terminal(*words)
        assert "Traceback" not in said.out + said.err
        return said.code, said.out + said.err

    return ran


def line_of(text: str, plan: str) -> int:
    return next(number for number, line in enumerate(plan.splitlines(), 1) if text in line)


@pytest.mark.parametrize(
    ("old", "new", "exits", "code", "expected"),
    [
        ("{percent: 5,", "{percent: 1,", 2, "rollout-stages", "expected a stage above 1 %, got `1 %`"),
        ("{percent: 5,", "{percent: 0.5,", 2, "rollout-stages", "expected a stage above 1 %, got `0.5 %`"),
        ("{percent: 1,", "{percent: 0,", 2, "rollout-stages", "expected a stage above 0 % and at most 100 %"),
        ("{percent: 5,", "{percent: 101,", 2, "rollout-stages", "expected a stage above 0 % and at most 100 %"),
        ("{percent: 1,", "{percent: -1,", 2, "rollout-stages", "expected a stage above 0 % and at most 100 %"),
        ("{percent: 1,", "{percent: .nan,", 2, "rollout-plan", "expected a percentage"),
        ("kind: haproxy", "kind: haprox", 1, "plugin-unknown", "a known router (did you mean `haproxy`?)"),
        ("kind: scrape", "kind: scrap", 1, "plugin-unknown", "a known meter (did you mean `scrape`?)"),
        ("errors: {series", "eror: {series", 2, "rollout-metric", "expected a metric that the judge knows"),
        ("alpha: 0.01", "alpha: 0", 2, "judge-alpha", "expected an alpha above 0, at most 0.2"),
        ("alpha: 0.01", "alpha: 1.5", 2, "judge-alpha", "expected an alpha above 0, at most 0.2"),
        ("alpha: 0.01", "alpha: -0.01", 2, "judge-alpha", "expected an alpha above 0, at most 0.2"),
        ("alpha: 0.01", "alpha: often", 2, "input-shape", "a problem at `alpha`"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_with_its_line(
    place: Place, run: Run, old: str, new: str, exits: int, code: str, expected: str
) -> None:
    assert old in place.plan
    plan, file = place.plan.replace(old, new), place.root / PRODUCTION
    (place.root / STAGING).unlink()
    before = len(place.proxy.said)
    try:
        file.write_text(plan)
        ended, said = run("policy", "check")
        _, told = run("policy", "check", "--json")
    finally:
        subprocess.run(["git", "checkout", "--quiet", "--", "rollouts"], cwd=place.root, check=True)
    assert ended == exits, said
    assert expected in said
    assert f"`{PRODUCTION}:{line_of(old, place.plan)}`" in said
    assert re.match(r"✗ .*\n  \S", said), "the fault first, and below it what to do"
    assert f'"{code}"' in told
    assert place.proxy.said[before:] == []


def refused(place: Place, said: tuple[int, str], wanted: dict[str, int], path: str = PRODUCTION) -> None:
    """Exactly these obstacles, each with its line and what to do; and nobody touched the split."""
    code, text = said
    assert code == 1, text
    lines = re.findall(r"^  ✗ (expected .*)\n      \S.*$", text, re.MULTILINE)
    found = [(re.findall(r"\[([a-z-]+)\]", line), re.findall(r"([\w./-]+\.yaml):(\d+)", line)) for line in lines]
    assert {codes[0]: int(places[0][1]) for codes, places in found} == wanted, text
    assert [[each for each, _ in places] for _, places in found] == [[path]] * len(found), "each place once"
    assert text.startswith(f"refused  {len(found)} thing"), text
    assert place.proxy.moved == []


def test_plug_ins_that_are_not_installed(place: Place, run: Run) -> None:
    code, text = run(*place.start("staging"))
    assert code == 1, text
    assert "expected a known router (did you mean `haproxy`?), got `haprox`" in text
    assert "expected a known meter (did you mean `scrape`?), got `scrap`" in text
    assert [f"at `{STAGING}:{line}`  [plugin-unknown]" in text for line in (3, 5)] == [True, True], text
    assert text.count("installed: ") == 2
    assert place.proxy.moved == []


def test_a_query_that_returns_nothing(place: Place, run: Run) -> None:
    place.pages.text = PAGE.replace("shop_orders", "shop_carts")
    try:
        refused(place, run(*place.start()), {"series-missing": line_of("orders: {series", place.plan)})
    finally:
        place.pages.text = PAGE


def test_a_label_that_no_series_has(place: Place, run: Run) -> None:
    place.pages.text = PAGE.replace("code=", "status=")
    try:
        refused(place, run(*place.start()), {"label-unknown": line_of("errors: {series", place.plan)})
    finally:
        place.pages.text = PAGE


def test_a_proxy_that_nobody_reaches(place: Place, run: Run) -> None:
    hidden = place.proxy.place.rename(place.proxy.place.with_suffix(".away"))
    try:
        refused(place, run(*place.start()), {"router-unreachable": line_of("router:", place.plan)})
    finally:
        hidden.rename(place.proxy.place)


def test_a_socket_that_this_user_may_not_open(place: Place) -> None:
    """Root may open anything, so where the tests are root's the command is run without that right."""
    less = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    place.proxy.place.chmod(0o000)
    try:
        done = subprocess.run(
            [*less, sys.executable, "-m", "interlock", *place.start()],
            cwd=place.root,
            env={name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        place.proxy.place.chmod(0o600)
    said = (done.returncode, done.stdout + done.stderr)
    refused(place, said, {"router-forbidden": line_of("router:", place.plan)})


def test_a_page_of_the_canary_that_nobody_serves_is_named_once_it_should_be_up(place: Place) -> None:
    """Before a step put the version up it may be missing; afterwards it is no crash, and no traffic is sent."""
    (port,) = free_ports(1)
    wrong = f"http://127.0.0.1:{port}/canary"
    text = place.plan.replace(f"{place.pages.address}/canary", wrong)
    text += 'apply:\n  - {name: up, run: ["true"], verify: ["true"]}\n'
    plan = read_plan(PRODUCTION, text.encode())
    outside = Outside(
        routers=routers(), meters=meters(), notifiers={}, programs=SystemPrograms(str(place.root)), steady=steady
    )
    assert look(outside, plan).obstacles == []
    opened = open_meters(outside, plan)
    try:
        (found,) = unread(plan, opened)
    finally:
        opened[0].close()
    assert (found.code, found.path, found.line) == ("meter-unreachable", PRODUCTION, line_of(wrong, text))
    assert found.text == f"expected an answer from {wrong}, got connection refused"
    assert found.hint == "start what listens there, or correct the address"


@pytest.mark.parametrize("others", [(), ("control",)])
def test_a_control_that_nobody_serves_is_named_though_a_step_puts_the_canary_up(
    place: Place, others: tuple[str, ...]
) -> None:
    """The canary may be missing before the step, the control may not: it was counted as nothing."""
    canary, control = (f"http://127.0.0.1:{port}/metrics" for port in free_ports(2))
    text = place.plan.replace(f"{place.pages.address}/canary", canary)
    listed = "".join(
        f"\n      - {url}" for url in (*(f"{place.pages.address}/{each}" for each in others), control)
    )
    text = text.replace(f' ["{place.pages.address}/control"]', listed)
    text += 'apply:\n  - {name: up, run: ["true"], verify: ["true"]}\n'
    outside = Outside(
        routers=routers(), meters=meters(), notifiers={}, programs=SystemPrograms(str(place.root)), steady=steady
    )
    (found,) = look(outside, read_plan(PRODUCTION, text.encode())).obstacles
    assert (found.code, found.path, found.line) == ("meter-unreachable", PRODUCTION, line_of(control, text))
    assert found.text == f"expected an answer from {control}, got connection refused"
    assert found.hint == "start what listens there, or take it out of the control"
    assert place.proxy.moved == []


def test_a_stage_that_is_finer_than_the_proxy_splits(place: Place) -> None:
    """It was found after the version was put up and the baseline measured, and the proxy was called a liar."""
    text = place.plan.replace("{percent: 1,", "{percent: 0.1,")
    outside = Outside(
        routers=routers(), meters=meters(), notifiers={}, programs=SystemPrograms(str(place.root)), steady=steady
    )
    (found,) = look(outside, read_plan(PRODUCTION, text.encode())).obstacles
    assert (found.code, found.path, found.line) == ("router-too-coarse", PRODUCTION, line_of("percent: 0.1", text))
    assert found.hint == "let stages begin at 0.389 % or above"
    assert look(outside, read_plan(PRODUCTION, place.plan.encode())).obstacles == []
    assert place.proxy.moved == []


def test_with_nothing_in_its_way_the_same_is_started(place: Place, run: Run) -> None:
    """Else every refusal above could have been for something else."""
    code, text = run(*place.start())
    assert (code, text.partition(" ")[0]) == (0, "started"), text
    assert place.proxy.moved == []
