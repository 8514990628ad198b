"""One suite against a hand-written hostile meter and every real one, fed by what it really reads."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from interlock.core.change.errors import PluginError
from interlock.core.rollout.samples import Exposure, Reading, usable
from interlock.core.rollout.setting import InvalidSetting
from interlock.core.rollout.windows import Tolerances, Watched, Window
from interlock.plugins.meters.prometheus import PrometheusMeter
from interlock.plugins.meters.push import PushMeter
from interlock.plugins.meters.scrape import ScrapeMeter
from interlock.plugins.meters.sql import SqlMeter
from interlock.ports.meter import Counted
from interlock.registry import meters
from interlock.testing.postgresql import PostgreSQL
from interlock.testing.prometheus import Prometheus, Targets
from interlock.testing.rollout import FakeMeter, World

KINDS = ("fake", "scrape", "prometheus", "sql-sqlite", "sql-postgresql", "push")


class Fake:
    """The hostile fake over a scripted world."""

    orders = Counted(name="orders")
    lag = 0.0

    def __init__(self, request):
        self.world = World(rate=100.0, weight=50.0)

    def meter(self, **changes):
        return FakeMeter(self.world, changes, (self.orders,))

    def sell(self, number):
        self.world.pass_by(1.0)

    def fail(self, made):
        self.world.meter_down = True


class Scraped:
    orders = Counted(name="orders", query={"series": "orders_total", "match": {"status": "ok"}})
    lag = 0.0

    def __init__(self, request):
        self.shops = request.getfixturevalue("shops")

    def meter(self, **changes):
        canary, *control = [shop.url for shop in self.shops]
        return ScrapeMeter({"canary": [canary], "control": control, "timeout": 1.5, **changes}, (self.orders,))

    def sell(self, number):
        for shop in self.shops:
            shop.sell(number)

    def fail(self, made):
        for shop in self.shops:
            shop.registry.collect = self._broken

    @staticmethod
    def _broken():
        raise OSError("the page cannot be made")


class Prom(Scraped):
    orders = Counted(name="orders", query={"query": 'orders_total{status="ok"}'})
    lag = 2.5

    def __init__(self, request):
        super().__init__(request)
        canary, *control = [shop.address for shop in self.shops]
        groups = [
            Targets(addresses=[canary], labels={"version": "2"}),
            Targets(addresses=control, labels={"version": "1"}),
        ]
        self.server = Prometheus(groups)
        request.addfinalizer(self.server.close)
        self.server.start()
        self.server.scraped("orders_total", 3)

    def meter(self, **changes):
        arms = {"canary": {"version": "2"}, "control": {"version": "1"}}
        return PrometheusMeter({"url": self.server.url, "interval": 1, **arms, **changes}, (self.orders,))

    def fail(self, made):
        self.server.kill()


class Sql:
    lag = 0.0
    orders = Counted(
        name="orders",
        query={"table": "sales", "by": "id", "arm": "version", "canary": "2", "control": "1"},
    )

    def __init__(self, request, url):
        request.getfixturevalue("monkeypatch").setenv("SALES", url)
        self.engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        request.addfinalizer(self.engine.dispose)
        self.next = 0
        self.run("CREATE TABLE sales (id INTEGER PRIMARY KEY, version INTEGER)")

    def run(self, statement):
        with self.engine.begin() as connection:
            connection.exec_driver_sql(statement)

    def meter(self, **changes):
        return SqlMeter({"url": {"env": "SALES"}, **changes}, (self.orders,))

    def sell(self, number):
        for _ in range(number):
            for version in (1, 2):
                self.next += 1
                self.run(f"INSERT INTO sales VALUES ({self.next}, {version})")

    def fail(self, made):
        self.run("DROP TABLE sales")


class Push:
    """A real server, a real token, real HTTP."""

    lag = 0.0
    orders = Counted(name="orders")

    def __init__(self, request):
        self.server = request.getfixturevalue("pushed_to")
        self.count, self.sequence = 0.0, 0
        self.sell(3)

    def meter(self, **changes):
        return PushMeter({"service": "shop", **changes}, (self.orders,), counts=self.server.counts)

    def sell(self, number):
        self.count += number
        self.sequence += 1
        samples = [
            {"metric": "orders", "arm": arm, "shard": shard, "value": self.count, "at": time.time()}
            for arm, shard in (("canary", "c"), ("control", "a"), ("control", "b"))
        ]
        answer = self.server.push({"source": "all", "sequence": self.sequence, "samples": samples})
        assert (answer.status_code, answer.json()) == (200, {"kept": True})

    def fail(self, made):
        made._counts = None


PATIENT, FAR = 30.0, 20.0
"""Seconds. No deadline passes because the machine stood still; who fails says so long before any is over."""


@pytest.fixture(scope="module")
def postgresql():
    with PostgreSQL() as server:
        yield server


@pytest.fixture(params=KINDS)
def source(request, tmp_path):
    if request.param == "sql-postgresql":
        return Sql(request, request.getfixturevalue("postgresql").new_database())
    if request.param == "sql-sqlite":
        return Sql(request, f"sqlite:///{tmp_path / 'sales.db'}")
    return {"fake": Fake, "scrape": Scraped, "prometheus": Prom, "push": Push}[request.param](request)


def test_every_installed_meter_is_in_this_suite():
    assert set(meters()) == {kind.partition("-")[0] for kind in KINDS} - {"fake"}


def test_a_meter_keeps_its_contract(source):
    """One story for each, since a real Prometheus takes five seconds to begin."""
    made = source.meter()
    if hasattr(made, "_timeout"):
        made._timeout = PATIENT
    try:
        made.check()
        _what_is_read_is_usable(made)
        _counts_are_cumulative(source, made)
        _several_threads_read_the_same(made)
        _windows_tell_exactly_what_was_sold(source, made)
        _a_source_that_fails_is_an_error_in_time(source, made)
    finally:
        made.close()
        made.close()
    assert not [t.name for t in threading.enumerate() if t.name.startswith(("scrape", "sql"))]


def test_an_unknown_setting_is_refused_with_its_path_and_touches_nothing(source):
    if isinstance(source, Fake):
        return
    with pytest.raises(InvalidSetting, match="got `servise`") as refused:
        source.meter(servise="shop")
    assert refused.value.path == ("servise",)


def _what_is_read_is_usable(made):
    samples = made.read()
    keys = [(sample.metric, sample.arm, sample.shard) for sample in samples]
    assert len(keys) == len(set(keys))
    assert {key[:2] for key in keys} == {("orders", "canary"), ("orders", "control")}
    assert all(usable(sample, ()) is not None for sample in samples)


def _counts_are_cumulative(source, made):
    before = totals(made)
    source.sell(5)
    for key, count in _until_grown(made, before).items():
        assert count >= before.get(key, 0)
        assert isinstance(source, Fake) or count - before.get(key, 0) == 5


def _until_grown(made, before):
    end, now = time.monotonic() + PATIENT, totals(made)
    while any(count <= before.get(key, 0) for key, count in now.items()):
        assert time.monotonic() < end, "what was sold is not counted"
        time.sleep(0.1)
        now = totals(made)
    return now


def _several_threads_read_the_same(made):
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: totals(made), range(8)))
    assert all(answer == answers[0] for answer in answers)


def _windows_tell_exactly_what_was_sold(source, made):
    """Whatever the meter: from readings at any moment come ticks whose counts are those that were sold."""
    tolerant = Tolerances(skew=3, overrun=20, patience=9, oldest=1e12, ahead=1e12, clock=1e12)
    window = Window({"orders": Watched(kind="good")}, lambda _: 0.5, tolerances=tolerant)
    sold, told, end = 0, [0, 0], time.monotonic() + PATIENT
    for number in range(1_000):
        samples = made.read()
        at = max(sample.at for sample in samples)
        exposure = Exposure(canary=number, control=number, at=at)
        tick = window.read(Reading(samples=samples, exposure=exposure, wall=at, steady=time.monotonic()))
        if tick is not None:
            assert tick.discard in {"", "shards-changed"}
            told[0] += tick.metrics["orders"].counts.canary
            told[1] += tick.metrics["orders"].counts.control[0]
        if window._end is not None and sold < 5:
            source.sell(1)
            sold += 1
        elif isinstance(source, Push | Fake):
            source.sell(0)
        if min(told) >= 5 or time.monotonic() > end:
            break
        time.sleep(0.25)
    assert isinstance(source, Fake) or told == [5, 5]
    assert min(told) >= 5


def _a_source_that_fails_is_an_error_in_time(source, made):
    source.fail(made)
    before = time.monotonic()
    with pytest.raises(PluginError) as failed:
        made.read()
    assert time.monotonic() - before < FAR
    assert failed.value.code
    assert "\n" not in failed.value.message


def totals(made):
    return {(sample.arm, sample.shard): sample.value for sample in made.read()}
