"""Settings that cannot be used are refused before anything is touched, with the key that is wrong."""

from __future__ import annotations

import pytest

from interlock.core.change.errors import InvalidInput, Rejected
from interlock.core.rollout.setting import InvalidSetting
from interlock.plugins.routers.envoy import EnvoyRouter
from interlock.plugins.routers.flag import FlagRouter
from interlock.registry import routers

GOOD = {
    "command": {"set": ["/bin/true"], "get": ["/bin/true"], "exposure": ["/bin/true"]},
    "envoy": {"admin": "127.0.0.1:9901", "prefix": "shop", "canary": "a", "control": "b"},
    "flag": {"flag": "shop"},
    "haproxy": {"socket": "/nowhere/haproxy.sock", "backend": "shop", "canary": "canary"},
    "nginx": {
        "file": "/nowhere/split.conf",
        "log": "/nowhere/split.log",
        "status": "127.0.0.1:9",
        "canary": "a",
        "control": "b",
    },
}


def refused(name, **changed):
    settings = {key: value for key, value in {**GOOD[name], **changed}.items() if value is not None}
    with pytest.raises(InvalidSetting) as caught:
        routers()[name](settings)
    return caught.value


def test_every_router_is_installed_and_touches_nothing_when_it_is_made():
    assert routers().keys() == GOOD.keys()
    for name, settings in GOOD.items():
        routers()[name](settings).close()


@pytest.mark.parametrize("name", GOOD)
def test_an_unknown_key_is_refused_with_the_nearest_that_exists(name):
    key = next(iter(GOOD[name]))
    error = refused(name, **{f"{key}s": "x"})
    assert error.path == (f"{key}s",)
    assert f"did you mean `{key}`?" in error.message
    assert "\n" not in error.message


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, keys in GOOD.items() for key in keys])
def test_a_missing_key_and_one_of_another_type_are_refused_by_name(name, key):
    assert refused(name, **{key: None}).path == (key,)
    assert refused(name, **{key: {"a": 1}}).path[:1] == (key,)


@pytest.mark.parametrize(
    ("name", "key", "value", "code"),
    [
        ("haproxy", "socket", "relative.sock", "router-address"),
        ("haproxy", "socket", "/" + "s" * 200, "router-address"),
        ("haproxy", "socket", "127.0.0.1:0", "router-address"),
        ("haproxy", "backend", "shop;disable server shop/canary", "router-name"),
        ("haproxy", "canary", "a/b", "router-name"),
        ("haproxy", "canary", "", "router-name"),
        ("haproxy", "smallest", 0, "router-smallest"),
        ("envoy", "admin", "/run/envoy.sock", "router-address"),
        ("envoy", "admin", "127.0.0.1:70000", "router-address"),
        ("envoy", "admin", "http://127.0.0.1:9901", "router-address"),
        ("envoy", "prefix", "shop split", "router-name"),
        ("envoy", "control", "a", "router-arms"),
        ("envoy", "control", [], "router-arms"),
        ("envoy", "control", ["b", "b"], "router-arms"),
        ("nginx", "file", "split.conf", "router-file"),
        ("nginx", "canary", "a; } server { listen 80", "router-name"),
        ("nginx", "canary", "b", "router-arms"),
        ("nginx", "key", "$request_id;", "router-name"),
        ("nginx", "variable", "$arm", "router-name"),
        ("nginx", "status", "9", "router-address"),
        ("flag", "flag", "a/b", "router-name"),
        ("flag", "canary", "on", "router-arms"),
        ("command", "set", [], "router-program"),
        ("command", "get", ["a\0b"], "router-program"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_with_its_key(name, key, value, code):
    error = refused(name, **{key: value})
    assert (error.code, error.path[:1]) == (
        code,
        (key,) if code != "router-arms" or name == "flag" else ("control",),
    )
    assert "\n" not in error.message
    assert error.hint


@pytest.mark.parametrize("percent", [-0.01, 100.01, float("nan"), float("inf")])
@pytest.mark.parametrize("name", GOOD)
def test_a_weight_that_is_none_is_refused_before_the_router_is_asked(name, percent):
    with pytest.raises(InvalidInput) as caught:
        routers()[name](GOOD[name]).set_weight(percent)
    assert caught.value.code == "weight-range"


def test_a_weight_finer_than_the_split_is_refused_and_never_rounded_up():
    with pytest.raises(Rejected) as caught:
        EnvoyRouter(GOOD["envoy"]).set_weight(0.001)
    assert caught.value.code == "router-too-coarse"


@pytest.mark.parametrize(("name", "finest"), [("envoy", "0.01"), ("nginx", "0.01")])
def test_whether_a_stage_is_too_fine_can_be_asked_before_traffic_moves(name, finest):
    router = routers()[name](GOOD[name])
    router.check_weight(0.01)
    for percent in (0.005, 0.0125):
        with pytest.raises(InvalidSetting) as caught:
            router.check_weight(percent)
        assert caught.value.code == "router-too-coarse"
        assert f"its finest is {finest} %" in caught.value.message


def test_a_flag_without_a_server_says_so():
    with pytest.raises(Exception, match="interlock's server, which serves the flag") as caught:
        FlagRouter(GOOD["flag"]).weight()
    assert caught.value.code == "flag-unserved"
