"""What the router finds out about a real Envoy before traffic moves, and what it counts when things go wrong."""

from __future__ import annotations

from contextlib import contextmanager
from urllib.request import Request, urlopen

import pytest

from interlock.core.change.errors import BadReply, Rejected
from interlock.core.rollout.setting import InvalidSetting
from interlock.plugins.routers.envoy import EnvoyRouter
from interlock.testing.callers import ask
from interlock.testing.proxies.envoy import CANARY, CONTROL, PREFIX, Envoy

ADMIN = {"name": "admin", "admin_layer": {}}


@pytest.fixture
def started(canary, control):
    """Starts an Envoy with a part of its configuration changed."""

    @contextmanager
    def start(**changed):
        with Envoy(**{"canary": canary.port, "control": [control.port], **changed}) as proxy:
            yield proxy

    return start


def fixed(name, **weights):
    values = {f"{PREFIX}.{cluster}": weight for cluster, weight in weights.items()}
    return {"name": name, "static_layer": values}


def refused(router):
    with pytest.raises(InvalidSetting) as caught:
        router.check()
    return caught.value


@pytest.mark.parametrize(
    ("changed", "path", "code", "meant"),
    [
        ({"prefix": "shop.splits"}, ("prefix",), "router-prefix", "did you mean `shop.split`?"),
        ({"canary": "shop-canari"}, ("canary",), "router-cluster", "did you mean `shop-canary`?"),
        ({"control": ["shop-controls"]}, ("control",), "router-cluster", "did you mean `shop-control`?"),
    ],
)
def test_what_no_route_reads_is_refused_with_the_nearest_that_one_does(started, changed, path, code, meant):
    with started() as proxy:
        error = refused(EnvoyRouter({**proxy.settings, **changed}))
    assert (error.path, error.code) == (path, code)
    assert meant in error.message


def test_a_third_cluster_in_the_split_is_refused(started):
    clusters = [{"name": name, "weight": 1} for name in (CANARY, CONTROL)]
    weights = {"runtime_key_prefix": PREFIX, "clusters": [*clusters, {"name": CONTROL + "-2", "weight": 1}]}
    with started(route={"weighted_clusters": {**weights, "clusters": clusters}}) as proxy:
        EnvoyRouter(proxy.settings).check()
        assert refused(EnvoyRouter({**proxy.settings, "control": [CONTROL, "other"]})).code == "router-cluster"


@pytest.mark.parametrize(
    ("route", "refuses"),
    [
        ({"retry_policy": {"retry_on": "5xx"}}, True),
        ({"retry_policy": {"retry_on": "connect-failure", "num_retries": 2}}, True),
        ({"retry_policy": {"retry_on": "5xx", "num_retries": 0}}, False),
    ],
)
def test_a_retry_policy_is_refused_and_may_be_accepted(started, route, refuses):
    with started(route=route) as proxy:
        if refuses:
            assert refused(EnvoyRouter(proxy.settings)).code == "router-retries"
        else:
            EnvoyRouter(proxy.settings).check()
        EnvoyRouter({**proxy.settings, "retries": True}).check()


def test_retries_count_as_the_request_that_they_are(started, canary):
    policy = {"retry_policy": {"retry_on": "connect-failure", "num_retries": 3}}
    with started(route=policy) as proxy:
        router = EnvoyRouter({**proxy.settings, "retries": True})
        router.set_weight(100)
        canary.crash()
        ask(proxy.port, 20)
        exposed = router.exposure()
        assert (exposed.canary, exposed.control) == (20, 0)


def test_a_canary_without_any_host_is_assigned_what_envoy_refuses_for_it(started):
    with started(canary=None) as proxy:
        router = EnvoyRouter(proxy.settings)
        router.check()
        router.set_weight(50)
        answers = ask(proxy.port, 200)
        exposed = router.exposure()
        assert (exposed.canary, exposed.control) == (answers["status 503"], answers["control"])


def test_what_an_open_circuit_breaker_refuses_was_assigned(started):
    closed = {"circuit_breakers": {"thresholds": [{"max_pending_requests": 0, "max_connections": 0}]}}
    with started(cluster=closed) as proxy:
        router = EnvoyRouter(proxy.settings)
        router.set_weight(100)
        answers = ask(proxy.port, 20)
        assert answers.total() == 20
        assert router.exposure().canary == 20


@pytest.mark.parametrize("layers", [(), (fixed("only"),), (ADMIN, fixed("last"))])
def test_an_admin_layer_that_is_missing_or_not_the_last_is_refused(started, layers):
    with started(layers=layers) as proxy:
        assert refused(EnvoyRouter(proxy.settings)).code == "router-layers"


def test_a_weight_that_another_layer_overrides_is_rejected_and_read_back_as_it_is(started):
    with started(layers=(ADMIN, fixed("last", **{CANARY: 7_000, CONTROL: 3_000}))) as proxy:
        router = EnvoyRouter(proxy.settings)
        with pytest.raises(Rejected) as caught:
            router.set_weight(5)
        assert caught.value.code == "router-overridden"
        assert router.weight() == 70


def test_without_an_admin_layer_nothing_can_be_set(started):
    with started(layers=(fixed("only"),)) as proxy, pytest.raises(Rejected) as caught:
        EnvoyRouter(proxy.settings).set_weight(5)
    assert caught.value.code == "router-rejected"


def test_what_the_runtime_does_not_say_is_the_configured_weight(started):
    with started() as proxy:
        assert EnvoyRouter(proxy.settings).weight() == 0
    with started(layers=(fixed("first", **{CANARY: 10_000}), ADMIN)) as proxy:
        assert EnvoyRouter(proxy.settings).weight() == 50


@pytest.mark.parametrize("value", [0, 2**32 - 1])
def test_weights_by_which_envoy_serves_nobody_are_a_bad_reply(started, value):
    """Envoy answers 404 to every request when its weights are all 0, or overflow together."""
    with started() as proxy:
        router = EnvoyRouter(proxy.settings)
        query = "&".join(f"{PREFIX}.{cluster}={value}" for cluster in (CANARY, CONTROL))
        urlopen(Request(f"{proxy.admin}/runtime_modify?{query}", method="POST"), timeout=2).close()
        assert ask(proxy.port, 5).keys() == {"status 404"}
        with pytest.raises(BadReply, match="weights that Envoy can serve"):
            router.weight()
        router.set_weight(0)
        assert ask(proxy.port, 5).keys() == {"control"}


def test_an_envoy_that_starts_anew_sends_nothing_to_the_canary_and_says_that_it_counts_anew(started):
    with started() as proxy:
        router = EnvoyRouter(proxy.settings)
        router.set_weight(50)
        ask(proxy.port, 10)
        before = router.exposure()
        assert router.exposure().since == before.since
        proxy.kill()
        proxy.start()
        after = router.exposure()
        assert (router.weight(), after.canary, after.control) == (0, 0, 0)
        assert after.since != before.since


def test_something_that_is_no_envoy_is_a_bad_reply(canary, started):
    with started() as proxy:
        router = EnvoyRouter({**proxy.settings, "admin": f"127.0.0.1:{canary.port}"})
        for call in (router.check, router.weight, router.exposure):
            with pytest.raises((BadReply, InvalidSetting)) as caught:
                call()
            assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("more", "route", "by_request"),
    [
        ({}, {}, True),
        ({"header_name": "x-arm"}, {}, False),
        ({"use_hash_policy": True}, {"hash_policy": [{"header": {"header_name": "x-user"}}]}, False),
    ],
)
def test_it_is_said_whether_every_request_is_decided_anew(started, more, route, by_request):
    clusters = [{"name": name, "weight": 1} for name in (CANARY, CONTROL)]
    split = {"runtime_key_prefix": PREFIX, "clusters": clusters, **more}
    with started(route={"weighted_clusters": split, **route}) as proxy:
        assert EnvoyRouter(proxy.settings).by_request() is by_request
