"""A gate that saw a weight where none is, or missed one, would have the matrix kill nobody there."""

from __future__ import annotations

import os
import socket
import threading

import pytest

from interlock.testing.kills.desk import AFTER, BEFORE, Desk, main
from interlock.testing.kills.door import Door
from interlock.testing.kills.gate import program_behind, weight_in

HAPROXY = "set server shop/canary weight 197;" + ";".join(
    f"set server shop/control-{number} weight 200" for number in (1, 2)
)
ENVOY = "POST /runtime_modify?shop.split.shop-canary=3300&shop.split.shop-control=6700 HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.mark.parametrize(
    ("question", "percent"),
    [
        (f"{HAPROXY}\n", 33),
        (HAPROXY.replace("197", "0"), 0),
        (ENVOY, 33),
        (ENVOY.replace("3300", "10000").replace("6700", "0"), 100),
    ],
)
def test_a_weight_is_known_by_the_question(question, percent):
    assert weight_in(question) == percent


@pytest.mark.parametrize(
    "question",
    [
        "show info;show stat shop 6 -1\n",
        "GET /runtime?format=json HTTP/1.1\r\n\r\n",
        "GET /stats?filter=%5E%28cluster%5C.shop-canary%5C.upstream_rq_total%29%24 HTTP/1.1\r\n\r\n",
    ],
)
def test_a_question_that_sets_nothing_is_none(question):
    assert weight_in(question) is None


def test_whose_a_question_is_the_kernel_says():
    seen = []

    def look(caller: socket.socket) -> None:
        seen.extend([program_behind(caller, [1, os.getpid()]), program_behind(caller, [1])])

    with Door(look) as door, socket.create_connection(("127.0.0.1", door.port)) as line:
        assert line.recv(1) == b""
    assert seen == [os.getpid(), 0]


def test_a_step_waits_before_and_after_its_command(tmp_path, monkeypatch):
    """It says both at the desk, in that order, and runs nothing until it was let go on."""
    monkeypatch.setenv("ROLLOUT_ID", "rol-1")
    made, seen, may = tmp_path / "made", [], threading.Event()

    def reached(step: str, _pid: int) -> bool:
        may.wait(10)
        seen.append((step, made.exists()))
        return False

    with Desk(reached) as desk:
        step = threading.Thread(target=main, args=(desk.told("up", ["touch", str(made)])[3:],))
        step.start()
        may.set()
        step.join()
    assert seen == [("before up", False), ("after up", True)]
    assert desk.ran("rol-1", "up") == [BEFORE, AFTER]
    assert desk.ran("rol-2", "up") == []
