from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, strategies

from interlock.core.change.errors import BadReply
from interlock.core.rollout.setting import InvalidSetting
from interlock.plugins.routers.haproxy import HEAVIEST, weights
from interlock.plugins.routers.haproxy_stat import read_stat

HEAD = "# pxname,svname,type,stot,weight,uweight,status,bck,wretr,wredis,cookie,algo,"
ABOUT = "Pid: 8\nStart_time_sec: 1700000000\n"


def stat(*rows, about=ABOUT):
    return read_stat("\n".join((about, HEAD, *rows, "")), plugin="haproxy")


def server(name="canary", status="UP", weight=25, configured=25, backup=0):
    return f"shop,{name},2,10,{weight},{configured},{status},{backup},0,0,,,"


@pytest.mark.parametrize(
    ("percent", "controls", "expected"),
    [
        (1, 1, (1, 99)),
        (5, 1, (1, 19)),
        (25, 3, (1, 1)),
        (50, 1, (1, 1)),
        (95, 1, (19, 1)),
        (1, 7, (7, 99)),
        (0, 1, (0, HEAVIEST)),
        (100, 4, (HEAVIEST, 0)),
    ],
)
def test_weights_are_whole_and_exact_where_they_can_be(percent, controls, expected):
    assert weights(percent, controls) == expected


@given(strategies.floats(0.5, 99.5), strategies.integers(1, 20))
def test_weights_are_never_wider_than_asked_and_never_far_from_it(percent, controls):
    try:
        ours, theirs = weights(percent, controls)
    except InvalidSetting:
        return
    reached = 100 * ours / (ours + controls * theirs)
    assert 0 < ours <= HEAVIEST
    assert 0 < theirs <= HEAVIEST
    assert percent * 0.9 <= reached <= percent * (1 + 1e-9)


@given(strategies.integers(1, 99), strategies.integers(1, 100))
def test_a_split_that_whole_weights_can_make_is_made_exactly(percent, controls):
    ratio = Fraction(percent * controls, 100 - percent)
    if ratio.numerator <= HEAVIEST and ratio.denominator <= HEAVIEST:
        ours, theirs = weights(percent, controls)
        assert 100 * ours / (ours + controls * theirs) == pytest.approx(percent)


@pytest.mark.parametrize("percent", [0.1, 0.38, 1e-9])
def test_a_split_finer_than_the_weights_is_refused(percent):
    with pytest.raises(InvalidSetting) as caught:
        weights(percent, 1)
    assert caught.value.code == "router-too-coarse"
    assert "0.389 %" in caught.value.message


@pytest.mark.parametrize(
    ("status", "takes"),
    [
        ("UP", True),
        ("UP 1/2", True),
        ("no check", True),
        ("DOWN", False),
        ("DOWN 1/2", False),
        ("MAINT", False),
        ("MAINT (via other/server)", False),
        ("DRAIN", False),
        ("NOLB", False),
    ],
)
def test_only_a_server_that_takes_traffic_weighs_something(status, takes):
    found = stat(server(status=status)).servers[0]
    assert (found.weight, found.configured) == (25 if takes else 0, 25)


def test_a_run_is_a_process_and_its_start():
    assert stat(server()).since == "8@1700000000"
    assert stat(server(), about="Pid: 8\n").since == "8"


def test_retries_and_redispatches_of_all_servers_are_added():
    assert stat("shop,a,2,1,1,1,UP,0,2,3,,,", "shop,BACKEND,1,1,1,1,UP,0,1,0,,roundrobin,").retried == 6


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        ABOUT,
        f"{ABOUT}# pxname,svname\nshop,canary\n",
        f"{HEAD}\n{server()}\n",
        f"{ABOUT}{HEAD}\n{server(weight='many')}\n",
        "\0" * 100,
    ],
)
def test_an_answer_that_is_not_haproxys_is_a_bad_reply(answer):
    with pytest.raises(BadReply) as caught:
        read_stat(answer, plugin="haproxy")
    assert "\n" not in caught.value.message


def test_a_backend_that_is_not_there_is_none():
    assert read_stat(f"{ABOUT}No such proxy.\n", plugin="haproxy") is None
    assert read_stat(f"{ABOUT}{HEAD}\n", plugin="haproxy") is None
